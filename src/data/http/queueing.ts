import type { Eligible } from '../../balance/eligibility.ts'
import type { ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import { maskOf } from '../../model/seat-mask.ts'
import type { Delivery, DispatchDeps, SlotNeed } from './delivery.ts'
import type { Hold, NoSlot, SlotRequest } from './slot-request.ts'

/** One request's time in the queue: for room for its body first, when there is none, then for a JRuby. */
export interface Queueing {
  /** Takes a place. `granted` is called once with the master whose JRuby it got, perhaps before this returns. */
  readonly ask: (
    wish: Pick<SlotRequest, 'eligible' | 'eligibleAnew' | 'pick'>,
    /** What to say when nobody is left to ask. */
    nobody: ReasonCode,
    granted: (master: Master, hold: Hold) => void
  ) => void
  /** Gives its place up, if it has one. */
  readonly leave: () => void
}

/** Who is told when nothing is granted. */
export interface QueueingListener {
  readonly refuse: (code: ReasonCode) => void
  /** A defect of ours showed; of what it held nothing is given back yet but its place. */
  readonly fail: (defect: unknown) => void
}

/** Nobody may have a request whose body has no room yet. */
export const nobodyYet: Eligible = Object.freeze({ pinned: undefined, candidates: [], mask: maskOf([]) })

/** The queueing of a delivery that needs a JRuby. */
export function createQueueing(
  { exchange }: Pick<Delivery, 'exchange'>,
  need: SlotNeed,
  { waitingRoom, now, metrics }: Pick<DispatchDeps, 'waitingRoom' | 'now' | 'metrics'>,
  { refuse, fail }: QueueingListener
): Queueing {
  const { request, response, record } = exchange
  /** When it first asked for anything, which decides its turn. */
  let askedFirstMs: number | undefined
  let place: Hold | undefined
  // An agent that ended its side while it waited is taken for one that left, for nearly always it did.
  const hangUp = () => response.destroy()

  /** However a wait ends, it counts: with a slot, sent away, or given up by the agent. */
  function end(): void {
    if (place) request.socket.removeListener('end', hangUp)
    place = undefined
    if (record.waitsSinceMs === undefined) return
    const waitedMs = now() - record.waitsSinceMs
    record.waitsSinceMs = undefined
    exchange.queueMs += waitedMs
    metrics.queueDuration.observe({ class: exchange.class }, waitedMs / 1000)
  }

  function refuseSlot(why: NoSlot, nobody: ReasonCode): void {
    if (why === 'no-master') refuse(nobody)
    else if (why === 'certname-queue-full') {
      metrics.limitRefusals.inc({ limit: 'queuePlaces' })
      refuse(exchange.certname === undefined ? 'queue-full' : why)
    } else refuse(why)
  }

  return {
    ask(wish, nobody, granted) {
      const askedAtMs = now()
      askedFirstMs ??= askedAtMs
      record.waitsSinceMs = askedAtMs
      let isSettled = false
      const taken = waitingRoom.ask({
        ...wish,
        rank: need.rank,
        claimant: need.claimant,
        sinceMs: askedFirstMs,
        waitedMs: exchange.queueMs,
        limit: need.limit,
        timeoutMs: need.timeoutMs,
        // An agent whose body is not read to its end could have left without a sign.
        mayWaitOn: () => !need.comesBack && request.complete,
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
          end()
          fail(defect)
        }
      })
      // By now it may even have failed at a master and wait anew.
      if (isSettled) return
      place = taken
      // It may have ended its side before, while an earlier request of the connection was served.
      if (request.socket.readableEnded) hangUp()
      else request.socket.once('end', hangUp)
    },
    leave() {
      const left = place
      end()
      left?.release()
    }
  }
}
