import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { AskedName } from '../model/asked-name.ts'
import type { Explanation } from '../model/explanation.ts'
import type { Order, PlaneStart, Report, ThreadStart } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'

/** A plane that is too busy to answer a question is not waited for longer. */
const ANSWER_TIMEOUT_MS = 2_000

/** A data plane as the control plane holds it: in a thread of its own, or in this one. */
export interface PlaneLink {
  readonly post: (order: Order) => void
  /** Its metrics, as prom-client's JSON; the last ones seen when it does not answer in time. */
  readonly metrics: () => Promise<readonly object[]>
  /** The last metrics seen of it: what it counted must not vanish when it dies. */
  readonly lastMetrics: () => readonly object[]
  readonly why: (requestId: string) => Promise<Explanation | undefined>
  /** Names of handshakes that no certificate has, since it started; none when it does not answer in time. */
  readonly names: () => Promise<readonly AskedName[]>
  /** Has it tell what has ended of agents' runs; resolves once that was reported, or it does not answer in time. */
  readonly runs: () => Promise<void>
  /** Resolves with the requests that had to be cut; `undefined` when it has not ended by then. */
  readonly drain: (timeoutMs: number, deadlineMs: number) => Promise<number | undefined>
  /** Ends it at once; resolves when it has ended. */
  readonly terminate: () => Promise<void>
}

/** What a plane tells by itself. */
export interface PlaneListener {
  readonly report: (
    report: Extract<
      Report,
      { type: 'listening' | 'failed' | 'applied' | 'outcome' | 'ca-document-read' | 'runs' | 'code' }
    >
  ) => void
  readonly end: (cause: Error | undefined) => void
}

/** Starts a plane in this thread, on one end of a channel. Resolves once it can be stopped. */
export type StartHere = (
  start: PlaneStart,
  port: MessagePort
) => Promise<{ readonly stop: () => Promise<void> }>

/** The two ends a link talks through, wherever the plane runs. */
interface Wire {
  readonly post: (order: Order) => void
  readonly terminate: () => Promise<void>
}

/** A plane in a thread of its own. `entry` is the thread's module, `takeLog` gets the end of what it logs. */
export function linkThread(
  { entry, takeLog }: { readonly entry: URL; readonly takeLog: (port: MessagePort) => void },
  start: PlaneStart,
  runtime: Runtime,
  listener: PlaneListener
): PlaneLink {
  const { port1, port2 } = new MessageChannel()
  const workerData: ThreadStart = { ...start, logPort: port2 }
  const worker = new Worker(entry, { workerData, transferList: [port2] })
  takeLog(port1)
  let cause: Error | undefined
  worker.on('error', error => {
    cause = error instanceof Error ? error : new Error(String(error))
  })
  const wire: Wire = {
    post: order => worker.postMessage(order),
    terminate: async () => void (await worker.terminate())
  }
  const { link, take, end } = createLink(wire, runtime, listener)
  worker.on('message', take)
  worker.on('exit', () => end(cause))
  return link
}

/** A plane in this thread. */
export function linkHere(
  startHere: StartHere,
  start: PlaneStart,
  runtime: Runtime,
  listener: PlaneListener
): PlaneLink {
  const { port1, port2 } = new MessageChannel()
  const plane = startHere(start, port2)
  const wire: Wire = {
    post: order => port1.postMessage(order),
    async terminate() {
      // One that never came up has nothing to stop.
      await plane.then(
        ({ stop }) => stop(),
        () => {}
      )
      port1.close()
    }
  }
  const { link, take, end } = createLink(wire, runtime, listener)
  port1.on('message', take)
  port1.on('close', () => end(undefined))
  plane.catch(({ message, code }: NodeJS.ErrnoException) => {
    listener.report({ type: 'failed', message, code })
    port1.close()
  })
  return link
}

function createLink(wire: Wire, runtime: Runtime, listener: PlaneListener) {
  const { post, terminate } = wire
  let lastMetrics: readonly object[] = []
  let questionId = 0
  let hasEnded = false
  /** Settle what waits for an answer, by the number of the question. */
  const pending = new Map<number, (answer: unknown) => void>()
  const drained = Promise.withResolvers<number>()

  /** Asks one thing; a plane that does not answer in time, or ends, is taken to say `undefined`. */
  async function ask<Answer>(question: (id: number) => void, timeoutMs: number): Promise<Answer | undefined> {
    if (hasEnded) return undefined
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const id = ++questionId
    pending.set(id, resolve)
    question(id)
    const cancel = runtime.schedule(timeoutMs, () => resolve(undefined))
    const answer = await promise
    cancel()
    pending.delete(id)
    return answer as Answer | undefined
  }

  const link: PlaneLink = {
    post,
    terminate,
    lastMetrics: () => lastMetrics,
    async metrics() {
      await ask(id => post({ type: 'metrics', id }), ANSWER_TIMEOUT_MS)
      return lastMetrics
    },
    why: requestId => ask(id => post({ type: 'why', id, requestId }), ANSWER_TIMEOUT_MS),
    names: async () =>
      (await ask<readonly AskedName[]>(id => post({ type: 'names', id }), ANSWER_TIMEOUT_MS)) ?? [],
    runs: () => ask<undefined>(id => post({ type: 'runs', id }), ANSWER_TIMEOUT_MS),
    async drain(timeoutMs, deadlineMs) {
      post({ type: 'drain', timeoutMs })
      const late = Promise.withResolvers<undefined>()
      const cancel = runtime.schedule(deadlineMs, () => late.resolve(undefined))
      const cut = await Promise.race([drained.promise, late.promise])
      cancel()
      return cut
    }
  }
  return {
    link,
    take(report: Report) {
      switch (report.type) {
        case 'metrics':
          lastMetrics = report.metrics
          pending.get(report.id)?.(report.metrics)
          break
        case 'why':
          pending.get(report.id)?.(report.explanation)
          break
        case 'names':
          pending.get(report.id)?.(report.names)
          break
        case 'runs-told':
          pending.get(report.id)?.(undefined)
          break
        case 'drained':
          drained.resolve(report.cut)
          break
        default:
          listener.report(report)
      }
    },
    end(cause: Error | undefined) {
      hasEnded = true
      for (const settle of pending.values()) settle(undefined)
      drained.resolve(0)
      listener.end(cause)
    }
  }
}
