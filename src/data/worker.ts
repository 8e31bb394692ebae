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
const { closeListeners } = await startPlane(
  start,
  parentPort as MessagePort,
  systemRuntime,
  createLog(start.publication.settings.log.level, relay)
)
// A thread that dies turns its loop once more and takes a connection that nobody will serve. Its listeners closed before,
// the system gives all that wait to other workers, where `net.ipv4.tcp_migrate_req` is 1.
process.on('exit', closeListeners)
