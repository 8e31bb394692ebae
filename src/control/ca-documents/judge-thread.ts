import { parentPort, workerData } from 'node:worker_threads'
import { type DocumentTask, judgeDocument } from '../../pki/ca-document.ts'

/** The module of a short-lived thread that judges one document, answers once and ends. */
parentPort?.postMessage(judgeDocument(workerData as DocumentTask))
