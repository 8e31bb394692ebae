import t from 'tap'
import { createWorkBook, type WorkTotals } from '../../../src/control/insight/work-book.ts'
import { compileTimeBuckets } from '../../../src/shared/compile-times.ts'

const totals = (given: number, failed = 0): WorkTotals => ({
  given,
  failed,
  times: new Int32Array(compileTimeBuckets).fill(given, 0, 1)
})
const of = (...each: readonly (readonly [id: number, totals: WorkTotals])[]) => new Map(each)

t.test('a minute is what was added from its beginning to the next', async t => {
  const book = createWorkBook()
  book.turn(100, of([1, totals(7)], [2, totals(0)]))
  t.same(book.minutes(), [], 'the one that began is not over')
  book.turn(101, of([1, totals(10, 1)], [2, totals(5)]))
  book.turn(102, of([1, totals(10, 1)], [2, totals(6)]))
  t.same(book.minutes(), [
    { minute: 100, given: 8, failed: 1 },
    { minute: 101, given: 1, failed: 0 }
  ])
})

t.test('nothing is told of minutes that were slept through, nor twice of one', async t => {
  const book = createWorkBook()
  book.turn(100, of([1, totals(0)]))
  book.turn(103, of([1, totals(9)]))
  book.turn(103, of([1, totals(11)]))
  book.turn(104, of([1, totals(12)]))
  t.same(book.minutes(), [{ minute: 103, given: 3, failed: 0 }])
})

t.test('a clock that was set back is followed from there', async t => {
  const book = createWorkBook()
  book.turn(200, of([1, totals(0)]))
  book.turn(140, of([1, totals(3)]))
  book.turn(141, of([1, totals(5)]))
  t.same(book.minutes(), [{ minute: 140, given: 2, failed: 0 }])
})

t.test('a master that is new began at nothing, one that left counts no more', async t => {
  const book = createWorkBook()
  book.turn(1, of([1, totals(1_000)]))
  book.turn(2, of([2, totals(4)]))
  t.same(book.minutes(), [{ minute: 1, given: 4, failed: 0 }])
})

t.test('counters that wrap around lose nothing', async t => {
  const book = createWorkBook()
  book.turn(1, of([1, totals(2 ** 31 - 2)]))
  book.turn(2, of([1, totals(-(2 ** 31) + 3)]))
  t.same(book.minutes(), [{ minute: 1, given: 5, failed: 0 }])
})

t.test('what was done since the start stays in sight when the first minutes are over', async t => {
  const book = createWorkBook()
  const given = () => book.recent(of([1, totals(33)])).get(1)?.given
  for (let minute = 1; minute < 10; minute++) {
    book.turn(minute, of([1, totals(minute)]))
    t.equal(given(), 33)
  }
  book.turn(10, of([1, totals(10)]))
  t.equal(given(), 32, 'what was done before the first turn is ten minutes old')
})

t.test('an hour is kept, and the last ten minutes are what a master did of late', async t => {
  const book = createWorkBook()
  t.match(book.recent(of([1, totals(3)])).get(1), { given: 3 }, 'before the first minute: since the start')
  for (let minute = 0; minute <= 100; minute++) book.turn(minute, of([1, totals(minute * 2)]))
  t.equal(book.minutes().length, 60)
  t.same(book.minutes()[0], { minute: 40, given: 2, failed: 0 })
  const recent = book.recent(of([1, totals(200)])).get(1)
  t.match(recent, { given: 18 }, 'nine full minutes and what there is of the tenth')
  t.equal(recent?.times[0], 18)
})
