import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ThreadStart } from '../model/messages.ts'
import { systemRuntime } from '../model/runtime.ts'
import { createHeartbeats } from '../shared/heartbeats.ts'
import { createLog } from '../telemetry/log.ts'
import { createLogRelay } from '../telemetry/log-relay.ts'
import { startHeart } from './heart.ts'
import { startPlane } from './plane.ts'

/** The module of a worker thread: one data plane. */
const start = workerData as ThreadStart
const relay = createLogRelay(start.logPort, systemRuntime)
// Whatever ends the thread, the lines that say what was before are those one wants to read.
process.on('exit', relay.writeLast)
startHeart(start.worker, createHeartbeats(start, start.memory.heartbeats), systemRuntime)
await startPlane(
  start,
  parentPort as MessagePort,
  systemRuntime,
  createLog(start.publication.settings.log.level, relay)
)
