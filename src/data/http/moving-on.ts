import type { Snapshot } from '../../model/snapshot.ts'
import type { Attempt } from './attempt.ts'
import type { DispatchDeps } from './delivery.ts'
import type { Hold } from './slot-request.ts'

/** Ids of masters that requests move away from. */
export interface Departures {
  /** They may come back. */
  readonly silent: readonly number[]
  /** Nobody waits for them. */
  readonly abandoned: readonly number[]
}

/** A request that is at a master. */
export interface UnderWay {
  /**
   * Goes to another master if its own is among these, it may be repeated and there is another. At one that nobody waits for
   * it ends otherwise.
   */
  readonly moveOn: (from: Departures) => void
}

/**
 * Leaves a request where it is at a master that may come back: that works on what it has, and stays charged with it until it
 * is done. `isGiven`: it has all of it; otherwise it cannot work on it.
 */
export function leaveBehind(
  left: Attempt,
  hold: Hold | undefined,
  isGiven: boolean,
  { begin, end }: Pick<DispatchDeps, 'begin' | 'end'>
): void {
  begin(left.master)
  left.abandon(() => {
    hold?.release()
    end(left.master)
  })
  hold?.leave(() => left.abort())
  hold?.disown()
  if (!isGiven) left.abort()
}

/** The requests of this worker that are at masters. */
export interface RequestsUnderWay {
  readonly add: (request: UnderWay) => void
  readonly delete: (request: UnderWay) => void
  /** There is a new snapshot: those at masters that have fallen silent move on, or end. */
  readonly reconsider: (snapshot: Snapshot) => void
}

export function createRequestsUnderWay(): RequestsUnderWay {
  const requests = new Set<UnderWay>()
  return {
    add: request => void requests.add(request),
    delete: request => void requests.delete(request),
    reconsider({ silent = [], abandoned = [] }) {
      if (silent.length + abandoned.length === 0) return
      // Those that move are under way again at another master, which is not to be looked at now.
      for (const request of [...requests]) request.moveOn({ silent, abandoned })
    }
  }
}
