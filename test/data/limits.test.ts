import { Registry } from 'prom-client'
import t from 'tap'
import { createLimits } from '../../src/data/accept/limits.ts'
import { createConnectionTable } from '../../src/shared/connections.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** The limits as worker 0 of two sees them. What can be closed for others is `scene.closable`. */
function setUp({ connections = 10, perAddress = 10, agents = 100, upstream = 4 } = {}) {
  const runtime = fakeRuntime()
  const { log, lines } = captureLog()
  const table = createConnectionTable({ workers: 2, cells: 64 }, runtime.random)
  const scene = { closable: 0 }
  const limits = createLimits({
    worker: 0,
    table,
    makeRoom: () => scene.closable-- > 0,
    settings: () => ({ connections, perAddress, perCertname: 2 }),
    budget: () => ({ granted: 200, reserved: 200 - agents - upstream, upstream, agents }),
    metrics: createTrafficMetrics(new Registry()),
    now: runtime.now,
    log
  })
  return { runtime, table, limits, scene, lines, address: table.addresses.keyOf('192.0.2.7') }
}

t.test('connections of all workers count together', async t => {
  const { table, limits, address, scene } = setUp({ connections: 3 })
  table.count(0, 'open', 1)
  table.count(1, 'open', 2)
  t.equal(limits.beyond(address), undefined)
  table.count(0, 'open', 1)
  t.equal(limits.beyond(address), 'connections')
  scene.closable = 1
  t.equal(limits.beyond(address), undefined, 'one was closed for it')
})

t.test('where nobody can be closed here, another worker is asked', async t => {
  const { table, limits, address } = setUp({ connections: 1 })
  table.count(0, 'open', 2)
  t.equal(limits.beyond(address), 'connections')
  table.count(1, 'strangers', 1)
  t.equal(limits.beyond(address), undefined)
  t.equal(table.sum('asked'), 1)
  t.equal(limits.beyond(address), 'connections', 'it has been asked for all it has')
})

t.test('what the system grants bounds them when it is less', async t => {
  const { table, limits, address } = setUp({ connections: 1_000, agents: 5, upstream: 3 })
  table.count(0, 'open', 5)
  t.equal(limits.beyond(address), undefined)
  table.count(1, 'upstream', 3)
  t.equal(limits.beyond(address), undefined, 'masters have their own share')
  table.count(1, 'upstream', 1)
  t.equal(limits.beyond(address), 'descriptors', 'what they take beyond it is not there for agents')
})

t.test('agents never take what is kept for masters, and masters no more than all there is', async t => {
  const { table, limits } = setUp({ agents: 5, upstream: 3 })
  table.count(0, 'open', 5)
  table.count(0, 'upstream', 3)
  t.equal(limits.hasUpstreamRoom(), true)
  table.count(0, 'upstream', 1)
  t.equal(limits.hasUpstreamRoom(), false)
  table.count(1, 'open', -3)
  t.equal(limits.hasUpstreamRoom(), true)
})

t.test('an address is made room for by its own connections alone', async t => {
  const { table, limits, address, scene } = setUp({ perAddress: 1 })
  for (const worker of [0, 1]) table.addresses.add(worker, address)
  table.count(1, 'strangers', 1)
  t.equal(limits.beyond(address), 'perAddress')
  scene.closable = 1
  t.equal(limits.beyond(address), undefined)
})

t.test('a limit that goes on being reached is told every ten seconds, with how often it was', async t => {
  const { runtime, limits, lines } = setUp()
  for (let times = 0; times < 100; times++) limits.refused('connections')
  limits.refused('perAddress')
  t.same(
    lines.map(({ limit, refused }) => [limit, refused]),
    [
      ['connections', 1],
      ['perAddress', 1]
    ]
  )
  await runtime.advance(10_000)
  limits.refused('connections')
  t.match(lines.at(-1), { level: 'warn', limit: 'connections', refused: 100 })
})

t.test('the log says how many one address may have, and which it was', t => {
  const { table, limits, lines, address } = setUp({ perAddress: 2 })
  for (let times = 0; times < 3; times++) table.addresses.add(1, address)
  table.count(1, 'open', 5)
  limits.refused('perAddress', { remote: '192.0.2.7', address })
  t.match(lines.at(-1), { limit: 'perAddress', open: 3, most: 2, remote: '192.0.2.7' })
  t.end()
})

t.test('the log says how many one certname may have, and which it was', t => {
  const { table, limits, lines } = setUp()
  const certnameCell = table.certnames.keyOf('web-1.example.com')
  for (let times = 0; times < 3; times++) table.certnames.add(0, certnameCell)
  limits.refused('perCertname', { remote: '192.0.2.7', certname: 'web-1.example.com', certnameCell })
  t.match(lines.at(-1), { limit: 'perCertname', open: 3, most: 2, certname: 'web-1.example.com' })
  t.end()
})
