import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import { type Master, seatOf } from '../model/master.ts'
import { isIn, isLedTo } from '../model/pool.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Settings } from '../model/settings.ts'
import type { SharedTables } from '../shared/memory.ts'
import type { CauseKind } from '../upstream/cause.ts'
import { proxyHeader } from '../upstream/proxy-header.ts'
import type { FaultCounts } from './master-watch/fault-counts.ts'
import type { EjectionFault } from './master-watch/master-watch.ts'
import { watchMaster } from './master-watch/watch-master.ts'
import type { OwnFaults } from './own-faults.ts'
import type { Planes } from './planes.ts'
import type { PresentedCertificates } from './presented-certificates.ts'
import type { Roster } from './roster.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.ts'
import type { HeldElsewhere } from './takeover/held-elsewhere.ts'

/** What is known of masters, and by what settings they are watched. */
export interface MasterContext {
  readonly memory: SharedTables
  readonly roster: Roster
  readonly held: Pick<HeldElsewhere, 'of'>
  readonly probeFailures: FaultCounts<CauseKind>
  readonly ejections: FaultCounts<EjectionFault>
  readonly ownFaults: OwnFaults
  readonly presented: PresentedCertificates
  /** The settings in force. */
  readonly settings: () => Settings
  /** Those that masters go by who are about to join with them. */
  readonly nextSettings: () => Settings
}

export interface SuperviseOptions extends MasterContext {
  readonly publish: SupervisorOptions['publish']
  readonly planes: () => Planes
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** The supervisor with watches that ask real masters. */
export function superviseMasters(options: SuperviseOptions): Supervisor {
  const { memory, roster, held, settings, planes } = options
  const { slots, results } = memory
  const supervisor: Supervisor = createSupervisor({
    membership: roster.current,
    named: () => settings().masters,
    fall: () => settings().health.fall,
    isFull(id) {
      const load = supervisor.watchOf(id)?.load
      return load !== undefined && (load.isFull() || slots.taken(seatOf(id)) >= load.capacity())
    },
    isBusy: ({ seat }) => memory.board.inFlight(seat) > 0,
    // Nor is it charged with what agents left there.
    abandoned({ id }) {
      planes().tell({ type: 'ghosts-done', masterId: id, leftBeforeMs: options.runtime.now() })
    },
    returned: ({ seat }) => void slots.startSlowly(seat),
    publish: options.publish,
    watch: (master, judge) => {
      // One that is about to join goes by the settings that name it.
      const settingsNow = () => (memberOf(roster, master.id) ? settings() : options.nextSettings())
      return watchMaster({
        ...options,
        ...judge,
        first: master,
        member: () => memberOf(roster, master.id),
        settings: settingsNow,
        preamble: () => preambleOf(memberOf(roster, master.id) ?? master, settingsNow()),
        slots,
        heldElsewhere: held.of,
        isRaw: each => isLedTo(each, settingsNow().listen.tcp),
        results,
        ejected: ({ name }, fault) => options.ejections.add(name, fault),
        arrivals: memory.arrivals,
        shown: options.presented.add,
        failed(of, bad) {
          // No text of a master becomes a label.
          options.probeFailures.add(of.name, bad.kind ?? 'other')
          if (bad.isOwnFault) options.ownFaults.tell(bad.cause, 'a probe of a master')
        },
        ghostsDone: leftBeforeMs => planes().tell({ type: 'ghosts-done', masterId: master.id, leftBeforeMs })
      })
    }
  })
  return supervisor
}

/** A master that is told who connects wants to hear of every connection that it is a probe, or whose it is. */
function preambleOf(master: Master, { listen }: Pick<Settings, 'listen'>): Buffer | undefined {
  const isTold = listen.tcp.some(({ pool, proxyProtocol }) => proxyProtocol && isIn(master, pool))
  return isTold ? proxyHeader(undefined) : undefined
}

function memberOf(roster: Roster, id: number): Master | undefined {
  const { masters, ca } = roster.current()
  return ca.id === id ? ca : masters.find(master => master.id === id)
}
