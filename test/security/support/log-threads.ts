import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  Worker,
  workerData
} from 'node:worker_threads'
import { systemRuntime } from '../../../src/model/runtime.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { createLogOutput, type LogDestination } from '../../../src/telemetry/log-output.ts'
import { createLogRelay } from '../../../src/telemetry/log-relay.ts'

/** What a process tells its parent whose threads have logged as much as they can, as those of a balancer do. */
export interface Grown {
  /** By how many MiB its resident memory grew meanwhile, at most. */
  readonly grown: number
  /** MiB that were logged. */
  readonly logged: number
  /** Lines that were lost. */
  readonly lost: number
}

const THREADS = 2
const LINES = 100_000
const LINE_LENGTH = 1_200
/** A thread that serves comes back to its event loop after so many, or far fewer. */
const AT_ONCE = 500

if (isMainThread) await main()
else await thread(parentPort as MessagePort)

async function logAll(destination: LogDestination): Promise<void> {
  const log = createLog('info', destination)
  const path = 'x'.repeat(LINE_LENGTH)
  for (let line = 0; line < LINES; line++) {
    log.info({ path, line }, 'request')
    if (line % AT_ONCE === 0) await turn()
  }
}

async function thread(parent: MessagePort): Promise<void> {
  const relay = createLogRelay(workerData as MessagePort, systemRuntime)
  parent.postMessage('ready')
  await once(parent, 'message')
  await logAll(relay)
  parent.postMessage('done')
}

async function main(): Promise<void> {
  const output = createLogOutput(undefined, systemRuntime)
  const workers = Array.from({ length: THREADS }, () => {
    const { port1, port2 } = new MessageChannel()
    output.take(port1)
    return new Worker(new URL(import.meta.url), { workerData: port2, transferList: [port2] })
  })
  await Promise.all(workers.map(worker => once(worker, 'message')))
  const before = process.memoryUsage.rss() / 2 ** 20
  for (const worker of workers) worker.postMessage('go')
  await Promise.all([logAll(output), ...workers.map(worker => once(worker, 'message'))])
  const grown: Grown = {
    grown: process.resourceUsage().maxRSS / 1024 - before,
    logged: ((THREADS + 1) * LINES * LINE_LENGTH) / 2 ** 20,
    lost: output.totalLost()
  }
  process.send?.(grown, () => process.exit())
}
