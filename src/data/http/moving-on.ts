import type { Snapshot } from '../../model/snapshot.ts'

/** A request that is at a master. */
export interface UnderWay {
  /** Goes to another master if its own is among these, it may be repeated and there is another. */
  readonly moveOn: (silent: readonly number[]) => void
}

/** The requests of this worker that are at masters. */
export interface RequestsUnderWay {
  readonly add: (request: UnderWay) => void
  readonly delete: (request: UnderWay) => void
  /** There is a new snapshot: those at masters that have fallen silent move on. */
  readonly reconsider: (snapshot: Snapshot) => void
}

export function createRequestsUnderWay(): RequestsUnderWay {
  const requests = new Set<UnderWay>()
  return {
    add: request => void requests.add(request),
    delete: request => void requests.delete(request),
    reconsider({ silent = [] }) {
      if (silent.length === 0) return
      // Those that move are under way again at another master, which is not to be looked at now.
      for (const request of [...requests]) request.moveOn(silent)
    }
  }
}
