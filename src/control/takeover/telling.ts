import type { Runtime } from '../../model/runtime.ts'
import type { PinTable } from '../../shared/pins.ts'
import type { SlotTable } from '../../shared/slots/types.ts'
import { keyOf, type Roster } from '../roster.ts'
import { type HeldElsewhere, isSameHeld, type Kin } from './held-elsewhere.ts'
import type { CarriedPins, Held } from './messages.ts'
import { createPinChanges } from './pin-changes.ts'

/** How often it is looked what has changed. Short beside every request that keeps a JRuby for longer than a moment. */
const LOOK_MS = 10
/** However little changes, the other process hears that this one lives. */
const BEAT_MS = 1_000

export interface TellingDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly slots: Pick<SlotTable, 'taken' | 'depth'>
  readonly pins: Pick<PinTable, 'eachChanged' | 'places'>
  readonly held: Pick<HeldElsewhere, 'besides'>
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
}

export interface Told {
  /** `waits`: whether requests wait for a JRuby here. */
  readonly held: (held: Held, waits: boolean) => void
  /** Left out: it is not told of pins. */
  readonly pins?: (pins: CarriedPins) => void
}

/** Tells one of the kin what this process holds, at once and with every change, until the result is called. */
export function tellKin(kin: Kin, deps: TellingDeps, told: Told): () => void {
  const { runtime } = deps
  const pinChanges = createPinChanges(deps)
  let last: Held | undefined
  let didWait = false
  let toldAtMs = 0
  let cancel = () => {}

  function look(): void {
    const held = heldHere(kin, deps)
    const waits = deps.slots.depth() > 0
    const isNews = last === undefined || !isSameHeld(last, held) || waits !== didWait
    if (isNews || runtime.now() - toldAtMs >= BEAT_MS) {
      last = held
      didWait = waits
      toldAtMs = runtime.now()
      told.held(held, waits)
    }
    const changes = told.pins && pinChanges.next()
    if (changes) told.pins?.(changes)
    cancel = runtime.schedule(LOOK_MS, look)
  }

  look()
  return () => cancel()
}

/** JRubies that this process holds, and those of its other kin, who cannot tell that one. */
export function heldHere(
  kin: Kin,
  { roster, slots, held }: Pick<TellingDeps, 'roster' | 'held'> & { readonly slots: Pick<SlotTable, 'taken'> }
): Held {
  const sums = new Map(Object.entries(held.besides(kin)))
  for (const master of roster.current().masters) {
    const key = keyOf(master)
    const sum = slots.taken(master.seat) + (sums.get(key) ?? 0)
    if (sum > 0) sums.set(key, sum)
  }
  return Object.fromEntries(sums)
}
