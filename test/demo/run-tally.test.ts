import t from 'tap'
import { createRunTally } from '../../src/demo/run-tally.ts'
import { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import type { AgentRun } from '../../src/simulation/simulated-agent.ts'

const fine: AgentRun = { exitStatus: 0, requests: [], failure: undefined, connections: 1 }

function failed(status: number, message: string): AgentRun {
  const question = { method: 'GET', path: '/puppet/v3/node/web01' }
  return { ...fine, exitStatus: 1, failure: new AgentRequestError(question, status, message) }
}

const revoked = failed(403, 'The client certificate was refused: it is revoked. Request a-1\n')

function scene() {
  const said: string[] = []
  return { ...createRunTally(line => said.push(line)), told: () => said.splice(0) }
}

t.test('a revoked agent is told of once, and its runs are no failures', async t => {
  const { add, told, summary, isRefused } = scene()
  add('web01', fine)
  t.same(told(), ['web01: first run, exit status 0, 0 requests over 1 connection'])
  t.notOk(isRefused('web01'))
  for (const run of [revoked, revoked]) add('web01', run)
  t.same(told(), ['web01: refused: The client certificate was refused: it is revoked. Request a-1'])
  t.ok(isRefused('web01'))
  t.equal(summary(), '1 runs with 0 requests, 0 failed; 1 revoked agent refused')
  t.equal(summary(), '0 runs with 0 requests, 0 failed; 1 revoked agent refused')
  add('web02', revoked)
  t.match(summary(), /; 2 revoked agents refused$/)
})

t.test('one that is served again is told of as at its first run', async t => {
  const { add, told, summary, isRefused } = scene()
  add('web01', revoked)
  add('web01', fine)
  add('web01', fine)
  t.same(told().slice(1), ['web01: first run anew, exit status 0, 0 requests over 1 connection'])
  t.notOk(isRefused('web01'))
  t.equal(summary(), '2 runs with 0 requests, 0 failed')
  t.equal(summary(), undefined)
})

t.test('any other failure is told each time, and counted', async t => {
  const { add, told, summary, isRefused, served } = scene()
  for (const run of [failed(403, 'denied by auth.conf'), failed(502, 'no answer')]) add('web01', run)
  t.same(told(), [
    'web01: exit status 1, GET /puppet/v3/node/web01: denied by auth.conf',
    'web01: exit status 1, GET /puppet/v3/node/web01: no answer'
  ])
  t.notOk(isRefused('web01'))
  t.equal(served(), 0)
  t.equal(summary(), '2 runs with 0 requests, 2 failed')
})
