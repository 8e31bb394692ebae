import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { PlaneStart } from '../model/messages.ts'
import { systemRuntime } from '../model/runtime.ts'
import { startPlane } from './plane.ts'

/** The module of a worker thread: one data plane. */
await startPlane(workerData as PlaneStart, parentPort as MessagePort, systemRuntime)
