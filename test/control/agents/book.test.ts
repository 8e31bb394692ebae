import t from 'tap'
import { createAgentBook, FORGET_MS } from '../../../src/control/agents/book.ts'
import { runPart, someDayMs } from '../../support/agents.ts'

t.test('when the book is full, those that were not heard of for longest make room', async t => {
  const book = createAgentBook(() => someDayMs, 3)
  book.take(['a', 'b', 'c'].map(name => runPart(name)))
  book.take([runPart('a', { startsAtMs: 60_000 })])
  book.take([runPart('d', { startsAtMs: 61_000 })])
  t.same(book.certnames(), ['a', 'c', 'd'])
  t.equal(book.find('b'), undefined)
  t.equal(book.size(), 3)
})

t.test('who was not heard of for 30 days is forgotten', async t => {
  let nowMs = someDayMs
  const book = createAgentBook(() => nowMs)
  book.take([runPart('gone'), runPart('stays')])
  nowMs += FORGET_MS
  book.take([runPart('stays', { startsAtMs: FORGET_MS - 20_000 })])
  t.equal(book.size(), 2)
  nowMs += 30_000
  book.take([runPart('new', { startsAtMs: FORGET_MS })])
  t.same(book.certnames(), ['new', 'stays'])
})

t.test('what another book knew is taken for those that are not known here', async t => {
  const book = createAgentBook(() => someDayMs)
  book.take([runPart('a', { version: '8.10.0' })])
  const other = createAgentBook(() => someDayMs)
  other.take([runPart('a', { version: '7.0.0' }), runPart('b', { version: '7.0.0' })])
  book.adopt([...other.all()])
  t.same(
    [...book.all()].map(({ certname, version }) => [certname, version]),
    [
      ['a', '8.10.0'],
      ['b', '7.0.0']
    ]
  )
})
