import t from 'tap'
import { strangers } from '../../src/shared/slots/claimants.ts'
import { createSlotMemory, heavyRank, LOCK, maskOf, state } from '../../src/shared/slots/layout.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import { type Claimant, noPlace, type SeatLimits } from '../../src/shared/slots/types.ts'
import { fakeRuntime, seededDice } from '../support/runtime.ts'

const EVENTS = 100_000
const size = { workers: 3, entries: 48 }
/** Agents, of whom some ask for more than they may have; an operator without bounds, strangers, and one who is not counted. */
const CLAIMANTS: readonly (Claimant | undefined)[] = [
  ...Array.from({ length: 12 }, (_, index) => ({ cell: 1 + index, slots: 3, places: 5 })),
  { cell: 60_000, slots: 100_000, places: 100_000 },
  strangers,
  undefined
]

/** Few, so that they are used again and again, and at the edges of a mask's words. */
const SEATS = [0, 1, 31, 32, 63, 64, 200, 223, 224, 255]

/** What the test knows of a ticket without asking the table. */
interface Mirror {
  readonly claimant: Claimant | undefined
  readonly rank: number
  mask: readonly number[]
  seat: number
  hasLeft: boolean
  /** It failed and counts on where it ran. */
  hasFailed: boolean
}

/** A fleet on one slot table, to which anything may happen; what is wrong after that is noted. */
function createFleet(seed: number) {
  const runtime = fakeRuntime({ seed })
  const dice = seededDice(seed)
  const pick = (count: number) => Math.floor(dice() * count)
  let nowMs = 0
  /** A worker dies at the look at the clock that makes this 0. */
  let looksUntilDeath = Number.POSITIVE_INFINITY
  const deps = {
    schedule: runtime.schedule,
    now: () => {
      if (--looksUntilDeath === 0) throw new Error('died')
      return nowMs
    }
  }
  const table = createSlotTable(size, deps)
  const memory = createSlotMemory(size, table.buffer)
  const newHands = (worker: number) => createSlotTable(size, deps, table.buffer).join(worker)
  const workers = Array.from({ length: size.workers }, (_, worker) => ({
    hands: newHands(worker),
    held: new Map<number, Mirror>()
  }))
  type Worker = (typeof workers)[number]

  let limits = new Map<number, SeatLimits>()
  /** Seats whose masters are no members any more and end their work. */
  const leaving = new Set<number>()
  const problems: string[] = []
  const tally = {
    seatsUsedAgain: 0,
    deaths: 0,
    deathsInLock: 0,
    reservedAtTimes: 0,
    waited: 0,
    bounded: 0,
    failed: 0,
    restrained: 0,
    refused: 0,
    seconds: 0
  }

  const someLimits = (): SeatLimits => ({
    capacity: 1 + pick(6),
    foreign: dice() < 0.2 ? pick(8) : 0,
    takesNewRuns: dice() < 0.8
  })
  const someOf = <Item>(items: readonly Item[]) => items[pick(items.length)]
  const someTicket = ({ held }: Worker) => someOf([...held.keys()])
  const someMask = (members: Iterable<number> = limits.keys()) => [
    ...[...members].filter(() => dice() < 0.6),
    ...[...leaving].filter(() => dice() < 0.05)
  ]
  const roomAt = (seat: number) => {
    const limit = limits.get(seat)
    if (!limit) return 0
    const taken = table.taken(seat)
    return Math.max(limit.capacity - limit.foreign - taken, taken === 0 ? 1 : 0)
  }
  /** Room for a catalog that may go to some seats: less by as many as failed there more than at the best of these. */
  const catalogRoomAt = (seat: number, mask: readonly number[]) => {
    const least = Math.min(...mask.filter(each => limits.has(each)).map(table.failed))
    return roomAt(seat) - (table.failed(seat) - least)
  }

  /** Compares the table with what the test knows, and notes who has got a slot since. */
  function look(when: string): void {
    const taken = new Map<number, number>()
    const ghosts = new Map<number, number>()
    const failed = new Map<number, number>()
    const waiting = [0, 0, 0]
    const granted = new Set<number>()
    const before = heldByClaimant()
    const starting: Mirror[] = []
    const count = (counts: Map<number, number>, seat: number) => counts.set(seat, (counts.get(seat) ?? 0) + 1)
    for (const { hands, held } of workers) {
      for (const [ticket, mirror] of held) {
        const seat = hands.seatOf(ticket)
        if (mirror.seat >= 0 && seat !== mirror.seat) problems.push(`${when}: a slot was taken away`)
        if (mirror.seat < 0 && seat >= 0) {
          if (!mirror.mask.includes(seat)) problems.push(`${when}: seat ${seat} is not in the mask`)
          granted.add(seat)
          starting.push(mirror)
        }
        mirror.seat = seat
        if (seat < 0) waiting[mirror.rank] = (waiting[mirror.rank] as number) + 1
        else count(mirror.hasFailed ? failed : taken, seat)
        if (mirror.hasLeft) count(ghosts, seat)
      }
    }
    for (const seat of granted) {
      const { capacity = 0, foreign = 0 } = limits.get(seat) ?? {}
      const most = Math.max(1, capacity - foreign)
      if (!limits.has(seat) || table.taken(seat) > most) problems.push(`${when}: seat ${seat} has too many`)
    }
    for (const seat of SEATS) {
      if (table.taken(seat) !== (taken.get(seat) ?? 0)) problems.push(`${when}: seat ${seat} is miscounted`)
      if (table.failed(seat) !== (failed.get(seat) ?? 0)) problems.push(`${when}: failures are miscounted`)
      if (table.ghosts(seat) !== (ghosts.get(seat) ?? 0)) problems.push(`${when}: ghosts are miscounted`)
      if (table.hasRoom(seat) !== roomAt(seat) > 0) problems.push(`${when}: two ideas of room at ${seat}`)
    }
    const counted = [0, 1, 2].map(rank => table.waiting(rank))
    if (`${counted}` !== `${waiting}` || table.depth() !== counted.reduce((sum, each) => sum + each))
      problems.push(`${when}: ${counted} counted as waiting, ${waiting} wait`)
    lookForIdle(when)
    lookForUnfair(when, before, starting)
  }

  function heldByClaimant(): Map<Claimant | undefined, number> {
    const all = workers.flatMap(({ held }) => [...held.values()])
    return new Map(
      CLAIMANTS.map(who => [
        who,
        all.filter(({ claimant, seat, hasFailed }) => claimant === who && seat >= 0 && !hasFailed).length
      ])
    )
  }

  const boundOf = (who: Claimant) => (who === strangers ? 1 : who.slots)

  /**
   * Nobody holds more than it may, and who got a slot as a further one of its claimant left none behind that waits for
   * its first and could have had it.
   */
  function lookForUnfair(
    when: string,
    before: Map<Claimant | undefined, number>,
    starting: readonly Mirror[]
  ): void {
    const after = heldByClaimant()
    for (const [who, count] of after)
      if (who && count > boundOf(who)) problems.push(`${when}: somebody holds ${count}`)
    const all = workers.flatMap(({ held }) => [...held.values()])
    for (const { claimant, seat } of starting) {
      if (!claimant || claimant === strangers || (before.get(claimant) ?? 0) === 0) continue
      tally.seconds++
      const isPassedOver = all.some(
        other =>
          other.seat < 0 &&
          other.claimant !== strangers &&
          other.rank !== heavyRank &&
          other.mask.includes(seat) &&
          (after.get(other.claimant) ?? 0) === 0
      )
      if (isPassedOver) problems.push(`${when}: a second request goes before a first`)
    }
  }

  function lookForIdle(when: string): void {
    const counts = heldByClaimant()
    for (const seat of limits.keys()) {
      const room = roomAt(seat)
      if (room === 0) continue
      for (const { hands, held } of workers) {
        for (const { rank, mask, claimant, seat: got } of held.values()) {
          if (got >= 0 || !mask.includes(seat)) continue
          if (claimant && (counts.get(claimant) ?? 0) >= boundOf(claimant)) {
            tally.bounded++
            continue
          }
          if (rank === heavyRank && catalogRoomAt(seat, mask) <= 0) {
            tally.restrained++
            continue
          }
          const isReserved = rank === heavyRank && room === 1 && hands.reservedForMs() !== undefined
          if (isReserved) tally.reservedAtTimes++
          else problems.push(`${when}: a slot of seat ${seat} is idle`)
        }
      }
    }
  }

  function ask({ hands, held }: Worker): void {
    const mask = someMask()
    const rank = pick(3)
    const claimant = someOf(CLAIMANTS)
    const claim = { rank, dueMs: nowMs + rank * 400, mask: maskOf(mask), claimant }
    const seat = someOf(mask) ?? 0
    if (rank === 0) hands.learnGap(claim, seat)
    const taken = hands.take(claim, seat)
    const ticket = taken >= 0 ? taken : hands.wait(claim)
    if (ticket === noPlace) tally.refused++
    if (ticket < 0) return
    if (hands.seatOf(ticket) < 0) tally.waited++
    held.set(ticket, { claimant, rank, mask, seat: -1, hasLeft: false, hasFailed: false })
  }

  function release(worker: Worker): void {
    const ticket = someTicket(worker)
    if (ticket === undefined) return
    worker.hands.release(ticket, dice() < 0.7 ? 10 : undefined)
    worker.held.delete(ticket)
  }

  function fail(worker: Worker): void {
    const ticket = someTicket(worker)
    const mirror = worker.held.get(ticket ?? -1)
    if (ticket === undefined || !mirror || mirror.hasFailed) return
    mirror.hasFailed = worker.hands.fail(ticket, pick(12)) > 0
    mirror.hasLeft = false
    if (mirror.hasFailed) tally.failed++
    else worker.held.delete(ticket)
  }

  function leave(worker: Worker): void {
    const ticket = someTicket(worker)
    const mirror = worker.held.get(ticket ?? -1)
    if (ticket === undefined || !mirror) return
    worker.hands.leave(ticket)
    mirror.hasLeft ||= mirror.seat >= 0 && !mirror.hasFailed
  }

  function letTimePass({ hands }: Worker): void {
    nowMs += pick(60)
    hands.releaseReserved()
    if (hands.reservedForMs() === 0) problems.push('a slot is reserved for too long')
  }

  async function setSeats(next: Map<number, SeatLimits>): Promise<void> {
    limits = next
    await table.setSeats(limits)
  }

  function remaskAll(when: string, members: readonly number[]): void {
    for (const { hands, held } of workers) {
      for (const [ticket, mirror] of held) {
        if (dice() < 0.1) continue
        const mask = someMask(members)
        if (mirror.seat < 0) mirror.mask = mask
        hands.remask(ticket, maskOf(mask))
        look(when)
      }
    }
  }

  /** A seat may be used again when nothing is counted there and no worker would send anybody there. */
  function vacate(): void {
    const isNamed = (seat: number) =>
      workers.some(({ held }) => [...held.values()].some(each => each.seat < 0 && each.mask.includes(seat)))
    for (const seat of leaving) {
      if (table.taken(seat) > 0 || table.failed(seat) > 0 || isNamed(seat)) continue
      leaving.delete(seat)
      tally.seatsUsedAgain++
    }
  }

  async function reload(when: string): Promise<void> {
    const next = new Map([...limits].map(([seat, old]) => [seat, dice() < 0.3 ? someLimits() : old]))
    for (const seat of [...next.keys()].filter(() => dice() < 0.2)) {
      next.delete(seat)
      leaving.add(seat)
    }
    vacate()
    const vacant = SEATS.filter(seat => !next.has(seat) && !leaving.has(seat))
    while (vacant.length > 0 && next.size < 6) {
      const seat = vacant.splice(pick(vacant.length), 1)[0] as number
      await table.resetSeat(seat)
      next.set(seat, someLimits())
      if (dice() < 0.5) await table.startSlowly(seat)
    }
    if (dice() < 0.5) {
      await setSeats(next)
      look(`${when}, seats set`)
      remaskAll(`${when}, masks follow`, [...next.keys()])
    } else {
      remaskAll(`${when}, masks first`, [...next.keys()])
      await setSeats(next)
    }
  }

  /** Some workers die together, the first of them perhaps in the midst of a change, and others hear of it in any order. */
  async function die(count: number): Promise<void> {
    const dying = [0, 1, 2].sort(() => dice() - 0.5).slice(0, count)
    const holder = dying[0] as number
    const isInLock = dice() < 0.7
    if (isInLock) dieWithin(holder)
    const asked = table.setSeats(limits)
    const heard = dying.sort(() => dice() - 0.5)
    const removed = heard.map(worker => table.removeWorker(worker))
    await runtime.advance(10)
    await Promise.all([asked, ...removed])
    for (const worker of dying) workers[worker] = { hands: newHands(worker), held: new Map() }
    tally.deaths += count
    if (isInLock) tally.deathsInLock++
  }

  function dieWithin(index: number): void {
    const worker = workers[index] as Worker
    looksUntilDeath = 1 + pick(3)
    try {
      if (dice() < 0.3) ask(worker)
      else release(worker)
    } catch {
      // It stopped here.
    }
    looksUntilDeath = Number.POSITIVE_INFINITY
    memory.cells[LOCK] = index + 1
    // Or it had just begun to let somebody run.
    const starting = workers.flatMap(({ held }) => [...held.keys()])
    const ticket = someOf(starting.filter(each => memory.cells[memory.statesAt + each] === state.waiting))
    if (ticket !== undefined) memory.cells[memory.statesAt + ticket] = state.running
  }

  return {
    problems,
    tally,
    table,
    look,
    async happen(when: string): Promise<void> {
      const what = dice()
      const worker = someOf(workers) as Worker
      if (what < 0.44) ask(worker)
      else if (what < 0.49) leave(worker)
      else if (what < 0.56) fail(worker)
      else if (what < 0.92) release(worker)
      else if (what < 0.96) letTimePass(worker)
      else if (what < 0.97) await setSeats(new Map([...limits.keys()].map(seat => [seat, someLimits()])))
      else if (what < 0.975) await table.startSlowly(someOf(SEATS) as number)
      else if (what < 0.996) await reload(when)
      else await die(1 + pick(2))
      look(when)
    },
    /** Everybody gives back what they have. */
    end() {
      for (const { hands, held } of workers) for (const ticket of held.keys()) hands.release(ticket)
    }
  }
}

t.test(`after each of ${EVENTS} events, the table has counted right and nobody waits in vain`, async t => {
  const fleet = createFleet(11)
  for (let event = 0; event < EVENTS && fleet.problems.length < 4; event++)
    await fleet.happen(`event ${event}`)
  t.same(fleet.problems, [])
  t.comment(JSON.stringify(fleet.tally))
  for (const [what, count] of Object.entries(fleet.tally)) t.ok(count > 100, `${what}: ${count}`)
  fleet.end()
  t.same(
    SEATS.map(seat => [fleet.table.taken(seat), fleet.table.ghosts(seat), fleet.table.failed(seat)]),
    SEATS.map(() => [0, 0, 0])
  )
  t.equal(fleet.table.depth(), 0)
})
