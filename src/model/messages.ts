import type { Config } from '../model/settings.ts'
import type { Explanation } from './explanation.ts'
import type { Snapshot } from './snapshot.ts'

/** Keys of revoked certificates, made by `revocationKey`. */
export type RevokedSet = ReadonlySet<string>

/** What the control plane tells a data plane. */
export type Order =
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'revoked'; readonly revoked: RevokedSet }
  | { readonly type: 'ghosts-done'; readonly masterIndex: number; readonly leftBeforeMs: number }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'why'; readonly id: number; readonly requestId: string }
  | { readonly type: 'drain'; readonly timeoutMs: number }

/** What an attempt proved about a master. Only what changes a mind is reported, not every success. */
export interface Outcome {
  readonly masterIndex: number
  readonly result: 'connect-failed'
  /** For the log: an error code of the system or of TLS. */
  readonly cause: string
}

/** What a data plane tells the control plane. */
export type Report =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'failed'; readonly message: string; readonly code: string | undefined }
  | { readonly type: 'outcome'; readonly outcome: Outcome }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: readonly object[] }
  | { readonly type: 'why'; readonly id: number; readonly explanation: Explanation | undefined }
  | { readonly type: 'drained'; readonly cut: number }

/** What a data plane starts from; crosses to a thread of its own as a structured clone. */
export interface PlaneStart {
  readonly config: Config
  /** Its row on the board, 0 to `workers` - 1. */
  readonly worker: number
  readonly workers: number
  /** 0 lets the system choose. */
  readonly port: number
  readonly board: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
  readonly pins: SharedArrayBuffer
  readonly snapshot: Snapshot
  readonly revoked: RevokedSet
}
