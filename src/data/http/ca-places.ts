import type { Runtime } from '../../model/runtime.ts'
import { networkOf } from '../accept/network.ts'

/**
 * Requests that may wait for the CA, over all workers. Who enrols shows no certificate, so these places are nobody
 * else's, and one network (an IPv4 address, 64 bits of IPv6) has a quarter of them at most: a stranger that takes all it
 * can keeps nobody else from waiting.
 */
export const CA_PLACES = { all: 512, networkShare: 0.25 } as const

/** One request that waits for the CA. */
export interface CaWaiter {
  readonly remote: string | undefined
  /** Whether it may go on; asked with every snapshot. */
  readonly isServed: () => boolean
  /** One of these is called once, when it has left its place. */
  readonly goOn: () => void
  readonly giveUp: () => void
  /** A defect of ours showed in one of them. */
  readonly fail: (defect: unknown) => void
}

/** A place. */
export interface CaPlace {
  readonly reconsider: () => void
  /** More than once is as good as once. */
  readonly leave: () => void
}

/** This worker's share of the places for those who wait for the CA. They are its own, and go with it. */
export interface CaPlaces {
  /** `untilMs`: when it gives up. `undefined`: there is no place. */
  readonly enter: (waiter: CaWaiter, untilMs: number) => CaPlace | undefined
  /** There is a new snapshot. */
  readonly reconsider: () => void
  /** From now on nobody waits: those who do give up. */
  readonly close: () => void
}

/**
 * `workers`: among how many the places are shared. `onDefect`: a defect showed while one was told of another; the others
 * must not suffer from it.
 */
export function createCaPlaces({
  workers,
  runtime: { now, schedule },
  onDefect
}: {
  readonly workers: number
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
  readonly onDefect: (error: unknown) => void
}): CaPlaces {
  const most = Math.ceil(CA_PLACES.all / workers)
  const mostOfNetwork = Math.ceil(most * CA_PLACES.networkShare)
  const places = new Set<CaPlace & { readonly end: () => void }>()
  const byNetwork = new Map<string, number>()
  let isClosed = false

  function count(network: string, change: 1 | -1): void {
    const sum = (byNetwork.get(network) ?? 0) + change
    if (sum > 0) byNetwork.set(network, sum)
    else byNetwork.delete(network)
  }

  function take({ isServed, goOn, giveUp, fail }: CaWaiter, network: string, untilMs: number): CaPlace {
    /** A defect of one must not reach the others, who are looked at next. */
    function guard(work: () => void): void {
      try {
        work()
      } catch (error) {
        place.leave()
        failWith(error)
      }
    }
    function failWith(defect: unknown): void {
      try {
        fail(defect)
      } catch (error) {
        onDefect(error)
      }
    }
    function leaveFor(work: () => void): void {
      place.leave()
      work()
    }
    const place = {
      reconsider() {
        guard(() => {
          if (places.has(place) && isServed()) leaveFor(goOn)
        })
      },
      end: () => guard(() => leaveFor(giveUp)),
      leave() {
        if (!places.delete(place)) return
        cancel()
        count(network, -1)
      }
    }
    const cancel = schedule(Math.max(0, untilMs - now()), place.end)
    places.add(place)
    count(network, 1)
    return place
  }

  return {
    enter(waiter, untilMs) {
      const network = waiter.remote === undefined ? '' : networkOf(waiter.remote)
      const isFull = places.size >= most || (byNetwork.get(network) ?? 0) >= mostOfNetwork
      return isClosed || isFull ? undefined : take(waiter, network, untilMs)
    },
    reconsider() {
      for (const place of places) place.reconsider()
    },
    close() {
      isClosed = true
      for (const place of places) place.end()
    }
  }
}
