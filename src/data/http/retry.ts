/** How often one request may be sent again after a master had it and broke off. */
const MAX_REPEATS = 1
/**
 * How often one request moves away from a master that has fallen silent. It may be what silenced them, as a catalog that
 * takes all memory does, and is not to go round all masters.
 */
export const MAX_MOVES = 2

/** What is known about a request when an attempt failed. */
export interface FailedAttempt {
  /** A byte of it may have reached the master. */
  readonly sent: boolean
  /** A byte of the master's answer went to the agent. */
  readonly answered: boolean
  /** Doing it twice is the same as doing it once, as far as Puppet is concerned. */
  readonly repeatable: boolean
  /** Its whole body, as far as it was read, is still in hand. */
  readonly bodyKept: boolean
  /** How often it was repeated already. */
  readonly repeats: number
}

/** May the request go to the next master? One that was never sent always may, whatever its method and body. */
export function mayTryNext({ sent, answered, repeatable, bodyKept, repeats }: FailedAttempt): boolean {
  if (!sent) return true
  return !answered && repeatable && bodyKept && repeats < MAX_REPEATS
}
