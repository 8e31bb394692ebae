import t from 'tap'
import { createAgentBook } from '../../../src/control/agents/book.ts'
import { listAgents } from '../../../src/control/agents/listing.ts'
import { type AgentQuery, type RunPart, usualAgentQuery } from '../../../src/model/agents.ts'
import { runPart, someDayMs } from '../../support/agents.ts'
import { seededDice } from '../../support/runtime.ts'

const DAY_MS = 86_400_000

/** Asks a book of these agents. */
function ask(
  parts: readonly RunPart[],
  query: Partial<AgentQuery>,
  {
    mastersMajor = 8,
    atMs = 60_000
  }: { readonly mastersMajor?: number | 'unknown'; readonly atMs?: number } = {}
) {
  const book = createAgentBook(() => someDayMs)
  book.take(parts)
  const { total, agents } = listAgents(
    book,
    { ...usualAgentQuery, ...query },
    {
      nowMs: someDayMs + atMs,
      mastersMajor: mastersMajor === 'unknown' ? undefined : mastersMajor
    }
  )
  return [total, ...agents.map(({ certname }) => certname)]
}

t.test('all agents are listed by name, page by page', async t => {
  const parts = ['web-2', 'db-1', 'web-10', 'web-1', 'x'].map(name => runPart(name))
  t.same(ask(parts, {}), [5, 'db-1', 'web-1', 'web-10', 'web-2', 'x'])
  t.same(ask(parts, { limit: 2 }), [5, 'db-1', 'web-1'])
  t.same(ask(parts, { limit: 2, offset: 4 }), [5, 'x'])
  t.same(ask(parts, { offset: 5 }), [5])
})

t.test('or those whose name begins as wanted', async t => {
  const parts = ['web-2', 'db-1', 'web-10', 'web-1', 'x'].map(name => runPart(name))
  t.same(ask(parts, { query: 'web-1' }), [2, 'web-1', 'web-10'])
  t.same(ask(parts, { query: 'web-', limit: 1, offset: 2 }), [3, 'web-2'])
  t.same(ask(parts, { query: 'eb' }), [0])
  t.same(ask(parts, { query: '\uffff' }), [0])
  t.same(ask([], {}), [0])
})

t.test('certificates that end soon come in their order, those that have ended first', async t => {
  const ends = (name: string, days: number) =>
    runPart(name, { certificateEndsAtMs: someDayMs + 60_000 + days * DAY_MS })
  const parts = [ends('later', 31), ends('soon', 30), ends('over', -1), ends('sooner', 2)]
  t.same(ask(parts, { filter: 'expiring' }), [3, 'over', 'sooner', 'soon'])
  t.same(ask(parts, { filter: 'expiring', withinDays: 2 }), [2, 'over', 'sooner'])
  t.same(ask(parts, { filter: 'expiring', query: 's' }), [2, 'sooner', 'soon'])
})

t.test('slow ones come by compile time, those without one not at all', async t => {
  const parts = [300, 900, undefined, 500].map((compileMs, index) => runPart(`a${index}`, { compileMs }))
  t.same(ask(parts, { filter: 'slow' }), [3, 'a1', 'a3', 'a0'])
  t.same(ask(parts, { filter: 'slow', limit: 1, offset: 1 }), [3, 'a3'])
})

t.test('failing ones come by how long they do', async t => {
  const fails = { catalog: 'failed' } as const
  const parts = [
    runPart('fine'),
    runPart('once', fails),
    runPart('twice', fails),
    runPart('twice', { ...fails, startsAtMs: 1_800_000 })
  ]
  t.same(ask(parts, { filter: 'failing' }, { atMs: 2_000_000 }), [2, 'twice', 'once'])
})

t.test('old ones are those below the lowest major of the masters', async t => {
  const parts = ['8.10.0', '7.30.0', '6.28.0', undefined].map((version, index) =>
    runPart(`a${index}`, { version })
  )
  t.same(ask(parts, { filter: 'old' }), [2, 'a2', 'a1'])
  t.same(ask(parts, { filter: 'old' }, { mastersMajor: 7 }), [1, 'a2'])
  t.same(ask(parts, { filter: 'old' }, { mastersMajor: 'unknown' }), [0])
})

t.test('noisy ones come by how much they ask, now', async t => {
  const parts = [
    runPart('often', { requests: 40 }),
    runPart('often', { requests: 40, startsAtMs: 60_000 }),
    runPart('much', { requests: 60, startsAtMs: 60_000 }),
    runPart('little', { requests: 5, startsAtMs: 60_000 })
  ]
  t.same(ask(parts, { filter: 'noisy' }, { atMs: 90_000 }), [3, 'often', 'much', 'little'])
})

t.test('equals come by name, also where only a few of them are wanted', async t => {
  const parts = ['c', 'a', 'd', 'b'].map(name => runPart(name))
  t.same(ask(parts, { filter: 'slow', limit: 2, offset: 1 }), [4, 'b', 'c'])
})

t.test('each page of a thousand is the one that sorting all of them gives', async t => {
  const dice = seededDice(5)
  const parts = Array.from({ length: 1_000 }, (_, index) =>
    runPart(`agent-${(index * 37) % 1_000}`, { compileMs: 1_000 * Math.floor(dice() * 40) })
  )
  const sorted = parts
    .toSorted(
      (a, b) => (b.compileMs as number) - (a.compileMs as number) || (a.certname < b.certname ? -1 : 1)
    )
    .map(({ certname }) => certname)
  for (const [offset, limit] of [
    [0, 1],
    [0, 5],
    [95, 10],
    [400, 250],
    [990, 50],
    [1_000, 5]
  ] as const)
    t.same(ask(parts, { filter: 'slow', offset, limit }), [1_000, ...sorted.slice(offset, offset + limit)])
})
