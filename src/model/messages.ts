import type { MessagePort } from 'node:worker_threads'
import type { RunPart } from './agents.ts'
import type { AskedName } from './asked-name.ts'
import type { CaDocuments } from './ca-documents.ts'
import type { CodeSighting } from './code.ts'
import type { Explanation } from './explanation.ts'
import type { Boot, Settings } from './settings.ts'
import type { Snapshot } from './snapshot.ts'

/** What one CA has revoked. The rows are in shared memory and the same for every thread: see `pki/serials.ts`. */
export interface RevokedList {
  /** The CA's `keyId`. */
  readonly authority: string
  readonly width: number
  readonly rows: Uint8Array
  /** Milliseconds since 1970; afterwards the agents of this CA are refused. Infinity when a late list goes on counting. */
  readonly validUntilMs: number
}

/** One list for each CA that has one. */
export type RevokedSet = readonly RevokedList[]

/** What the data planes are to go by from now on. What is left out stays as it was. */
export interface Publication {
  /** Grows by one with each. A plane says when it goes by it. */
  readonly version: number
  readonly snapshot?: Snapshot
  readonly settings?: Settings
  readonly revoked?: RevokedSet
  readonly caDocuments?: CaDocuments
}

/** What the control plane tells a data plane. */
export type Order =
  | { readonly type: 'publish'; readonly publication: Publication }
  | { readonly type: 'ghosts-done'; readonly masterId: number; readonly leftBeforeMs: number }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'why'; readonly id: number; readonly requestId: string }
  | { readonly type: 'names'; readonly id: number }
  /** What has ended of agents' runs is wanted now. */
  | { readonly type: 'runs'; readonly id: number }
  | { readonly type: 'drain'; readonly timeoutMs: number }

/** What an attempt proved about a master. Only what changes a mind is reported, not every success. */
export interface Outcome {
  readonly masterId: number
  /** `own-fault`: nothing about the master, but this process could not even try to reach it. */
  readonly result: 'connect-failed' | 'own-fault'
  /** For the log: an error code of the system or of TLS. */
  readonly cause: string
}

/** What a data plane tells the control plane. */
export type Report =
  | { readonly type: 'listening'; readonly port: number; readonly tcpPorts?: readonly number[] }
  | { readonly type: 'failed'; readonly message: string; readonly code: string | undefined }
  | { readonly type: 'applied'; readonly version: number }
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  /** The CA has given somebody one of its documents. */
  | { readonly type: 'ca-document-read' }
  /** A master serves another version of an environment, or still the one that it did. */
  | { readonly type: 'code'; readonly sighting: CodeSighting }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: readonly object[] }
  | { readonly type: 'why'; readonly id: number; readonly explanation: Explanation | undefined }
  | { readonly type: 'names'; readonly id: number; readonly names: readonly AskedName[] }
  /** What was seen of agents' runs, each part once. */
  | { readonly type: 'runs'; readonly parts: readonly RunPart[] }
  | { readonly type: 'runs-told'; readonly id: number }
  | { readonly type: 'drained'; readonly cut: number }

/** Memory that all planes share. */
export interface SharedMemory {
  readonly board: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
  readonly pins: SharedArrayBuffer
  readonly turns: SharedArrayBuffer
  readonly bodies: SharedArrayBuffer
  readonly returns: SharedArrayBuffer
  readonly results: SharedArrayBuffer
  readonly compileTimes: SharedArrayBuffer
  readonly arrivals: SharedArrayBuffer
  /** Of the hash by which certnames are counted: another one in each process, so that nobody can aim at a cell. */
  readonly seed: number
  readonly connections: {
    readonly counts: SharedArrayBuffer
    readonly addresses: SharedArrayBuffer
    readonly certnames: SharedArrayBuffer
  }
  readonly heartbeats: SharedArrayBuffer
}

/** What a data plane starts from; crosses to a thread of its own as a structured clone. */
export interface PlaneStart {
  readonly boot: Boot
  /** Its row in the tables, 0 to `workers` - 1. */
  readonly worker: number
  readonly workers: number
  /** 0 lets the system choose. */
  readonly port: number
  /** For raw TCP, in the order of `boot.listen.tcpPorts`; left out: as there. */
  readonly tcpPorts?: readonly number[] | undefined
  /** File descriptors that the system grants this process; Infinity where that cannot be known. */
  readonly descriptors: number
  readonly memory: SharedMemory
  readonly publication: Required<Publication>
}

/** What a data plane in a thread of its own gets beside that. */
export interface ThreadStart extends PlaneStart {
  /** Takes what the thread logs, at the other end. */
  readonly logPort: MessagePort
}
