import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import { openingLogFile } from '../config/log-file.ts'
import type { EventLog } from '../model/event.ts'
import { type Master, seatOf } from '../model/master.ts'
import type { PlaneStart } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config, Settings } from '../model/settings.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { createSharedMemory, type SharedTables } from '../shared/memory.ts'
import type { LogOutput } from '../telemetry/log-output.ts'
import { createFileWatch } from './file-watch.ts'
import { createProbeFailures, type ProbeFailures } from './master-watch/probe-failures.ts'
import { watchMaster } from './master-watch/watch-master.ts'
import { prepareMembership } from './membership-change.ts'
import { createOwnFaults, type OwnFaults } from './own-faults.ts'
import { createPlanes, type Planes } from './planes.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { createReload, type Reload } from './reload.ts'
import { createRevocationWatch } from './revocation.ts'
import { readInThread } from './revocation-reader.ts'
import { createRoster, type Roster } from './roster.ts'
import { seatLimitsOf } from './seat-limits.ts'
import { createSeating } from './seating.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from './supervisor.ts'

/** Planes that are told of new settings and do not answer are not waited for longer: they will go by them later. */
const APPLY_TIMEOUT_MS = 5_000

export interface ControlPlaneOptions {
  readonly config: Config
  /** Reads the configuration again. Throws a ConfigError. */
  readonly load: () => Config
  readonly runtime: Runtime
  readonly log: Logger
  readonly logOutput: LogOutput
  readonly events: EventLog
  /** File descriptors that the system grants; Infinity where that cannot be known. */
  readonly descriptors: number
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
  readonly probeFailures: ProbeFailures
  /** Resolves with the port once every master was probed once and every plane listens. */
  readonly start: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** What the parts of the control plane share. */
interface Context extends ControlPlaneOptions {
  readonly memory: SharedTables
  readonly roster: Roster
  readonly probeFailures: ProbeFailures
  readonly ownFaults: OwnFaults
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
    probeFailures: createProbeFailures(),
    ownFaults: createOwnFaults({ now: runtime.now, log }),
    settings: () => settings,
    nextSettings: () => nextSettings
  }

  const revocations = createRevocationWatch({
    runtime,
    log,
    events,
    publish: revoked => void publisher.publish({ revoked }),
    readFile: readInThread
  })
  revocations.adopt(await revocations.prepare(settings.tls))
  const supervisor = superviseWith(context, {
    publish: snapshot => publishSnapshot({ snapshot }),
    planes: () => planes
  })
  const publisher: Publisher = createPublisher(
    { snapshot: supervisor.snapshot(), settings, revoked: revocations.revoked() },
    order => planes.tell(order)
  )
  const planes = planesOf(context, publisher, supervisor)
  const whenApplied = () => planes.whenApplied(publisher.current().version)
  const seating = createSeating({ ...memory, roster, supervisor, whenApplied, runtime, log, events })

  function publishSnapshot(
    part: Parameters<Publisher['publish']>[0] & { readonly snapshot: Snapshot }
  ): void {
    publisher.publish(part)
    void memory.slots.setSeats(seatLimitsOf(part.snapshot, supervisor))
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
    concerns: () => (supervisor.snapshot().tiers.length === 0 ? ['no master can serve now'] : []),
    async prepare(next) {
      nextSettings = next.settings
      const lists = await revocations.prepare(next.settings.tls)
      const logFile = next.settings.log.file
      const output = openingLogFile(logFile, () => options.logOutput.prepare(logFile?.path))
      const change = await prepareMembership(next.settings, {
        ...context,
        slots: memory.slots,
        supervisor,
        seating
      }).catch(error => {
        output.cancel()
        throw error
      })
      return {
        changed: lists.changed,
        async commit() {
          settings = next.settings
          log.level = settings.log.level
          output.commit()
          revocations.adopt(lists)
          change.commit()
          publishSnapshot({ settings, revoked: revocations.revoked(), snapshot: supervisor.compose() })
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
    probeFailures: context.probeFailures,
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
  { config, memory, log, logOutput, events, runtime, descriptors, entry, startHere, ownFaults }: Context,
  publisher: Publisher,
  supervisor: Supervisor
): Planes {
  return createPlanes({
    boot: config.boot,
    memory: memory.buffers,
    descriptors,
    log,
    events,
    runtime,
    entry,
    takeLog: logOutput.take,
    startHere,
    current: publisher.current,
    onOutcome(outcome) {
      if (outcome.result === 'own-fault') ownFaults.tell(outcome.cause, 'a connection to a master')
      else supervisor.report(outcome)
    },
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
      watchMaster({
        ...context,
        ...judge,
        first: master,
        member: () => memberOf(roster, master.id),
        // One that is about to join goes by the settings that name it.
        settings: () => (memberOf(roster, master.id) ? settings() : context.nextSettings()),
        slots,
        failed(of, bad) {
          context.probeFailures.add(of.name, bad)
          if (bad.isOwnFault) context.ownFaults.tell(bad.cause, 'a probe of a master')
        },
        ghostsDone: leftBeforeMs => planes().tell({ type: 'ghosts-done', masterId: master.id, leftBeforeMs })
      })
  })
  return supervisor
}

function memberOf(roster: Roster, id: number): Master | undefined {
  const { masters, ca } = roster.current()
  return ca.id === id ? ca : masters.find(master => master.id === id)
}

/** Resolves when the promise does, or after a time. */
async function within(timeoutMs: number, promise: Promise<void>, { schedule }: Runtime): Promise<void> {
  const late = Promise.withResolvers<void>()
  const cancel = schedule(timeoutMs, late.resolve)
  await Promise.race([promise, late.promise])
  cancel()
}
