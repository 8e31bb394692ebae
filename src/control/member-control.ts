import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Publication } from '../model/messages.ts'
import type { Operate } from '../model/operation.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { within } from '../model/within.ts'
import type { SharedTables } from '../shared/memory.ts'
import { type ChangeQueue, createChangeQueue } from './change-queue.ts'
import { createDrains, type Drains } from './drains.ts'
import { createFollowing } from './following.ts'
import {
  createJoinedMembers,
  type JoinedMembers,
  type MemberParts,
  type PreparedMembers
} from './joined-members.ts'
import { masterStatuses } from './master-status.ts'
import { createOperate } from './operations.ts'
import type { OverlayFile } from './overlay-file.ts'
import { createRemainingWork } from './remaining-work.ts'
import type { Roster } from './roster.ts'
import { createSeating, type Seating } from './seating.ts'
import type { Sources } from './sources/sources.ts'
import type { Supervisor } from './supervisor.ts'
import type { HeldElsewhere } from './takeover/held-elsewhere.ts'

/** Planes that are told of something new and do not answer are not waited for longer: they will go by it later. */
const APPLY_TIMEOUT_MS = 5_000

export interface MemberControlDeps {
  /** In force already. */
  readonly first: MemberParts
  readonly roster: Roster
  readonly supervisor: Supervisor
  readonly memory: SharedTables
  readonly held: HeldElsewhere
  readonly publish: (part: Part & { readonly snapshot: Snapshot }) => void
  /** Resolves once every plane goes by all that was published until now. */
  readonly whenApplied: () => Promise<void>
  readonly overlayFile: OverlayFile
  readonly sources: Pick<Sources, 'named' | 'settled'>
  /** Where the overlay is kept, by the settings in force. */
  readonly stateDirectory: () => string | undefined
  /** Whether all masters were probed once, and requests are served. */
  readonly hasStarted: () => boolean
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: EventLog
}

/** What is published beside the members. */
type Part = Omit<Publication, 'version' | 'snapshot'>

/** All that changes who is a member and what masters are wanted for: composition of its parts, no rules. */
export interface MemberControl {
  /** Whatever changes the membership takes its turn here. */
  readonly changes: ChangeQueue
  readonly members: JoinedMembers
  /**
   * Puts a change of members in force, and publishes with it what `part` says once they are. Resolves when the planes
   * go by it, or have had time enough to.
   */
  readonly apply: (change: PreparedMembers, part?: () => Part) => Promise<void>
  /** Takes what the sources name by now: to be called when that may be something else. */
  readonly follow: () => void
  readonly operate: Operate
  readonly seating: Seating
  readonly drains: Drains
}

export function createMemberControl(deps: MemberControlDeps): MemberControl {
  const { first, roster, supervisor, memory, held, publish, whenApplied, overlayFile, runtime, log, events } =
    deps
  const changes = createChangeQueue()
  const seating = createSeating({ ...memory, held, roster, supervisor, whenApplied, runtime, log, events })
  const work = createRemainingWork({ ...memory, held, supervisor, runtime })
  const drains = createDrains({ roster, work, whenApplied, runtime, log, events })
  const members = createJoinedMembers(first, {
    slots: memory.slots,
    ...{ roster, supervisor, seating, log, events }
  })

  async function apply(change: PreparedMembers, part: () => Part = () => ({})): Promise<void> {
    change.commit()
    drains.changed()
    publish({ ...part(), snapshot: supervisor.compose() })
    change.seeOff()
    await overlayFile.keep(deps.stateDirectory(), members.current().overlay)
    await within(APPLY_TIMEOUT_MS, whenApplied(), runtime)
  }

  const operate = createOperate({
    ...{ changes, members, apply, roster, supervisor, log, events },
    statuses: () => masterStatuses({ roster, supervisor, memory, members, drains }),
    hasStarted: deps.hasStarted,
    problem: overlayFile.problem
  })
  const follow = createFollowing({ changes, members, apply, sources: deps.sources, runtime, log })
  return { changes, members, apply, follow, operate, seating, drains }
}
