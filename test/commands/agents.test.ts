import t from 'tap'
import type { AgentList, AgentQuery, AgentStatus } from '../../src/model/agents.ts'
import { startScene } from '../admin/scene.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { puppetLb } from './puppet-lb.ts'

type Test = { teardown: (task: () => unknown) => void }

const web: AgentStatus = {
  certname: 'web-1.example.com',
  lastSeen: '2025-12-31T23:58:30.000Z',
  lastRunSeconds: 24.3,
  reported: true,
  compileSeconds: 4.2,
  requests: 31,
  requestsPerHour: 62,
  failures: 0,
  failure: null,
  failedRuns: 0,
  version: '8.10.0',
  environment: 'production',
  master: 'm1',
  certificateNotAfter: '2026-01-13T00:00:00.000Z'
}
const broken: AgentStatus = {
  ...web,
  certname: 'db.example.com',
  lastSeen: '2025-12-29T00:00:00.000Z',
  lastRunSeconds: 0.1,
  reported: false,
  compileSeconds: null,
  failures: 2,
  failure: 'catalog',
  failedRuns: 7,
  version: null,
  environment: null,
  master: null,
  certificateNotAfter: '2025-12-31T20:00:00.000Z'
}

/** A command line of a balancer that answers with this list, and what it was asked. */
async function setUp(t: Test, list: AgentList) {
  const asked: AgentQuery[] = []
  const { origin } = await startScene(t, {
    deps: {
      async agents(query) {
        asked.push(query)
        return list
      }
    }
  })
  const agents = (...args: string[]) =>
    puppetLb(['agents', '--admin', origin, ...args], { runtime: fakeRuntime() })
  return { agents, asked }
}

t.test('agents are told to a person', async t => {
  const { agents } = await setUp(t, { total: 12_345, agents: [web, broken] })
  t.same(await agents('--offset', '100'), {
    code: 0,
    out: `certname           last seen  run               compile  requests  an hour  failing          Puppet  environment  master  certificate
web-1.example.com  1 min ago  24.3 s            4.2 s    31        62                        8.10.0  production   m1      ends in 12 d
db.example.com     3 d ago    0.1 s, no report           31        62       catalog, 7 runs                               ended 4 h ago
101 to 102 of 12345
`,
    err: ''
  })
})

t.test('or to a program, as the API has them', async t => {
  const list = { total: 1, agents: [web] }
  const { agents } = await setUp(t, list)
  t.same(JSON.parse((await agents('--json')).out), list)
})

t.test('where there are none it says so', async t => {
  const { agents } = await setUp(t, { total: 0, agents: [] })
  t.equal((await agents()).out, 'none\n')
})

t.test('flags become the question', async t => {
  const { agents, asked } = await setUp(t, { total: 0, agents: [] })
  const usual = { query: '', filter: undefined, withinDays: 30, limit: 50, offset: 0 }
  for (const [flags, question] of [
    ['', {}],
    ['--expiring 7d', { filter: 'expiring', withinDays: 7 }],
    ['--slow', { filter: 'slow' }],
    ['--failing', { filter: 'failing' }],
    ['--old', { filter: 'old' }],
    ['--noisy --limit 1000 --offset 3', { filter: 'noisy', limit: 1_000, offset: 3 }],
    ['--search web-&limit=1', { query: 'web-&limit=1' }]
  ] as const) {
    await agents(...flags.split(' ').filter(Boolean))
    t.same(asked.at(-1), { ...usual, ...question }, flags)
  }
})

t.test('what cannot be asked is said with the flag', async t => {
  const { agents, asked } = await setUp(t, { total: 0, agents: [] })
  for (const [flags, complaint] of [
    ['--expiring 30', /--expiring <days>.*30d/],
    ['--limit 1001', /--limit <n>.*1 to 1000/],
    ['--offset -1', /--offset <n>.*0 to 9999999/],
    ['--slow --old', /--old.*cannot be used with.*--slow|--slow.*cannot be used with.*--old/]
  ] as const) {
    const { code, err } = await agents(...flags.split(' '))
    t.equal(code, 1, flags)
    t.match(err, complaint)
  }
  t.same(asked, [])
})
