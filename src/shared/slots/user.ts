import type { SharedLock } from '../lock.ts'
import type { Anticipation } from './anticipation.ts'
import type { Capacity } from './capacity.ts'
import { type Claimants, strangers, uncounted } from './claimants.ts'
import type { SlotEntries } from './entries.ts'
import type { Granting } from './granting.ts'
import { heavyRank, lightRank } from './layout.ts'
import type { ServiceTimes } from './service-times.ts'
import { noEntry, noPlace, type SlotClaim, type SlotUser } from './types.ts'
import type { Wake } from './wake.ts'

/** However long catalogs take, one that failed counts no longer. */
const LONGEST_FAILED_MS = 60_000
/** Until a catalog was served, one that failed counts for so long: else a master that fails at once draws all till then. */
const UNKNOWN_CATALOG_MS = 1_000

/** The parts of the slot table that a worker's hands move. */
export interface SlotParts {
  readonly lock: SharedLock
  readonly capacity: Capacity
  readonly entries: SlotEntries
  readonly claimants: Claimants
  readonly anticipation: Anticipation
  readonly granting: Granting
  readonly serviceTimes: ServiceTimes
  readonly wake: Wake
}

/** A worker's hands; `entryCount` entries are its own. Once for each thread that is alive. */
export function createSlotUser(parts: SlotParts, worker: number, entryCount: number): SlotUser {
  const { lock, capacity, entries, claimants, anticipation, granting, serviceTimes, wake } = parts
  const alone = <Result>(work: () => Result) => lock.alone(worker, work)
  // Highest first, so that low entries are used and a scan for those who wait is short.
  const spare = Array.from({ length: entryCount }, (_, index) => (worker + 1) * entryCount - 1 - index)

  function learn(ticket: number, seat: number, servedMs: number): void {
    const rank = entries.rankOf(ticket)
    // Who asks for several things at a time is no run, whose next file is to be waited for.
    const isFurther = entries.isFurther(ticket)
    serviceTimes.learn(entries.queueOf(ticket), rank, servedMs)
    capacity.countCompleted(seat, rank === heavyRank)
    if (rank === lightRank && !isFurther) anticipation.lightEnded(seat)
  }

  /** Whether it has a slot or a place among those who wait. */
  function enter(ticket: number, claim: SlotClaim): boolean {
    const { cell, places } = claim.claimant ?? uncounted
    entries.enterWaiting(ticket, claim)
    granting.giveOutAt(claim.mask)
    if (entries.seatOf(ticket) >= 0 || claimants.waiting(cell) <= places) return true
    entries.free(ticket)
    return false
  }

  /**
   * Whether a catalog that failed may count on. For no claimant more of them count than run, or one: a broken manifest
   * takes no more than a sound one would.
   */
  function mayCountOn(ticket: number): boolean {
    const [seat, cell] = [entries.seatOf(ticket), entries.claimantOf(ticket)]
    if (!entries.runs(ticket) || cell === strangers.cell) return false
    if (capacity.failed(seat) >= capacity.capacity(seat)) return false
    return claimants.failed(cell) < Math.max(1, claimants.held(cell))
  }

  function release(ticket: number, servedMs?: number): void {
    // Given back twice it would be given out twice.
    if (entries.isFree(ticket)) return
    alone(() => {
      const seat = entries.free(ticket)
      if (seat < 0) return
      if (servedMs !== undefined) learn(ticket, seat, servedMs)
      granting.giveOut(seat)
      // Its claimant may have held all it may, and have what is free elsewhere now.
      if (claimants.waiting(entries.claimantOf(ticket)) > 0) granting.giveOutAll()
    })
    spare.push(ticket)
  }

  return {
    take(claim, seat) {
      const ticket = spare.at(-1)
      if (ticket === undefined) return -1
      const isTaken = alone(() => {
        if (!granting.isNext(claim, seat)) return false
        entries.enterRunning(ticket, claim, seat)
        return true
      })
      if (!isTaken) return -1
      spare.pop()
      return ticket
    },
    learnGap: (claim, seat) =>
      alone(() => {
        if (!claimants.isFurther(claim)) anticipation.learnGap(seat)
      }),
    wait(claim) {
      const ticket = spare.pop()
      if (ticket === undefined) return noEntry
      if (alone(() => enter(ticket, claim))) return ticket
      spare.push(ticket)
      return noPlace
    },
    seatOf: entries.seatOf,
    remask: (ticket, mask, queue) =>
      alone(() => {
        if (entries.remask(ticket, mask, queue)) granting.giveOutAt(mask)
      }),
    leave: ticket => alone(() => entries.leave(ticket)),
    disown: ticket =>
      alone(() => {
        if (!entries.runs(ticket)) return
        const claimant = entries.claimantOf(ticket)
        entries.disown(ticket)
        // It may have held all it may, and have what is free elsewhere now.
        if (claimants.waiting(claimant) > 0) granting.giveOutAll()
      }),
    release,
    fail(ticket, tookMs) {
      const usualMs =
        serviceTimes.meanMs(entries.queueOf(ticket), entries.rankOf(ticket)) || UNKNOWN_CATALOG_MS
      const restMs = Math.min(LONGEST_FAILED_MS, usualMs - tookMs)
      const countsOn =
        restMs > 0 &&
        alone(() => {
          if (!mayCountOn(ticket)) return false
          entries.fail(ticket)
          // Masters where none failed are preferred a little less now, wherever they are.
          if (entries.depth() > 0) granting.giveOutAll()
          return true
        })
      if (countsOn) return restMs
      release(ticket)
      return 0
    },
    reservedForMs: () => (entries.depth() === 0 ? undefined : alone(granting.reservedForMs)),
    releaseReserved: () => alone(granting.giveOutAll),
    woken: wake.listen(worker)
  }
}
