import t from 'tap'
import { seatCount } from '../../src/model/master.ts'
import { createTurns, type Turn, type Turns } from '../../src/shared/turns.ts'
import { seededDice } from '../support/runtime.ts'
import { schedule, startThread } from './threads.ts'

const seatsOf = (...weights: number[]): Turn[] => weights.map((weight, seat) => ({ seat, weight }))
const newTurns = (workers = 1) => createTurns({ workers, schedule })

/** How often each of them has its turn. */
function countTurns(turns: Turns, seats: readonly Turn[], times: number): number[] {
  const counts = seats.map(() => 0)
  for (let time = 0; time < times; time++) {
    const index = turns.next(0, seats)
    counts[index] = (counts[index] as number) + 1
  }
  return counts
}

t.test('turns are weighted and spread out, as nginx spreads them', async t => {
  const turns = newTurns()
  const names = Array.from({ length: 14 }, () => 'abc'[turns.next(0, seatsOf(5, 1, 1))])
  t.equal(names.join(''), 'aabacaaaabacaa')
})

t.test('who has no weight has no turn, and of nobody nobody has', async t => {
  const turns = newTurns()
  t.same(countTurns(turns, seatsOf(0, 1), 5), [0, 5])
  t.equal(turns.next(0, []), -1)
  t.equal(turns.next(0, seatsOf(0)), -1)
})

t.test('shares are exact with as many masters and as large weights as there may be', async t => {
  const weights = Array.from({ length: 128 }, (_, seat) => (seat === 0 ? 1_000_000 : 1 + (seat % 3)))
  const total = weights.reduce((sum, weight) => sum + weight)
  const turns = newTurns()
  const times = 200_000
  const counts = countTurns(turns, seatsOf(...weights), times)
  weights.forEach((weight, seat) => {
    const share = (times * weight) / total
    if (Math.abs((counts[seat] as number) - share) > 2) t.fail(`seat ${seat}: ${counts[seat]} for ${share}`)
  })
})

t.test('shares stay exact when every request sees another list of the same seats', async t => {
  const turns = newTurns()
  const counts = [0, 0, 0]
  for (let time = 0; time < 600; time++) {
    const seats = seatsOf(3, 2, 1)
    const index = turns.next(0, time % 2 === 0 ? seats : seats.toReversed())
    const seat = time % 2 === 0 ? index : 2 - index
    counts[seat] = (counts[seat] as number) + 1
  }
  t.same(counts, [300, 200, 100])
})

t.test('other weights count from the next turn on, and nobody makes up for the old ones', async t => {
  const turns = newTurns()
  countTurns(turns, seatsOf(1_000_000, 1_000_000, 999_999), 1_001)
  t.same(
    countTurns(turns, seatsOf(1, 1, 2), 400).map(count => Math.round(count / 10)),
    [10, 10, 20]
  )
})

t.test('a newcomer neither waits nor has a row of turns, whoever sat there before', async t => {
  const dice = seededDice(5)
  const turns = newTurns()
  for (let round = 0; round < 300; round++) {
    countTurns(turns, seatsOf(1, 1, 1, 1), Math.floor(dice() * 20))
    await turns.resetSeat(Math.floor(dice() * 4))
    for (const count of countTurns(turns, seatsOf(1, 1, 1, 1), 8))
      if (count < 1 || count > 3) t.fail(`round ${round}: ${count} of 8 turns`)
  }
})

t.test('what a seat was owed is not paid to its next occupant', async t => {
  const turns = newTurns()
  const seats = seatsOf(3, 1)
  t.same(countTurns(turns, seats, 2), [2, 0])
  await turns.resetSeat(1)
  t.equal(turns.next(0, seats), 0, 'where it would have been the turn of the other')
})

t.test('shares are exact over all threads, and one that died in the midst of it stops nobody', async t => {
  const turns = newTurns(3)
  const seats = [
    { seat: 3, weight: 3 },
    { seat: seatCount - 1, weight: 1 }
  ]
  const body = `
    const turns = exports.createTurns({ workers: 3, schedule }, data.buffer)
    const counts = [0, 0]
    for (let round = 0; round < data.rounds; round++) {
      counts[turns.next(data.worker, data.seats)]++
      if (round === 100) post('runs')
    }
    post(counts)`
  const start = (worker: number, rounds: number) =>
    startThread(t, 'turns.ts', body, { buffer: turns.buffer, seats, worker, rounds })
  const threads = [0, 1].map(worker => start(worker, 20_000))
  await Promise.all(threads.map(thread => thread.message()))
  const counts = (await Promise.all(threads.map(thread => thread.message()))) as number[][]
  t.same(
    [0, 1].map(index => counts.reduce((sum, each) => sum + (each[index] as number), 0)),
    [30_000, 10_000]
  )
  for (let round = 0; round < 5; round++) {
    const dying = start(2, Number.POSITIVE_INFINITY)
    await dying.message()
    await dying.terminate()
    await turns.removeWorker(2)
    const survivor = countTurns(turns, seats, 400)
    t.ok(Math.abs((survivor[0] as number) - 300) <= 2, `${survivor}`)
  }
})
