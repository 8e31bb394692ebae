import type { Master } from '../../model/master.ts'
import { isIn, type Pooled } from '../../model/pool.ts'
import { keyOf } from '../roster.ts'
import type { Held, Holdings } from './messages.ts'

/** Another process of this balancer: the one it took over from, or the one that takes over. */
export type Kin = 'predecessor' | 'successor'

/** What other processes of this balancer have at masters while they hand over, as they tell it themselves. */
export interface HeldElsewhere {
  /** JRubies of a master that they hold. */
  readonly of: (master: Named) => number
  /** Connections of raw TCP that they have to a master. */
  readonly connectionsOf: (master: Named) => number
  /** JRubies of a master that are left to them: what they hold, and one at least while this process yields. */
  readonly lent: (master: Named & Pooled, capacity: number) => number
  /** What one of them holds by now. */
  readonly told: (kin: Kin, held: Holdings) => void
  /** The pools for whose JRubies requests wait at the successor. */
  readonly toldWaiting: (pools: readonly string[]) => void
  /** One of them has ended or tells nothing any more: what it holds shows in what masters tell of themselves. */
  readonly forget: (kin: Kin) => void
  /** What all but one hold, for telling that one. */
  readonly besides: (kin: Kin) => Holdings
  /**
   * From now on the last JRuby of a master that has several is left to the successor while anybody waits there who could
   * have it: those who wait here came earlier, but the light requests of runs must not stand behind all of them.
   */
  readonly yieldToSuccessor: () => void
}

type Named = Pick<Master, 'name' | 'url'>

/** `changed` is called when any of it is another than before. */
export function createHeldElsewhere(changed: () => void): HeldElsewhere {
  const tellings = new Map<Kin, Holdings>()
  let yields = false
  let waitingPools: readonly string[] = []
  const sum = (what: keyof Holdings, master: Named) =>
    sumOf(
      keyOf(master),
      [...tellings.values()].map(held => held[what])
    )
  const of = (master: Named) => sum('jrubies', master)
  const isWaitedFor = (master: Pooled) => waitingPools.some(pool => isIn(master, pool))

  return {
    of,
    connectionsOf: master => sum('connections', master),
    lent: (master, capacity) => Math.max(of(master), yields && capacity > 1 && isWaitedFor(master) ? 1 : 0),
    told(kin, held) {
      const before = tellings.get(kin) ?? nothing
      tellings.set(kin, held)
      if (!isSameHoldings(before, held)) changed()
    },
    toldWaiting(pools) {
      if (isSameNames(pools, waitingPools)) return
      waitingPools = pools
      if (yields) changed()
    },
    forget(kin) {
      if (kin === 'successor') yields = false
      if (tellings.delete(kin)) changed()
    },
    besides(kin) {
      const others = [...tellings].filter(([other]) => other !== kin).map(([, held]) => held)
      const all = (what: keyof Holdings) => {
        const helds = others.map(held => held[what])
        return Object.fromEntries(
          helds.flatMap(held => Object.keys(held)).map(key => [key, sumOf(key, helds)])
        )
      }
      return { jrubies: all('jrubies'), connections: all('connections') }
    },
    yieldToSuccessor() {
      yields = true
      changed()
    }
  }
}

const nothing: Holdings = Object.freeze({ jrubies: {}, connections: {} })

/** Whether both say the same of every master. */
export function isSameHoldings(a: Holdings, b: Holdings): boolean {
  return isSameHeld(a.jrubies, b.jrubies) && isSameHeld(a.connections, b.connections)
}

function isSameHeld(a: Held, b: Held): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}

/** Of names that are in the same order. */
export function isSameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}

function sumOf(key: string, tellings: Iterable<Held>): number {
  let sum = 0
  for (const held of tellings) sum += Object.hasOwn(held, key) ? (held[key] ?? 0) : 0
  return sum
}
