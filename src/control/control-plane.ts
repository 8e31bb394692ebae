import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import { type Master, seatOf } from '../model/master.ts'
import type { PlaneStart } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config, Settings } from '../model/settings.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { jrubyMetricsPath, parseJRubyMetrics } from '../puppet/jruby-metrics.ts'
import { createSharedMemory, type SharedTables } from '../shared/memory.ts'
import type { SeatLimits } from '../shared/slots/types.ts'
import { createFileWatch } from './file-watch.ts'
import { inquire } from './master-watch/inquiry.ts'
import { createJRubyLoad } from './master-watch/jruby-load.ts'
import { createMasterWatch, type MasterWatch } from './master-watch/master-watch.ts'
import { probe } from './master-watch/probe.ts'
import { createPlanes, type Planes } from './planes.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { createReload, type Reload } from './reload.ts'
import { createRevocationWatch } from './revocation.ts'
import { createRoster, keyOf, type Proposal, type Roster } from './roster.ts'
import { createSeating, type Seating } from './seating.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.ts'

/** Planes that are told of new settings and do not answer are not waited for longer: they will go by them later. */
const APPLY_TIMEOUT_MS = 5_000

export interface ControlPlaneOptions {
  readonly config: Config
  /** Reads the configuration again. Throws a ConfigError. */
  readonly load: () => Config
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: EventLog
  /** The worker thread's module. */
  readonly entry: URL
  /** Starts a data plane in this thread, for `workers: 0`. */
  readonly startHere: (
    start: PlaneStart,
    port: MessagePort
  ) => Promise<{ readonly stop: () => Promise<void> }>
}

/** Decides who may serve, and holds the data planes. */
export interface ControlPlane {
  readonly memory: SharedTables
  readonly roster: Roster
  readonly supervisor: Supervisor
  readonly planes: Planes
  readonly reload: Reload
  readonly revocations: ReturnType<typeof createRevocationWatch>
  /** Resolves with the port once every master was probed once and every plane listens. */
  readonly start: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** What the parts of the control plane share. */
interface Context extends ControlPlaneOptions {
  readonly memory: SharedTables
  readonly roster: Roster
  /** The settings in force. */
  readonly settings: () => Settings
  /** Those that masters go by who are about to join with them. */
  readonly nextSettings: () => Settings
}

/** Reads the revocation lists and builds everything; nothing is asked or served before `start`. */
export async function createControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { config, runtime, log, events } = options
  const roster = createRoster()
  const proposal = roster.propose(config.settings)
  roster.adopt(proposal)
  const memory = createSharedMemory(config.boot, runtime)
  let settings = config.settings
  let nextSettings = settings
  const context: Context = {
    ...options,
    memory,
    roster,
    settings: () => settings,
    nextSettings: () => nextSettings
  }

  const revocations = createRevocationWatch({
    runtime,
    log,
    publish: revoked => void publisher.publish({ revoked })
  })
  revocations.adopt(revocations.prepare(settings.tls))
  const supervisor = superviseWith(context, {
    publish: snapshot => publishSnapshot({ snapshot }),
    planes: () => planes
  })
  const publisher: Publisher = createPublisher(
    { snapshot: supervisor.snapshot(), settings, revoked: revocations.current()?.revoked ?? new Set() },
    order => planes.tell(order)
  )
  const planes = planesOf(context, publisher, supervisor)
  const whenApplied = () => planes.whenApplied(publisher.current().version)
  const seating = createSeating({ ...memory, roster, supervisor, whenApplied, runtime, log, events })

  function publishSnapshot(
    part: Parameters<Publisher['publish']>[0] & { readonly snapshot: Snapshot }
  ): void {
    publisher.publish(part)
    void memory.slots.setSeats(limitsOf(part.snapshot, supervisor))
  }

  const watch = createFileWatch(() => void reload.afterChange(), runtime)
  const watchFiles = (files: readonly string[]) => watch.set(settings.reload === 'watch' ? files : [])
  const reload = createReload({
    first: config,
    load: options.load,
    runtime,
    log,
    events,
    watchFiles,
    async prepare(next) {
      nextSettings = next.settings
      const lists = revocations.prepare(next.settings.tls)
      const change = await membershipChange(next.settings, { ...context, supervisor, seating })
      return {
        async commit() {
          settings = next.settings
          log.level = settings.log.level
          revocations.adopt(lists)
          change.commit()
          const revoked = revocations.current()?.revoked ?? new Set<string>()
          publishSnapshot({ settings, revoked, snapshot: supervisor.compose() })
          change.seeOff()
          await within(APPLY_TIMEOUT_MS, whenApplied(), runtime)
        }
      }
    }
  })

  return {
    memory,
    roster,
    supervisor,
    planes,
    reload,
    revocations,
    async start() {
      // A file that changes while masters are probed must not be missed.
      watchFiles(reload.config().files)
      const { masters, ca } = roster.current()
      await supervisor.watch([...masters, ca])
      supervisor.open()
      supervisor.refresh()
      const port = await planes.start()
      seating.start()
      return port
    },
    async stop() {
      watch.stop()
      seating.stop()
      supervisor.stop()
      revocations.stop()
      await planes.terminate()
    }
  }
}

function planesOf(
  { config, memory, log, events, runtime, entry, startHere }: Context,
  publisher: Publisher,
  supervisor: Supervisor
): Planes {
  return createPlanes({
    boot: config.boot,
    memory: memory.buffers,
    log,
    events,
    runtime,
    entry,
    startHere,
    current: publisher.current,
    onOutcome: supervisor.report,
    onDeath: memory.removeWorker
  })
}

/** The supervisor with watches that ask real masters. */
function superviseWith(
  context: Context,
  { publish, planes }: { readonly publish: SupervisorOptions['publish']; readonly planes: () => Planes }
): Supervisor {
  const { memory, roster, settings } = context
  const { slots } = memory
  const supervisor: Supervisor = createSupervisor({
    membership: roster.current,
    fall: () => settings().health.fall,
    isFull(id) {
      const load = supervisor.watchOf(id)?.load
      return load !== undefined && (load.isFull() || slots.taken(seatOf(id)) >= load.capacity())
    },
    returned: ({ seat }) => void slots.startSlowly(seat),
    publish,
    watch: (master, judge) =>
      watchMaster(master, judge, context, leftBeforeMs =>
        planes().tell({ type: 'ghosts-done', masterId: master.id, leftBeforeMs })
      )
  })
  return supervisor
}

/** Watches one master by its probes and its JRuby numbers. */
function watchMaster(
  first: Master,
  judge: Parameters<SupervisorOptions['watch']>[1],
  context: Context,
  ghostsDone: (leftBeforeMs: number) => void
): MasterWatch {
  const { roster, runtime, log, events } = context
  const { slots } = context.memory
  const { seat, id } = first
  /** As the roster has it; one that is about to join is not there yet. */
  const member = () => [...roster.current().masters, roster.current().ca].find(each => each.id === id)
  const master = () => member() ?? first
  const settings = () => (member() ? context.settings() : context.nextSettings())
  const asked = (path: string) => ({
    origin: first.url,
    path,
    timeoutMs: settings().health.timeoutMs,
    upstream: settings().upstream,
    runtime
  })
  const load =
    first.name === 'ca'
      ? undefined
      : createJRubyLoad({
          intervalMs: () => settings().health.intervalMs,
          configured: () => master().capacity,
          ask: () =>
            inquire(asked(jrubyMetricsPath)).then(
              ({ status, body }) => (status === 200 ? parseJRubyMetrics(body) : undefined),
              () => undefined
            ),
          taken: () => slots.taken(seat),
          ghosts: () => slots.ghosts(seat),
          runtime,
          changed: judge.changed,
          ghostsDone
        })
  return createMasterWatch({
    ...judge,
    master,
    health: () => settings().health,
    probe: () => probe(asked(settings().health.path)),
    load,
    runtime,
    log,
    events
  })
}

/** What each seat can take: JRubies and foreign load of those that take work of any kind. */
function limitsOf(
  { tiers, finishing, doubted }: Snapshot,
  { watchOf }: Pick<Supervisor, 'watchOf'>
): ReadonlyMap<number, SeatLimits> {
  const best = tiers[0] ?? []
  return new Map(
    [...tiers.flat(), ...finishing, ...doubted].map(master => {
      const load = watchOf(master.id)?.load
      const limits = {
        capacity: load?.capacity() ?? 0,
        foreign: load?.foreign() ?? 0,
        takesNewRuns: best.includes(master)
      }
      return [master.seat, limits] as const
    })
  )
}

/** A change of membership made ready: those who join are seated and were probed once. */
async function membershipChange(
  settings: Settings,
  {
    roster,
    supervisor,
    seating,
    memory,
    log,
    events
  }: Pick<Context, 'roster' | 'memory' | 'log' | 'events'> & {
    readonly supervisor: Supervisor
    readonly seating: Seating
  }
) {
  const named = new Set(settings.masters.map(keyOf))
  await seating.makeRoom(newSeats(settings, roster), master => named.has(keyOf(master)))
  const release = seating.hold()
  let proposal: Proposal
  try {
    proposal = roster.propose(settings)
    await supervisor.watch(proposal.joining)
  } catch (error) {
    release()
    throw error
  }
  const { joining, leaving, ca } = proposal
  const oldCa = roster.current().ca
  return {
    commit() {
      release()
      const isServed = roster.current().masters.some(({ id }) => supervisor.stateOf(id) === 'up')
      roster.adopt(proposal)
      for (const { name, url, seat, id } of joining) {
        log.info({ master: name, url }, 'master joins')
        events.add({ kind: 'master-joined', text: `${name} joins at ${url}`, master: name })
        // Whoever takes over from all the others has no time to warm up.
        const stays = proposal.masters.some(
          each => each.id !== id && each.mode === 'active' && !joining.includes(each)
        )
        if (isServed && stays && id !== ca.id) void memory.slots.startSlowly(seat)
      }
    },
    /** Those that leave without anything to wait for. */
    seeOff() {
      if (leaving.includes(oldCa)) seating.vacate(oldCa)
    }
  }
}

/** How many more seats settings need, the worst case being that all names are new. */
function newSeats({ masters, ca }: Settings, roster: Roster): number {
  const current = roster.current()
  const known = new Set(current.masters.map(keyOf))
  const joining = masters.filter(master => !known.has(keyOf(master))).length
  return joining + (current.ca.url === ca.url ? 0 : 1)
}

/** Resolves when the promise does, or after a time. */
async function within(timeoutMs: number, promise: Promise<void>, { schedule }: Runtime): Promise<void> {
  const late = Promise.withResolvers<void>()
  const cancel = schedule(timeoutMs, late.resolve)
  await Promise.race([promise, late.promise])
  cancel()
}
