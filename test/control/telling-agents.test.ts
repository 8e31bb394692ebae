import t from 'tap'
import { createAgents } from '../../src/control/agents/agents.ts'
import { tellAgents } from '../../src/control/takeover/telling-agents.ts'
import { runPart } from '../support/agents.ts'
import { fakeRuntime } from '../support/runtime.ts'

t.test('a successor comes to know the same of every agent, whatever is seen meanwhile', async t => {
  const runtime = fakeRuntime()
  const agents = createAgents({ runtime, masterVersions: () => [] })
  const next = createAgents({ runtime, masterVersions: () => [] })
  let messages = 0
  /** As JSON carries it. */
  const carried = <Value>(value: Value): Value => {
    messages++
    return JSON.parse(JSON.stringify(value)) as Value
  }
  agents.take(Array.from({ length: 2_500 }, (_, index) => runPart(`a${index}`, { version: undefined })))
  const stop = tellAgents(agents, runtime, {
    agents: told => next.book.adopt(carried(told)),
    runs: parts => next.take(carried(parts))
  })
  t.equal(next.book.size(), 1_000, 'a message at a time')
  const seen = ['a0', 'a2499', 'new'].map(name => runPart(name, { startsAtMs: 60_000, requests: 3 }))
  agents.take(seen)
  await runtime.advance(1_000)
  const known = (of: typeof agents) => [...of.book.all()].sort((a, b) => (a.certname < b.certname ? -1 : 1))
  t.same(known(next), known(agents))
  stop()
  const before = messages
  agents.take([runPart('later')])
  t.equal(messages, before)
})
