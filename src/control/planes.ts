import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { RunPart } from '../model/agents.ts'
import { type AskedName, joinNames } from '../model/asked-name.ts'
import type { CodeSighting } from '../model/code.ts'
import type { EventLog } from '../model/event.ts'
import type { Explanation } from '../model/explanation.ts'
import type { Order, Outcome, PlaneStart, Publication } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import { withoutSecrets } from '../model/secret-text.ts'
import { createHeartbeats } from '../shared/heartbeats.ts'
import { merged } from '../telemetry/merged.ts'
import { HUNG_MS, watchHungWorkers } from './hung-workers.ts'
import { linkHere, linkThread, type PlaneLink, type StartHere } from './plane-link.ts'

/** A worker that dies this soon after its start is not replaced at once, lest a lasting fault become a busy loop. */
const SHORT_LIFE_MS = 1_000
/** After the drain timeout a plane cuts what is left and closes. One that has not by then is stuck, and is ended. */
const STUCK_MS = 5_000

export interface PlanesOptions {
  readonly boot: PlaneStart['boot']
  readonly memory: PlaneStart['memory']
  readonly descriptors: PlaneStart['descriptors']
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  readonly runtime: Runtime
  /** The worker thread's module. */
  readonly entry: URL
  /** Takes what a worker thread logs. */
  readonly takeLog: (port: MessagePort) => void
  /** Starts a data plane in this thread, for `workers: 0`. */
  readonly startHere: StartHere
  readonly current: () => Required<Publication>
  readonly onOutcome: (outcome: Outcome) => void
  /** The CA has given somebody one of its documents. */
  readonly onCaDocumentRead: () => void
  /** What a data plane saw of agents' runs. */
  readonly onRuns: (parts: readonly RunPart[]) => void
  readonly onCode: (sighting: CodeSighting) => void
  /** A data plane ended: what it held in shared memory is to be freed. Its place is taken again once that is done. */
  readonly onDeath: (worker: number) => Promise<void>
}

/** The data planes: started, replaced when they die, told of every change, asked for their metrics. */
export interface Planes {
  /** Resolves with the port once all of them listen; rejects when one cannot. */
  readonly start: () => Promise<number>
  readonly tell: (order: Order) => void
  /** Resolves once every plane that lives goes by this version, or a later one. */
  readonly whenApplied: (version: number) => Promise<void>
  /** prom-client's JSON of every data plane, those that died included. */
  readonly metrics: () => Promise<readonly (readonly object[])[]>
  /** What a data plane remembers of a request; `undefined` when none does. */
  readonly why: (requestId: string) => Promise<Explanation | undefined>
  /** Names of handshakes that no certificate has, over all data planes that live; the most frequent first. */
  readonly names: () => Promise<readonly AskedName[]>
  /** Resolves once every data plane has told what has ended of agents' runs. */
  readonly runs: () => Promise<void>
  /** Resolves with the number of requests that had to be cut. A plane that is stuck is ended some time after that. */
  readonly drain: (timeoutMs: number) => Promise<number>
  readonly terminate: () => Promise<void>
  /** How many listen now. */
  readonly listening: () => number
  /** The ports for raw TCP, once they listen. */
  readonly tcpPorts: () => readonly number[]
}

interface Member {
  link: PlaneLink
  isListening: boolean
  /** Why it was ended from here. */
  endedFor?: string
  /** The last version it goes by. */
  applied: number
}

export function createPlanes(options: PlanesOptions): Planes {
  const { boot, memory, descriptors, log, events, runtime } = options
  const count = Math.max(1, boot.listen.workers)
  const members = new Map<number, Member>()
  const applied = createVersionWait(() => [...members.values()].map(member => member.applied))
  /** What those that died had counted, as one. */
  let retired: Promise<readonly object[]> = Promise.resolve([])
  let port = boot.listen.port
  let tcpPorts = boot.listen.tcpPorts
  let stopping = false
  let stopWatching = () => {}

  function start(worker: number): Promise<void> {
    const startedAtMs = runtime.now()
    const publication = options.current()
    const data: PlaneStart = {
      boot,
      worker,
      workers: count,
      port,
      tcpPorts,
      memory,
      descriptors,
      publication
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const member = { isListening: false, applied: publication.version } as Member
    let failure: Error | undefined
    const listener: Parameters<typeof linkThread>[3] = {
      report(report) {
        switch (report.type) {
          case 'listening':
            port = report.port
            tcpPorts = report.tcpPorts
            member.isListening = true
            resolve()
            break
          case 'failed':
            failure = Object.assign(new Error(report.message), { code: report.code })
            void member.link.terminate()
            break
          case 'applied':
            member.applied = report.version
            applied.look()
            break
          case 'outcome':
            options.onOutcome(report.outcome)
            break
          case 'ca-document-read':
            options.onCaDocumentRead()
            break
          case 'runs':
            options.onRuns(report.parts)
            break
          case 'code':
            options.onCode(report.sighting)
        }
      },
      end(cause) {
        // Whoever tries again must find its place free.
        void bury(worker, member, cause, startedAtMs).finally(() =>
          reject(failure ?? cause ?? new Error('the worker ended'))
        )
      }
    }
    member.link =
      boot.listen.workers === 0
        ? linkHere(options.startHere, data, runtime, listener)
        : linkThread(options, data, runtime, listener)
    members.set(worker, member)
    return promise
  }

  /** A plane has ended: keeps what it counted, frees what it held, and puts another one in its place. */
  async function bury(worker: number, member: Member, cause: Error | undefined, startedAtMs: number) {
    members.delete(worker)
    applied.look()
    retired = retired.then(counted => merged([counted, countersOf(member.link.lastMetrics())]))
    const isExpected = stopping || !member.isListening
    if (!isExpected) {
      const why = member.endedFor ?? (cause && withoutSecrets(cause.message))
      log.error({ worker, cause: why }, 'a worker thread died; it is replaced')
      events.add({ kind: 'worker-died', text: `worker ${worker} died: ${why ?? 'no reason given'}` })
    }
    await options.onDeath(worker)
    if (!isExpected) replace(worker, runtime.now() - startedAtMs < SHORT_LIFE_MS ? SHORT_LIFE_MS : 0)
  }

  /** Starts another one in its place, again and again until it listens. */
  function replace(worker: number, delayMs: number): void {
    runtime.schedule(delayMs, async () => {
      if (stopping) return
      try {
        await start(worker)
        log.info({ worker }, 'a worker thread is replaced')
      } catch (error) {
        if (stopping) return
        log.error({ worker, cause: String(error) }, 'a worker thread cannot start; it is tried again')
        replace(worker, SHORT_LIFE_MS)
      }
    })
  }

  /** Its requests are lost already, and the system gives it new ones that are lost as well. */
  async function endHung(worker: number): Promise<void> {
    const member = members.get(worker)
    if (!member || stopping) return
    log.error({ worker, hungMs: HUNG_MS }, 'a worker thread hangs; it is ended')
    member.endedFor = 'it hung and was ended'
    await member.link.terminate()
  }

  function watchWorkers(): () => void {
    // The only plane of `workers: 0` hangs together with whoever would see it.
    if (boot.listen.workers === 0) return () => {}
    return watchHungWorkers({
      heartbeats: createHeartbeats({ workers: count }, memory.heartbeats),
      workers: () => [...members].filter(([, { isListening }]) => isListening).map(([worker]) => worker),
      runtime,
      hangs: worker => void endHung(worker)
    })
  }

  async function drainOne({ link }: Member, timeoutMs: number): Promise<number> {
    const cut = await link.drain(timeoutMs, timeoutMs + STUCK_MS)
    if (cut !== undefined) return cut
    log.error('a worker thread is stuck; it is ended')
    await link.terminate()
    return 0
  }

  return {
    async start() {
      // The first one settles the port when the configuration leaves it to the system.
      await start(0)
      await Promise.all(Array.from({ length: count - 1 }, (_, index) => start(index + 1)))
      stopWatching = watchWorkers()
      return port
    },
    tell(order) {
      for (const { link } of members.values()) link.post(order)
    },
    whenApplied: applied.reached,
    async metrics() {
      return Promise.all([retired, ...[...members.values()].map(({ link }) => link.metrics())])
    },
    async why(requestId) {
      const answers = await Promise.all([...members.values()].map(({ link }) => link.why(requestId)))
      return answers.find(answer => answer !== undefined)
    },
    async names() {
      return joinNames(await Promise.all([...members.values()].map(({ link }) => link.names())))
    },
    async runs() {
      await Promise.all([...members.values()].map(({ link }) => link.runs()))
    },
    async drain(timeoutMs) {
      stopping = true
      stopWatching()
      const cuts = [...members.values()].map(member => drainOne(member, timeoutMs))
      return (await Promise.all(cuts)).reduce((sum, cut) => sum + cut, 0)
    },
    async terminate() {
      stopping = true
      stopWatching()
      await Promise.all([...members.values()].map(({ link }) => link.terminate()))
    },
    tcpPorts: () => tcpPorts ?? [],
    listening: () => [...members.values()].filter(({ isListening }) => isListening).length
  }
}

/** What is left of a plane's metrics when it has died: what it had open is gone. */
function countersOf(metrics: readonly object[]): readonly object[] {
  return metrics.filter(metric => !('type' in metric && metric.type === 'gauge'))
}

/** Waits for versions that several planes say they go by. */
function createVersionWait(versions: () => readonly number[]) {
  const waiting = new Set<{ readonly version: number; readonly resolve: () => void }>()
  const isReached = (version: number) => versions().every(each => each >= version)
  return {
    look() {
      for (const each of waiting) {
        if (!isReached(each.version)) continue
        waiting.delete(each)
        each.resolve()
      }
    },
    reached(version: number): Promise<void> {
      if (isReached(version)) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add({ version, resolve })
      return promise
    }
  }
}
