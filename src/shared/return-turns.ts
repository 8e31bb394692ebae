import { fnv1a, mix } from '../model/hash.ts'
import { queueCount } from '../model/pool.ts'
import type { Runtime } from '../model/runtime.ts'
import { createSharedLock } from './lock.ts'

/**
 * When agents that were sent away are to be back, over all workers: each certname has one turn, and has it until that is
 * over, however often it asks. Bounded: a new turn takes the place of the one in its set that is over first.
 */
export interface ReturnTurns {
  /** Shared with workers as it is. */
  readonly buffer: SharedArrayBuffer
  /** The turn of a certname, in milliseconds on the clock of the wish. A certname is known by 64 bits of hash. */
  readonly turnOf: (worker: number, certname: string, wish: TurnWish) => number
  /** The turns that are not over, for a successor of this process. */
  readonly given: (nowMs: number) => GivenTurns
  /** Takes the turns that another process gave. For the control plane. */
  readonly adopt: (turns: GivenTurns) => Promise<void>
  /** Frees the lock if a dead worker holds it; its successor may start once this has resolved. */
  readonly removeWorker: (worker: number) => Promise<void>
}

/** What a turn that is to be given goes by. Times are on a clock all threads share. */
export interface TurnWish {
  readonly nowMs: number
  /** Behind those who wait. */
  readonly earliestMs: number
  readonly latestMs: number
  /** From one turn to the next: how long the masters work for one agent. */
  readonly paceMs: number
  /** Whose turns come one after the other: the number of a pool. Default: 0. */
  readonly queue?: number
}

/** Turns as another process can read them, in milliseconds on the same clock. */
export interface GivenTurns {
  /** The last one of all, by queue; a queue that is left out has none. */
  readonly lastMs: readonly (number | undefined)[]
  /** The two halves of a certname's hash, and its turn. */
  readonly turns: readonly (readonly [hash: number, check: number, turnMs: number])[]
}

const SETS = 4096
const WAYS = 4
const LOCK = 0
const HEADER_CELLS = 2
/** By queue. */
const header = { last: 0, rounds: 1 } as const
const HEADER_SIZE = 2
const HEADER_NUMBERS = HEADER_SIZE * queueCount
/** The second hash starts elsewhere, so that both together tell certnames apart. */
const CHECK_SEED = 0x2545f491
/** Each round of turns begins so much later than the one before: agents are told whole seconds. */
const ROUND_STEP_MS = 1000

/** Turns in a new buffer or in a shared one. */
export function createReturnTurns(
  { workers, schedule }: { readonly workers: number } & Pick<Runtime, 'schedule'>,
  shared?: SharedArrayBuffer
): ReturnTurns {
  const cellCount = HEADER_CELLS + 2 * SETS * WAYS
  const numbersAt = cellCount * Int32Array.BYTES_PER_ELEMENT
  const numberCount = HEADER_NUMBERS + SETS * WAYS
  const buffer = shared ?? new SharedArrayBuffer(numbersAt + numberCount * Float64Array.BYTES_PER_ELEMENT)
  const cells = new Int32Array(buffer, 0, cellCount)
  const numbers = new Float64Array(buffer, numbersAt, numberCount)
  const lock = createSharedLock(cells, LOCK, { controlOwner: workers, schedule })
  const turnMs = (entry: number) => numbers[HEADER_NUMBERS + entry] as number
  const lastOf = (queue: number) => queue * HEADER_SIZE + header.last

  /** The next turn of all. When the last one has been given, another round of turns begins between those of the first. */
  function nextTurn({ earliestMs, latestMs, paceMs, queue = 0 }: TurnWish): number {
    const [last, rounds] = [lastOf(queue), queue * HEADER_SIZE + header.rounds]
    let next = Math.max(numbers[last] as number, earliestMs) + paceMs
    if (next > latestMs) {
      const round = (numbers[rounds] as number) + 1
      numbers[rounds] = round
      next = Math.min(latestMs, earliestMs + ((round * ROUND_STEP_MS) % paceMs))
    }
    numbers[last] = next
    return next
  }

  function give(certname: string, wish: TurnWish): number {
    const hash = mix(fnv1a(certname)) | 0
    const check = mix(fnv1a(certname, CHECK_SEED)) | 0
    const place = placeOf(hash, check)
    if (isOf(place, hash, check) && turnMs(place) > wish.nowMs) return turnMs(place)
    const turn = nextTurn(wish)
    write(place, hash, check, turn)
    return turn
  }

  const isOf = (entry: number, hash: number, check: number) =>
    cells[HEADER_CELLS + 2 * entry] === hash && cells[HEADER_CELLS + 2 * entry + 1] === check

  function write(entry: number, hash: number, check: number, turn: number): void {
    cells[HEADER_CELLS + 2 * entry] = hash
    cells[HEADER_CELLS + 2 * entry + 1] = check
    numbers[HEADER_NUMBERS + entry] = turn
  }

  /** Where the turn of a certname is, or is to be written. */
  function placeOf(hash: number, check: number): number {
    const first = (hash & (SETS - 1)) * WAYS
    let place = first
    for (let entry = first; entry < first + WAYS; entry++) {
      if (isOf(entry, hash, check)) return entry
      if (turnMs(entry) < turnMs(place)) place = entry
    }
    return place
  }

  return Object.freeze({
    buffer,
    turnOf: (worker: number, certname: string, wish: TurnWish) =>
      lock.alone(worker, () => give(certname, wish)),
    given(nowMs: number) {
      const turns: GivenTurns['turns'][number][] = []
      for (let entry = 0; entry < SETS * WAYS; entry++) {
        if (turnMs(entry) <= nowMs) continue
        const at = HEADER_CELLS + 2 * entry
        turns.push([cells[at] as number, cells[at + 1] as number, turnMs(entry)])
      }
      const lastMs = Array.from({ length: queueCount }, (_, queue) => numbers[lastOf(queue)] as number)
      return { lastMs, turns }
    },
    adopt: ({ lastMs, turns }: GivenTurns) =>
      lock.aloneSoon(() => {
        for (const [queue, last = 0] of lastMs.slice(0, queueCount).entries())
          numbers[lastOf(queue)] = Math.max(numbers[lastOf(queue)] as number, last)
        for (const [hash, check, turn] of turns) write(placeOf(hash, check), hash, check, turn)
      }),
    // One that died half-way has lost one agent's turn at most, which is no fault to repair.
    removeWorker: (worker: number) => lock.takeOverFrom(worker, () => {})
  })
}
