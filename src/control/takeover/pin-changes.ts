import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Pin, PinTable } from '../../shared/pins.ts'
import { keyOf, type Roster } from '../roster.ts'
import type { CarriedPin, CarriedPins } from './messages.ts'

export interface PinChangesDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly pins: Pick<PinTable, 'all'>
  readonly runtime: Pick<Runtime, 'now'>
}

/** Finds which pins another process has not been told of. */
export interface PinChanges {
  /** What has changed since the last call, everything at first; `undefined` when that is nothing. */
  readonly next: () => CarriedPins | undefined
}

export function createPinChanges({ roster, pins, runtime }: PinChangesDeps): PinChanges {
  let told = new Map<string, Pin>()
  return {
    next() {
      const nowMs = runtime.now()
      const now = new Map(pins.all(nowMs).map(pin => [`${pin.hash} ${pin.check}`, pin]))
      const fresh = [...now].filter(([key, pin]) => !isSame(told.get(key), pin)).map(([, pin]) => pin)
      // One that has run out ends there by itself.
      const gone = [...told].filter(([key, pin]) => !now.has(key) && pin.endsAtS * 1000 > nowMs)
      told = now
      if (fresh.length + gone.length === 0) return undefined
      const { masters } = roster.current()
      const carry = carrier(masters)
      return {
        nowMs,
        keys: masters.map(keyOf),
        pins: fresh.flatMap(carry),
        dropped: gone.flatMap(([, pin]) => carry(pin))
      }
    }
  }
}

/** Pins of another process, by the ids and the clock of this one. Those of masters that are none here are left out. */
export function pinsHere(
  { nowMs, keys }: CarriedPins,
  carried: readonly CarriedPin[],
  { masters, now }: { readonly masters: readonly Master[]; readonly now: number }
): readonly Pin[] {
  const ids = new Map(masters.map(master => [keyOf(master), master.id]))
  const shiftS = Math.round((now - nowMs) / 1000)
  return carried.flatMap(([hash, check, key, endsAtS]) => {
    const id = ids.get(keys[key] ?? '')
    return id === undefined ? [] : [{ hash, check, id, endsAtS: endsAtS + shiftS }]
  })
}

function carrier(masters: readonly Master[]): (pin: Pin) => readonly CarriedPin[] {
  const places = new Map(masters.map(({ id }, place) => [id, place]))
  return ({ hash, check, id, endsAtS }) => {
    const place = places.get(id)
    return place === undefined ? [] : [[hash, check, place, endsAtS]]
  }
}

function isSame(a: Pin | undefined, b: Pin): boolean {
  return a?.id === b.id && a.endsAtS === b.endsAtS
}
