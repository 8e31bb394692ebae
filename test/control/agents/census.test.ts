import t from 'tap'
import { agentOf } from '../../../src/control/agents/agent.ts'
import { censusOf } from '../../../src/control/agents/census.ts'
import { runPart, someDayMs } from '../../support/agents.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

t.test('agents are counted by when they were seen', async t => {
  const agents = [0.5, 2, 30, 200].map(hours =>
    agentOf(runPart('a', { startsAtMs: -hours * HOUR_MS, ms: 0 }))
  )
  t.same(Object.fromEntries(censusOf(agents, someDayMs).seen), { '1h': 1, '1d': 2, '7d': 3 })
})

t.test('certificates by when they end, those included that have ended', async t => {
  const agents = [-1, 3, 20, 80, 400].map(days =>
    agentOf(runPart('a', { certificateEndsAtMs: someDayMs + days * DAY_MS }))
  )
  t.same(Object.fromEntries(censusOf(agents, someDayMs).expiring), { '7d': 2, '30d': 3, '90d': 4 })
})

t.test('who was not seen for a week is not counted among either', async t => {
  const agents = [agentOf(runPart('a', { startsAtMs: -8 * DAY_MS, certificateEndsAtMs: someDayMs }))]
  const { expiring, versions } = censusOf(agents, someDayMs)
  t.same([...expiring.values(), ...versions.values()], [0, 0, 0])
})

t.test('of versions the most frequent have a label of their own, and there are 31 at most', async t => {
  const said = ['8.10.0', '8.10.1', undefined, ...Array.from({ length: 40 }, (_, minor) => `6.${minor}.0`)]
  const { versions } = censusOf(
    said.map(version => agentOf(runPart('a', { version }))),
    someDayMs
  )
  t.equal(versions.size, 31)
  t.equal(versions.get('8.10'), 2)
  t.equal(
    [...versions.values()].reduce((sum, count) => sum + count, 0),
    said.length
  )
  t.equal(versions.get('other'), 12)
})
