import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { PoolSnapshot } from '../../model/snapshot.ts'
import type { Board } from '../../shared/board.ts'
import type { SlotTable } from '../../shared/slots/types.ts'
import { keyOf, type Roster } from '../roster.ts'
import { type HeldElsewhere, isSameHoldings, isSameNames, type Kin } from './held-elsewhere.ts'
import type { CarriedPins, Held, Holdings } from './messages.ts'
import { createPinChanges, type PinChangesDeps } from './pin-changes.ts'

/** How often it is looked what has changed. Short beside every request that keeps a JRuby for longer than a moment. */
const LOOK_MS = 10
/** However little changes, the other process hears that this one lives. */
const BEAT_MS = 1_000

export interface TellingDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly slots: Pick<SlotTable, 'taken' | 'depth'>
  readonly board: Pick<Board, 'inFlight'>
  /** Whether a master is reached by raw TCP. */
  readonly isRaw: (master: Master) => boolean
  readonly pools: () => readonly Pick<PoolSnapshot, 'name' | 'queue'>[]
  readonly pins: PinChangesDeps['pins']
  readonly held: Pick<HeldElsewhere, 'besides'>
  readonly runtime: Pick<Runtime, 'now' | 'schedule'>
}

export interface Told {
  /** `waits`: the pools for whose JRubies requests wait here. */
  readonly held: (held: Holdings, waits: readonly string[]) => void
  /** Left out: it is not told of pins. */
  readonly pins?: (pins: CarriedPins) => void
}

export interface Telling {
  /** The other one has the pins that it was told first of all that it has not taken yet. */
  readonly pinsTaken: () => void
  readonly stop: () => void
}

/** Tells one of the kin what this process holds, at once and with every change, until it is stopped. */
export function tellKin(kin: Kin, deps: TellingDeps, told: Told): Telling {
  const { runtime } = deps
  const pinChanges = told.pins && createPinChanges(deps)
  let last: Holdings | undefined
  let lastWaits: readonly string[] = []
  let toldAtMs = 0
  let cancel = () => {}

  function look(): void {
    const held = heldHere(kin, deps)
    const waits = waitingPools(deps)
    const isNews = last === undefined || !isSameHoldings(last, held) || !isSameNames(waits, lastWaits)
    if (isNews || runtime.now() - toldAtMs >= BEAT_MS) {
      last = held
      lastWaits = waits
      toldAtMs = runtime.now()
      told.held(held, waits)
    }
    const changes = pinChanges?.next()
    if (changes) told.pins?.(changes)
    cancel = runtime.schedule(LOOK_MS, look)
  }

  look()
  return {
    pinsTaken: () => pinChanges?.taken(),
    stop() {
      cancel()
      pinChanges?.end()
    }
  }
}

function waitingPools({ slots, pools }: Pick<TellingDeps, 'slots' | 'pools'>): readonly string[] {
  if (slots.depth() === 0) return []
  return pools()
    .filter(({ queue }) => slots.depth(queue) > 0)
    .map(({ name }) => name)
}

/** What this process has at masters, and what its other kin have, who cannot tell that one. */
export function heldHere(
  kin: Kin,
  {
    roster,
    slots,
    board,
    isRaw,
    held
  }: Pick<TellingDeps, 'roster' | 'board' | 'isRaw' | 'held'> & { readonly slots: Pick<SlotTable, 'taken'> }
): Holdings {
  const { masters } = roster.current()
  const { jrubies, connections } = held.besides(kin)
  return {
    jrubies: together(jrubies, masters, ({ seat }) => slots.taken(seat)),
    connections: together(connections, masters, master => (isRaw(master) ? board.inFlight(master.seat) : 0))
  }
}

function together(others: Held, masters: readonly Master[], own: (master: Master) => number): Held {
  const sums = new Map(Object.entries(others))
  for (const master of masters) {
    const key = keyOf(master)
    const sum = own(master) + (sums.get(key) ?? 0)
    if (sum > 0) sums.set(key, sum)
  }
  return Object.fromEntries(sums)
}
