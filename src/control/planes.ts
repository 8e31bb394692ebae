import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Explanation } from '../model/explanation.ts'
import type { Order, Outcome, PlaneStart, Report, RevokedSet } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { merged } from '../telemetry/merged.ts'

/** A worker that dies this soon after its start is not replaced at once, lest a lasting fault become a busy loop. */
const SHORT_LIFE_MS = 1_000
const ANSWER_TIMEOUT_MS = 2_000

export interface WorkersOptions {
  readonly config: Config
  /** Memory that all planes share. */
  readonly tables: Pick<PlaneStart, 'board' | 'slots' | 'pins'>
  readonly log: Logger
  readonly runtime: Runtime
  /** The worker thread's module. */
  readonly entry: URL
  /** Starts a data plane in this thread, for `workers: 0`. */
  readonly startHere: (start: PlaneStart, port: MessagePort) => void
  readonly current: () => { readonly snapshot: Snapshot; readonly revoked: RevokedSet }
  readonly onOutcome: (outcome: Outcome) => void
  /** A data plane ended: what it held in the tables is to be freed. */
  readonly onDeath: (worker: number) => void
}

/** The data planes: started, replaced when they die, told of every change, asked for their metrics. */
export interface Workers {
  /** Resolves with the port once all of them listen; rejects when one cannot. */
  readonly start: () => Promise<number>
  readonly tell: (order: Order) => void
  /** prom-client's JSON of every data plane, those that died included. */
  readonly metrics: () => Promise<readonly (readonly object[])[]>
  /** What a data plane remembers of a request; `undefined` when none does. */
  readonly why: (requestId: string) => Promise<Explanation | undefined>
  /** Resolves with the number of requests that had to be cut. */
  readonly drain: (timeoutMs: number) => Promise<number>
  readonly terminate: () => Promise<void>
  /** How many listen now. */
  readonly listening: () => number
}

interface Plane {
  readonly post: (order: Order) => void
  readonly terminate: () => Promise<unknown>
  listening: boolean
  /** The last metrics seen of it: what it counted must not vanish when it dies. */
  metrics: readonly object[]
  /** Settle what waits for its answers, by the number of the question. */
  onMetrics: Map<number, (metrics: readonly object[]) => void>
  onWhy: Map<number, (explanation: Explanation | undefined) => void>
  onDrained: ((cut: number) => void) | undefined
}

export function createWorkers(options: WorkersOptions): Workers {
  const { config, log, runtime } = options
  const count = Math.max(1, config.listen.workers)
  const planes = new Map<number, Plane>()
  /** What those that died had counted, as one. */
  let retired: Promise<readonly object[]> = Promise.resolve([])
  let port = config.listen.port
  let stopping = false
  let questionId = 0

  function start(worker: number): Promise<void> {
    const startedAtMs = runtime.now()
    const data: PlaneStart = {
      config,
      worker,
      workers: count,
      port,
      ...options.tables,
      ...options.current()
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { plane, onMessage, onEnd } = config.listen.workers === 0 ? here(data) : thread(data)
    planes.set(worker, plane)
    onMessage(report => {
      if (report.type === 'listening') {
        port = report.port
        plane.listening = true
        resolve()
      } else if (report.type === 'failed') {
        reject(Object.assign(new Error(report.message), { code: report.code }))
        void plane.terminate()
      } else if (report.type === 'outcome') {
        options.onOutcome(report.outcome)
      } else if (report.type === 'metrics') {
        plane.metrics = report.metrics
        plane.onMetrics.get(report.id)?.(report.metrics)
      } else if (report.type === 'why') {
        plane.onWhy.get(report.id)?.(report.explanation)
      } else {
        plane.onDrained?.(report.cut)
      }
    })
    onEnd(cause => {
      reject(cause ?? new Error('the worker ended'))
      planes.delete(worker)
      retired = retired.then(counted => merged([counted, plane.metrics]))
      options.onDeath(worker)
      for (const settle of plane.onMetrics.values()) settle(plane.metrics)
      for (const settle of plane.onWhy.values()) settle(undefined)
      plane.onDrained?.(0)
      if (stopping || !plane.listening) return
      log.error({ worker, cause: cause?.message }, 'a worker thread died; it is replaced')
      replace(worker, runtime.now() - startedAtMs < SHORT_LIFE_MS ? SHORT_LIFE_MS : 0)
    })
    return promise
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

  function thread(data: PlaneStart) {
    const worker = new Worker(options.entry, { workerData: data })
    let cause: Error | undefined
    worker.on('error', error => {
      cause = error instanceof Error ? error : new Error(String(error))
    })
    const plane = newPlane(
      order => worker.postMessage(order),
      () => worker.terminate()
    )
    return {
      plane,
      onMessage: (listener: (report: Report) => void) => void worker.on('message', listener),
      onEnd: (listener: (cause?: Error) => void) => void worker.on('exit', () => listener(cause))
    }
  }

  function here(data: PlaneStart) {
    const { port1, port2 } = new MessageChannel()
    options.startHere(data, port2)
    const plane = newPlane(
      order => port1.postMessage(order),
      async () => port1.close()
    )
    return {
      plane,
      onMessage: (listener: (report: Report) => void) => void port1.on('message', listener),
      onEnd: (listener: (cause?: Error) => void) => void port1.on('close', () => listener())
    }
  }

  /** Asks a plane one thing; one that is too busy to answer says `otherwise`. */
  function ask<Answer>(
    pending: Map<number, (answer: Answer) => void>,
    post: (id: number) => void,
    otherwise: () => Answer
  ): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const id = ++questionId
    pending.set(id, resolve)
    post(id)
    const cancel = runtime.schedule(ANSWER_TIMEOUT_MS, () => resolve(otherwise()))
    return promise.finally(() => {
      cancel()
      pending.delete(id)
    })
  }

  const askMetrics = (plane: Plane) =>
    ask(
      plane.onMetrics,
      id => plane.post({ type: 'metrics', id }),
      // Shown as it last was.
      () => plane.metrics
    )
  const askWhy = (plane: Plane, requestId: string) =>
    ask(
      plane.onWhy,
      id => plane.post({ type: 'why', id, requestId }),
      () => undefined
    )

  return {
    async start() {
      // The first one settles the port when the configuration leaves it to the system.
      await start(0)
      await Promise.all(Array.from({ length: count - 1 }, (_, index) => start(index + 1)))
      return port
    },
    tell(order) {
      for (const plane of planes.values()) plane.post(order)
    },
    async metrics() {
      return Promise.all([retired, ...[...planes.values()].map(askMetrics)])
    },
    async why(requestId) {
      const answers = await Promise.all([...planes.values()].map(plane => askWhy(plane, requestId)))
      return answers.find(answer => answer !== undefined)
    },
    async drain(timeoutMs) {
      stopping = true
      const cuts = [...planes.values()].map(plane => {
        const { promise, resolve } = Promise.withResolvers<number>()
        plane.onDrained = resolve
        plane.post({ type: 'drain', timeoutMs })
        return promise
      })
      return (await Promise.all(cuts)).reduce((sum, cut) => sum + cut, 0)
    },
    async terminate() {
      stopping = true
      await Promise.all([...planes.values()].map(plane => plane.terminate()))
    },
    listening: () => [...planes.values()].filter(plane => plane.listening).length
  }
}

function newPlane(post: Plane['post'], terminate: Plane['terminate']): Plane {
  return {
    post,
    terminate,
    listening: false,
    metrics: [],
    onMetrics: new Map(),
    onWhy: new Map(),
    onDrained: undefined
  }
}
