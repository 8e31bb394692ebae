import t from 'tap'
import { createLoadBook, LOAD_MINUTES, type WorkDone } from '../../../src/control/capacity/load-book.ts'
import { compileTimeBuckets } from '../../../src/shared/compile-times.ts'

const done = (runs: number): WorkDone => ({
  runs,
  requests: 5 * runs,
  times: new Int32Array(compileTimeBuckets).fill(runs, 3, 4)
})
const at = (own: number, all = own) => new Map([['default', { own, all }]])

t.test('nothing is told of the first moment, and then what the looks have shown', async t => {
  const book = createLoadBook()
  for (let looks = 0; looks < 2; looks++) book.look(at(2, 3))
  t.equal(book.recent('default'), undefined)
  book.look(at(2, 3))
  t.match(book.recent('default'), { minutes: 0, atWork: { own: 2, all: 3 }, mostAtWork: 3, runs: 0 })
  t.equal(book.recent('other'), undefined)
})

t.test('minutes count alike, however many looks they had, and the fullest is told', async t => {
  const book = createLoadBook()
  for (const own of [4, 4, 4, 4]) book.look(at(own))
  book.turn(new Map([['default', done(10)]]))
  book.look(at(1, 2))
  book.turn(new Map([['default', done(20)]]))
  const seen = book.recent('default')
  t.match(seen, { minutes: 2, atWork: { own: 2.5, all: 3 }, mostAtWork: 4, runs: 30, requests: 150 })
  t.equal(seen?.times[3], 30)
})

t.test('what is older than the span is forgotten', async t => {
  const book = createLoadBook()
  for (let minute = 0; minute < LOAD_MINUTES + 5; minute++) {
    book.look(at(minute < 5 ? 9 : 1))
    book.turn(new Map([['default', done(minute < 5 ? 1_000 : 1)]]))
  }
  t.match(book.recent('default'), { minutes: LOAD_MINUTES, mostAtWork: 1, runs: LOAD_MINUTES })
})

t.test('a pool that there is no more is forgotten, and begins anew when it comes back', async t => {
  const book = createLoadBook()
  book.look(at(3))
  book.turn(new Map([['default', done(1)]]))
  book.turn(new Map())
  t.equal(book.recent('default'), undefined)
})
