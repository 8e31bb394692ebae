import t from 'tap'
import { createLineQueue } from '../../src/telemetry/line-queue.ts'

t.test('lines come out in their order, as many whole texts as fit', async t => {
  const queue = createLineQueue(100, () => 0)
  for (const text of ['one\n', 'two\n', 'three\n']) t.ok(queue.add(text))
  t.equal(queue.length(), 14)
  t.equal(queue.take(9), 'one\ntwo\n')
  t.equal(queue.take(1), 'three\n', 'one that is too long by itself goes all the same')
  t.equal(queue.take(9), '')
  t.equal(queue.length(), 0)
})

t.test('what does not fit is dropped whole and counted by lines, and room made later is used', async t => {
  let nowMs = 1_000
  const queue = createLineQueue(8, () => nowMs)
  t.ok(queue.add('1234567\n'), 'to the last character')
  t.notOk(queue.add('a\nb\n'))
  nowMs = 2_000
  t.notOk(queue.add('c\n'))
  t.same(queue.takeLost(), { lines: 3, sinceMs: 1_000 })
  t.equal(queue.takeLost(), undefined, 'told once')
  t.equal(queue.take(8), '1234567\n')
  t.ok(queue.add('c\n'))
  t.equal(queue.totalLost(), 3)
})

t.test('lines lost elsewhere count with their own time, the earliest of all', async t => {
  const queue = createLineQueue(8, () => 5_000)
  queue.lose(1)
  queue.lose(2, 3_000)
  queue.lose(4, 4_000)
  t.same(queue.takeLost(), { lines: 7, sinceMs: 3_000 })
  t.equal(queue.totalLost(), 7)
})
