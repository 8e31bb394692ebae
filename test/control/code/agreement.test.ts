import t from 'tap'
import { agreementOf } from '../../../src/control/code/agreement.ts'
import { createCodeBook, MIXED_MS } from '../../../src/control/code/code-book.ts'

/** Who served what at which second, in the order in which it is told. */
type Seen = readonly (readonly [master: number, version: string | null, atSeconds: number])[]

function agreement(seen: Seen, nowSeconds = seen.at(-1)?.[2] ?? 0) {
  const book = bookOf(seen)
  const served = book.servedOf('production', nowSeconds * 1000)
  const { versions, differsSinceMs } = agreementOf(served, () => true)
  return [versions, differsSinceMs === undefined ? undefined : differsSinceMs / 1000]
}

function bookOf(seen: Seen) {
  const book = createCodeBook()
  for (const [masterId, version, at] of seen)
    book.note({ masterId, version, environment: 'production', askedAtMs: at * 1000 })
  return book
}

t.test('masters that serve the same agree', async t => {
  t.same(agreement([]), [0, undefined])
  t.same(agreement([[1, 'v1', 0]]), [1, undefined])
  t.same(
    agreement([
      [1, 'v1', 0],
      [2, 'v1', 5]
    ]),
    [1, undefined]
  )
})

t.test('what a master served before a deploy says nothing of what it serves since', async t => {
  const before: Seen = [
    [1, 'v1', 0],
    [2, 'v1', 5],
    [1, 'v2', 60]
  ]
  t.same(agreement(before), [1, undefined], 'nobody was seen to get the old code since')
  t.same(agreement([...before, [2, 'v2', 90]]), [1, undefined])
})

t.test('one that was seen with old code since lags behind, from the begin of the new', async t => {
  const differ: Seen = [
    [1, 'v1', 0],
    [2, 'v1', 5],
    [1, 'v2', 60],
    [2, 'v1', 70]
  ]
  t.same(agreement(differ), [2, 60])
  t.same(agreement([...differ, [3, 'v3', 80], [1, 'v2', 81]]), [3, 60], 'and so does the next')
  t.same(agreement([...differ, [2, 'v2', 90]]), [1, undefined], 'until it follows')
})

t.test('a catalog that was asked for before and comes later changes nothing', async t => {
  t.same(
    agreement([
      [1, 'v1', 0],
      [1, 'v2', 60],
      [1, 'v1', 59]
    ]),
    [1, undefined]
  )
  t.same(
    agreement([
      [1, 'v1', 0],
      [2, 'v2', 80],
      [1, 'v1', 100],
      [1, 'v1', 50]
    ]),
    [2, 80],
    'nor what was seen since'
  )
})

t.test('a master whose JRubies differ serves two, until one of them was not seen for long', async t => {
  const mixed: Seen = [
    [1, 'v1', 0],
    [1, 'v2', 60],
    [1, 'v1', 70]
  ]
  t.same(agreement(mixed), [2, 60])
  const flushed = 70 + MIXED_MS / 1000
  t.same(agreement([...mixed, [1, 'v2', flushed]]), [2, 60])
  t.same(agreement([...mixed, [1, 'v2', flushed + 1]]), [1, undefined])
})

t.test('what is not known differs from nothing', async t => {
  t.same(
    agreement([
      [1, null, 0],
      [2, 'v1', 5],
      [1, null, 10]
    ]),
    [1, undefined]
  )
  t.same(agreement([[1, null, 0]]), [0, undefined])
})

t.test('nothing is known of a version that nobody was seen to get for two hours', async t => {
  const once: Seen = [[1, 'v1', 0]]
  t.same(agreement(once, 7_199), [1, undefined])
  t.same(agreement(once, 7_200), [0, undefined])
})

t.test('masters that left, environments beyond a hundred and versions beyond four are forgotten', async t => {
  const book = bookOf(Array.from({ length: 9 }, (_, index) => [1, `v${index % 5}`, index] as const))
  t.equal(book.servedOf('production', 9_000).length <= 4, true)
  for (let index = 0; index < 100; index++)
    book.note({ masterId: 2, version: 'v1', environment: `e${index}`, askedAtMs: 10_000 + index })
  t.equal(book.environments().length, 100)
  t.notOk(book.environments().includes('production'), 'the one that was not seen for longest')
  book.retain(new Set([1]))
  t.same(book.environments(), [])
})
