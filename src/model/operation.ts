import type { MasterMode } from './master.ts'
import type { MasterStatus } from './status.ts'

/** The modes that an operator can bring a master into, other than the usual one. */
export type OperatorMode = Extract<MasterMode, 'draining' | 'maint'>

/** What an operator wants of a master. `default`: the weight that its source gives it. */
export type Operation =
  | { readonly action: 'drain' | 'undrain' | 'maint' }
  | { readonly action: 'weight'; readonly weight: number | 'default' }

/** What an operation came to, for who asked for it. */
export interface OperationReport {
  /** One sentence for each master it was about. */
  readonly done: readonly string[]
  /** These masters as they are now. */
  readonly masters: readonly MasterStatus[]
  /** What is worth a second look, one sentence each. */
  readonly warnings: readonly string[]
}

/** An operation is about a name that no master has. The message is a sentence for the operator. */
export class UnknownMasterError extends Error {
  override readonly name = 'UnknownMasterError'
}

/**
 * Carries out what an operator wants of the master of this name, or of all masters `NAME/...`. `asker`: how it was asked
 * for, for the log. Rejects with an UnknownMasterError.
 */
export type Operate = (name: string, operation: Operation, asker: string) => Promise<OperationReport>
