import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Pin, PinTable } from '../../shared/pins.ts'
import { keyOf, type Roster } from '../roster.ts'
import type { CarriedPin, CarriedPins } from './messages.ts'

export interface PinChangesDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly pins: Pick<PinTable, 'eachChanged' | 'places' | 'beginTelling' | 'setTold' | 'endTelling'>
  readonly runtime: Pick<Runtime, 'now'>
}

/** What another process is told of pins: at most one at a time is told. */
export interface PinChanges {
  /** What has changed since the last call, everything at first; `undefined` when that is nothing. */
  readonly next: () => CarriedPins | undefined
  /** The other process has what was told first of all that it has not taken yet. */
  readonly taken: () => void
  /** Nobody is told any more. */
  readonly end: () => void
}

export function createPinChanges({ roster, pins, runtime }: PinChangesDeps): PinChanges {
  const seen = new Int32Array(pins.places)
  /** By the place where it was. */
  const told = new Map<number, Pin>()
  /** What the other process has not said yet that it has, the oldest first. */
  const underWay: (readonly Pin[])[] = []
  pins.beginTelling()
  return {
    next() {
      const fresh: Pin[] = []
      const gone: Pin[] = []
      pins.eachChanged(seen, (place, pin) => {
        const before = told.get(place)
        if (before && !isOfSame(before, pin)) gone.push(before)
        if (pin) {
          told.set(place, pin)
          fresh.push(pin)
        } else told.delete(place)
      })
      if (fresh.length + gone.length === 0) return undefined
      underWay.push(fresh)
      const { masters } = roster.current()
      const carry = carrier(masters)
      return {
        nowMs: runtime.now(),
        keys: masters.map(keyOf),
        pins: fresh.flatMap(carry),
        dropped: gone.flatMap(carry)
      }
    },
    taken() {
      for (const pin of underWay.shift() ?? []) pins.setTold(pin)
    },
    end: pins.endTelling
  }
}

/** Whether a pin is of the same agent as another: then it takes the other's place wherever that is known. */
function isOfSame({ hash, check }: Pin, pin: Pin | undefined): boolean {
  return hash === pin?.hash && check === pin.check
}

/** Pins of another process, by the ids and the clock of this one. Those of masters that are none here are left out. */
export function pinsHere(
  { nowMs, keys }: CarriedPins,
  carried: readonly CarriedPin[],
  { masters, now }: { readonly masters: readonly Master[]; readonly now: number }
): readonly Pin[] {
  const ids = new Map(masters.map(master => [keyOf(master), master.id]))
  const shiftS = Math.round((now - nowMs) / 1000)
  return carried.flatMap(([hash, check, key, endsAtS, episode]) => {
    const id = ids.get(keys[key] ?? '')
    return id === undefined ? [] : [{ hash, check, id, endsAtS: endsAtS + shiftS, episode }]
  })
}

function carrier(masters: readonly Master[]): (pin: Pin) => readonly CarriedPin[] {
  const places = new Map(masters.map(({ id }, place) => [id, place]))
  return ({ hash, check, id, endsAtS, episode }) => {
    const place = places.get(id)
    return place === undefined ? [] : [[hash, check, place, endsAtS, episode]]
  }
}
