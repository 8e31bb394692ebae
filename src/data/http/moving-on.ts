import type { Snapshot } from '../../model/snapshot.ts'
import type { Attempt } from './attempt.ts'
import type { RequestBody } from './body.ts'
import type { DispatchDeps } from './delivery.ts'
import type { Intake } from './intake.ts'
import { MAX_MOVES } from './retry.ts'
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
   * Goes to another master if its own is among these, it may be repeated and there is another. A report, and whatever is at
   * one that nobody waits for, ends otherwise.
   */
  readonly moveOn: (from: Departures) => void
  /** Its place among those of its worker, who set it; -1 while it has none. */
  place: number
}

/** What is known of a request when its master has fallen silent, or nobody waits for that any more. */
export interface Stranded {
  readonly attempt: Pick<Attempt, 'isSent' | 'isAnswered'>
  /** Its body, if it has one. */
  readonly body: Pick<RequestBody, 'isKept' | 'isGiven'> | undefined
  /** All of it has come from its agent. */
  readonly isComplete: boolean
  readonly isReport: boolean
  readonly isRepeatable: boolean
  /** Nobody waits for its master. */
  readonly isAbandoned: boolean
  readonly moves: number
  readonly isAnybodyElse: () => boolean
}

/**
 * What becomes of it. A report ends here, since it may not be run twice and a run is not to last as long as its master is
 * frozen: its agent logs that, and its exit code stays as it is. The master still has it and takes it when it thaws. Nothing
 * else of a run can do without its answer, and waits.
 */
export function fateOf({
  attempt: { isSent, isAnswered },
  body: { isKept, isGiven } = { isKept: true, isGiven: true },
  isComplete,
  isReport,
  isRepeatable,
  isAbandoned,
  moves,
  isAnybodyElse
}: Stranded): 'moves' | 'ends' | 'stays' {
  const isInHand = isComplete && isKept
  const mayMove = (isRepeatable || !isSent) && isInHand && !isAnswered && moves < MAX_MOVES
  if (mayMove && (isAbandoned || isAnybodyElse())) return 'moves'
  const canDoWithout = isReport && !isAnswered && (isInHand || isGiven)
  return isAbandoned || canDoWithout ? 'ends' : 'stays'
}

/** What a request leaves at its master. */
export interface LeftBehind {
  readonly attempt: Attempt
  /** The JRuby it has there. */
  readonly hold: Hold | undefined
  /** Its body, if it has one. */
  readonly intake: Intake | undefined
  /** It goes to nobody else: its master gets what is still to come of its body. */
  readonly isLast: boolean
}

/**
 * Leaves a request where it is at a master that may come back: that works on what it has, and stays charged with it until it
 * is done. One that has not got all of it cannot work on it.
 */
export function leaveBehind(
  { attempt, hold, intake, isLast }: LeftBehind,
  { begin, end }: Pick<DispatchDeps, 'begin' | 'end'>
): void {
  const isGiven = intake?.body.isGiven ?? true
  const giveRest = isLast && !isGiven ? intake?.giveRest() : undefined
  begin(attempt.master)
  attempt.abandon(() => {
    hold?.release()
    end(attempt.master)
    giveRest?.()
  })
  hold?.leave(() => attempt.abort())
  hold?.disown()
  if (!isGiven && !isLast) attempt.abort()
}

/** The requests of this worker that are at masters. */
export interface RequestsUnderWay {
  readonly add: (request: UnderWay) => void
  readonly delete: (request: UnderWay) => void
  /** There is a new snapshot: those at masters that have fallen silent move on, or end. */
  readonly reconsider: (snapshot: Snapshot) => void
}

export function createRequestsUnderWay(): RequestsUnderWay {
  /** No `Set`: each table it outgrows refers to the next, so one that has grown old keeps all later requests until a full collection. */
  const requests: UnderWay[] = []
  return {
    add(request) {
      request.place = requests.push(request) - 1
    },
    delete(request) {
      const { place } = request
      if (place < 0) return
      request.place = -1
      const last = requests.pop() as UnderWay
      if (last === request) return
      requests[place] = last
      last.place = place
    },
    reconsider({ silent = [], abandoned = [] }) {
      if (silent.length + abandoned.length === 0) return
      // Those that move are under way again at another master, which is not to be looked at now.
      for (const request of [...requests]) request.moveOn({ silent, abandoned })
    }
  }
}
