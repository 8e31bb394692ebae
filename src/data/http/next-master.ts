import type { Eligible } from '../../balance/eligibility.ts'
import type { ReasonCode } from '../../model/errors.ts'
import type { Master } from '../../model/master.ts'
import { createCaQueueing } from './ca-queueing.ts'
import type { Delivery, DispatchDeps } from './delivery.ts'
import type { Outage } from './outage.ts'
import { createQueueing, type Queueing } from './queueing.ts'
import { type Hold, nobodyYet } from './slot-request.ts'
import { createStandBy, type StandBy } from './stand-by.ts'

/** Finds the master that a request is sent to next, and waits for one if need be. */
export interface NextMaster {
  /** Where it waits; `undefined` for what never does. */
  readonly queueing: Queueing | undefined
  /** Looks for one that it has not been sent to. `after`: what ended the attempt before. */
  readonly find: (after?: string) => void
  /** No other can do it: it waits for whoever failed it, or is sent away. */
  readonly awaitAnew: (after: string | undefined) => void
  /** Whether there is one that it has not been sent to. */
  readonly isAnybodyElse: () => boolean
  /** Whether one that it has not been sent to has room now. */
  readonly isRoomElsewhere: () => boolean
  /** Whether it waits rather than be sent away. */
  readonly isPatient: () => boolean
  /** Nothing is waited for any more. */
  readonly stop: () => void
}

export interface NextMasterListener {
  /** `hold`: the JRuby it has there; `undefined` where it needs none. */
  readonly found: (master: Master, hold: Hold | undefined, after: string | undefined) => void
  readonly refuse: (code: ReasonCode) => void
  readonly fail: (defect: unknown) => void
}

export function createNextMaster(
  delivery: Delivery,
  outage: () => Outage,
  deps: DispatchDeps,
  { found, refuse, fail }: NextMasterListener
): NextMaster {
  const { exchange, rule, slot } = delivery
  const { record } = exchange
  const onNothing = { refuse: giveUp, fail }
  const queueing = slot
    ? createQueueing(delivery, slot, deps, onNothing)
    : rule === 'ca'
      ? createCaQueueing(delivery, deps, onNothing)
      : undefined
  const tried: number[] = []
  /** Few requests ever find nobody: the rest spares it. */
  let standBy: StandBy | undefined
  const standing = () => (standBy ??= createStandBy(delivery, outage(), deps, fail))

  /** Why nobody is left to try: a fault of our own is told for what it is, and so is a master that is merely full. */
  function nobodyCode(after: string | undefined): ReasonCode {
    if (after === 'own-fault') return 'no-connection'
    return after === 'master-busy' ? 'queue-timeout' : delivery.nobody
  }

  function take(master: Master, hold: Hold | undefined, after: string | undefined): void {
    deps.history.note(record, rule, undefined)
    tried.push(master.id)
    found(master, hold, after)
  }

  function enqueue(eligible: Eligible, after: string | undefined): void {
    const wish = {
      eligible,
      eligibleAnew,
      pick: delivery.pick,
      nobody: nobodyCode(after),
      awayUntilMs: () => standing().untilMs()
    }
    queueing?.ask(wish, (master, hold) => {
      slot?.chosen(master)
      take(master, hold, after)
    })
  }

  /** Who may have it by now: whoever has failed it is out only as long as there are others. */
  function eligibleAnew(): Eligible | undefined {
    if (standBy?.isPaused()) return nobodyYet
    const left = delivery.eligible(tried)
    if (left || !standing().isPatient) return left
    return delivery.eligible([]) ?? nobodyYet
  }

  function awaitAnew(after: string | undefined): void {
    if (queueing && standing().begin(after, queueing.reconsider)) {
      tried.length = 0
      enqueue(nobodyYet, after)
    } else giveUp(nobodyCode(after))
  }

  function giveUp(code: ReasonCode): void {
    standBy?.end()
    const last = exchange.attempts === 0 ? delivery.lastResort?.() : undefined
    if (last) {
      take(last, undefined, undefined)
      return
    }
    deps.history.note(record, rule, undefined)
    refuse(code)
  }

  return {
    queueing,
    find(after) {
      const eligible = delivery.eligible(tried)
      if (!eligible) {
        awaitAnew(after)
        return
      }
      deps.history.note(record, rule, eligible.pinned)
      if (slot?.isNeeded) enqueue(eligible, after)
      else {
        const master = eligible.pinned ?? delivery.pick(eligible.candidates)
        if (master) take(master, undefined, after)
        else awaitAnew(after)
      }
    },
    awaitAnew,
    isAnybodyElse: () => delivery.eligible(tried) !== undefined,
    isRoomElsewhere: () => delivery.eligible(tried)?.candidates.some(deps.hasRoom) ?? false,
    isPatient: () => standing().isPatient,
    stop() {
      standBy?.end()
      queueing?.leave()
    }
  }
}
