import type { ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import { hasBody } from './body.ts'
import { whileBodyComes } from './claimant.ts'
import type { Delivery, DispatchDeps, SlotNeed } from './delivery.ts'
import type { Hold, NoSlot, SlotRequest } from './slot-request.ts'
import { createWaitBooks } from './wait-books.ts'

/** What a request waits for. */
export interface Wish extends Pick<SlotRequest, 'eligible' | 'eligibleAnew' | 'pick'> {
  /** What to say when nobody is left to ask. */
  readonly nobody: ReasonCode
  /** See `WaitLimits`. */
  readonly awayUntilMs?: () => number
}

/** Where a request waits: for room for its body first, when there is none, then for a JRuby, or for the CA. */
export interface Queueing {
  /** Takes a place. `granted` is called once with the master that may have it now, perhaps before this returns. */
  readonly ask: (wish: Wish, granted: (master: Master, hold: Hold) => void) => void
  /** Who may have it has changed, not by a new snapshot. */
  readonly reconsider: () => void
  /** Gives its place up, if it has one. */
  readonly leave: () => void
}

/** Who is told when nothing is granted. */
export interface QueueingListener {
  readonly refuse: (code: ReasonCode) => void
  /** A defect of ours showed; of what it held nothing is given back yet but its place. */
  readonly fail: (defect: unknown) => void
}

/** The queueing of a delivery that needs a JRuby, or waits for one. */
export function createQueueing(
  { exchange, patience, queue }: Pick<Delivery, 'exchange' | 'patience' | 'queue'>,
  need: SlotNeed,
  deps: Pick<DispatchDeps, 'waitingRoom' | 'now' | 'metrics'>,
  { refuse, fail }: QueueingListener
): Queueing {
  const { waitingRoom, now, metrics } = deps
  const { request, startedAtMs } = exchange
  const books = createWaitBooks(exchange, deps)
  /** When it first asked for anything, which decides its turn. */
  let askedFirstMs: number | undefined
  let place: Hold | undefined

  const isBodyComing = () => hasBody(request) && !request.complete

  function end(): void {
    place = undefined
    books.end()
  }

  function refuseSlot(why: NoSlot, nobody: ReasonCode): void {
    if (why === 'no-master') refuse(nobody)
    else if (why === 'certname-queue-full') {
      metrics.limitRefusals.inc({ limit: 'queuePlaces' })
      refuse(exchange.certname === undefined ? 'queue-full' : why)
    } else refuse(why)
  }

  return {
    ask({ nobody, awayUntilMs, ...wish }, granted) {
      const askedAtMs = now()
      askedFirstMs ??= askedAtMs
      books.begin()
      let isSettled = false
      const taken = waitingRoom.ask({
        ...wish,
        rank: need.rank,
        claimant: need.claimant && isBodyComing() ? whileBodyComes(need.claimant) : need.claimant,
        sinceMs: askedFirstMs,
        queue,
        limit: need.limit,
        limits: () => ({
          untilMs: askedAtMs + need.timeoutMs - exchange.queueMs,
          // An agent whose body is not read to its end could have left without a sign.
          mayWaitOn: () => !need.comesBack && request.complete,
          latestMs: startedAtMs + patience().longestMs,
          awayUntilMs
        }),
        settle(result, hold) {
          isSettled = true
          try {
            end()
            if (typeof result === 'string') refuseSlot(result, nobody)
            else granted(result, hold)
          } catch (error) {
            fail(error)
            hold.release()
          }
        },
        fail(defect) {
          isSettled = true
          try {
            end()
          } finally {
            fail(defect)
          }
        }
      })
      // By now it may even have failed at a master and wait anew.
      if (isSettled) return
      place = taken
      books.listen()
    },
    reconsider: () => place?.reconsider(),
    leave() {
      const left = place
      place = undefined
      left?.release()
      books.end()
    }
  }
}
