import type { Master } from '../../model/master.ts'
import { keyOf } from '../roster.ts'
import type { Held } from './messages.ts'

/** Another process of this balancer: the one it took over from, or the one that takes over. */
export type Kin = 'predecessor' | 'successor'

/** JRubies that other processes of this balancer hold while they hand over, as they tell it themselves. */
export interface HeldElsewhere {
  readonly of: (master: Pick<Master, 'name' | 'url'>) => number
  /** JRubies of a master that are left to them: what they hold, and one at least while this process yields. */
  readonly lent: (master: Pick<Master, 'name' | 'url'>, capacity: number) => number
  /** What one of them holds by now. */
  readonly told: (kin: Kin, held: Held) => void
  /** Whether requests wait for a JRuby at the successor. */
  readonly toldWaiting: (waits: boolean) => void
  /** One of them has ended or tells nothing any more: what it holds shows in what masters tell of themselves. */
  readonly forget: (kin: Kin) => void
  /** What all but one hold, for telling that one. */
  readonly besides: (kin: Kin) => Held
  /**
   * From now on the last JRuby of a master that has several is left to the successor while anybody waits there: those who
   * wait here came earlier, but the light requests of runs must not stand behind all of them.
   */
  readonly yieldToSuccessor: () => void
}

/** `changed` is called when any of it is another than before. */
export function createHeldElsewhere(changed: () => void): HeldElsewhere {
  const tellings = new Map<Kin, Held>()
  let yields = false
  let successorWaits = false
  const of = (master: Pick<Master, 'name' | 'url'>) => sumOf(keyOf(master), tellings.values())

  return {
    of,
    lent: (master, capacity) => Math.max(of(master), yields && successorWaits && capacity > 1 ? 1 : 0),
    told(kin, held) {
      const before = tellings.get(kin) ?? {}
      tellings.set(kin, held)
      if (!isSameHeld(before, held)) changed()
    },
    toldWaiting(waits) {
      if (waits === successorWaits) return
      successorWaits = waits
      if (yields) changed()
    },
    forget(kin) {
      if (kin === 'successor') yields = false
      if (tellings.delete(kin)) changed()
    },
    besides(kin) {
      const others = [...tellings].filter(([other]) => other !== kin).map(([, held]) => held)
      return Object.fromEntries(
        others.flatMap(held => Object.keys(held)).map(key => [key, sumOf(key, others)])
      )
    },
    yieldToSuccessor() {
      yields = true
      changed()
    }
  }
}

/** Whether both say the same of every master. */
export function isSameHeld(a: Held, b: Held): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => a[key] === b[key])
}

function sumOf(key: string, tellings: Iterable<Held>): number {
  let sum = 0
  for (const held of tellings) sum += Object.hasOwn(held, key) ? (held[key] ?? 0) : 0
  return sum
}
