import type { Logger } from 'pino'
import { createEventLog } from '../../src/control/event-log.ts'
import { wantedOf } from '../../src/control/joined-members.ts'
import type { EjectionFault } from '../../src/control/master-watch/master-watch.ts'
import { createMemberControl } from '../../src/control/member-control.ts'
import { createOutlierDetection } from '../../src/control/outliers/detection.ts'
import { noOverlay, type Overlay } from '../../src/control/overlay.ts'
import { createPublisher } from '../../src/control/publisher.ts'
import { createRoster, type Proposal, type Roster } from '../../src/control/roster.ts'
import { seatLimitsOf } from '../../src/control/seat-limits.ts'
import type { AskDns } from '../../src/control/sources/resolver.ts'
import { createSources } from '../../src/control/sources/sources.ts'
import { createHeldElsewhere } from '../../src/control/takeover/held-elsewhere.ts'
import { type Master, takesNewRuns } from '../../src/model/master.ts'
import type { Order, Publication } from '../../src/model/messages.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Config, Settings } from '../../src/model/settings.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { createSharedMemory, type SharedTables } from '../../src/shared/memory.ts'
import { createPinTable } from '../../src/shared/pins.ts'
import type { Machine } from './machines.ts'
import { superviseMachines } from './watching.ts'

/** Few, since they are counted all the time, and shorter-lived than a run may take. */
const PINS = { sets: 32, lifeMs: 300_000 } as const

export interface ControlDeps {
  readonly config: Config
  readonly ask: AskDns['ask']
  readonly machineOf: (master: Master) => Machine | undefined
  readonly tell: (order: Order) => void
  readonly whenApplied: (version: number) => Promise<void>
  /** Called before a seat is free, and before a membership is adopted; with the settings that a reload brings. */
  readonly freeing: (seat: number) => void
  readonly adopting: (proposal: Proposal, reloaded: Settings | undefined) => void
  readonly published: (snapshot: Snapshot) => void
  readonly ejected: (master: Master, fault: EjectionFault) => void
  /** The sources are asked whom they name. */
  readonly naming: () => void
  readonly runtime: Runtime
  readonly log: Logger
}

/** The control plane of `control/control-plane`, without files, sockets and threads. */
export function createControl(deps: ControlDeps) {
  const { config, runtime, log } = deps
  const events = createEventLog(runtime.wallClock)
  let settings = config.settings
  let isStarted = false
  let reloaded: Settings | undefined
  let kept: Overlay = noOverlay

  const sources = createSources(settings, {
    ...{ ask: deps.ask, runtime, log, events },
    ownPlaces: () => () => false,
    changed() {
      if (isStarted) control.follow()
    }
  })
  const inner = createRoster()
  const roster: Roster = {
    ...inner,
    adopt(proposal) {
      deps.adopting(proposal, isStarted ? reloaded : settings)
      inner.adopt(proposal)
    },
    free(seat) {
      deps.freeing(seat)
      inner.free(seat)
    }
  }
  const { remarks: _, ...named } = sources.named()
  const first = { ...named, overlay: noOverlay }
  inner.adopt(inner.propose(wantedOf(first)))
  const memory: SharedTables = { ...createSharedMemory(config.boot, runtime), pins: createPinTable(PINS) }
  const supervisor = superviseMachines({
    ...{ memory, roster, runtime, log, events },
    settings: () => settings,
    publish: snapshot => publish({ snapshot }),
    tell: deps.tell,
    ejected: deps.ejected,
    machineOf: deps.machineOf
  })
  const publisher = createPublisher(
    { snapshot: supervisor.snapshot(), settings, revoked: [], caDocuments: {} },
    deps.tell
  )

  const held = createHeldElsewhere(() => {})

  function publish(part: Omit<Publication, 'version'> & { readonly snapshot: Snapshot }): void {
    deps.published(part.snapshot)
    publisher.publish(part)
    void memory.slots.setSeats(seatLimitsOf(part.snapshot, supervisor, held))
  }

  const control = createMemberControl({
    sources: {
      ...sources,
      named() {
        deps.naming()
        return sources.named()
      }
    },
    ...{ first, roster, supervisor, memory, held, runtime, log, events, publish },
    whenApplied: () => deps.whenApplied(publisher.current().version),
    overlayFile: {
      read: async () => noOverlay,
      async keep(_, overlay) {
        kept = overlay
      },
      problem: () => undefined
    },
    stateDirectory: () => undefined,
    hasStarted: () => true
  })
  const outliers = createOutlierDetection({
    masters: () => roster.current().masters.filter(takesNewRuns),
    watchOf: supervisor.watchOf,
    results: memory.results,
    runtime
  })

  /** As `control/control-plane` prepares and commits one. `inForce` is called before anything else can be. */
  async function reload(next: Settings, inForce: () => void): Promise<void> {
    const found = await sources.prepare(next, 5_000)
    deps.naming()
    const { masters, ca } = found.named
    const change = await control.members.prepare({ masters, ca }).catch(error => {
      found.cancel()
      throw error
    })
    settings = next
    found.commit()
    reloaded = next
    const applied = control.apply(change, () => ({ settings }))
    reloaded = undefined
    inForce()
    await applied
  }

  return {
    ...{ memory, roster, supervisor, sources, events, members: control.members, drains: control.drains },
    current: publisher.current,
    settings: () => settings,
    kept: () => kept,
    operate: control.operate,
    /** Rejects as a reload fails. */
    reload: (next: Settings, inForce: () => void) => control.changes.run(() => reload(next, inForce)),
    start: (workers: () => void) =>
      control.changes.run(async () => {
        await sources.settled(10_000)
        const { masters: found, ca: foundCa } = sources.named()
        control.members.begin({ masters: found, ca: foundCa })
        isStarted = true
        const { masters, ca } = roster.current()
        await supervisor.watch([...masters, ca])
        supervisor.open()
        supervisor.refresh()
        workers()
        control.seating.start()
        control.drains.start()
        outliers.start()
      }),
    stop() {
      sources.stop()
      control.seating.stop()
      control.drains.stop()
      outliers.stop()
      supervisor.stop()
    }
  }
}

export type Control = ReturnType<typeof createControl>
