import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Master } from '../../src/model/master.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { UpstreamSettings } from '../../src/model/settings.ts'
import type { Descriptors } from '../../src/upstream/connector.ts'
import { createPools, type Pools } from '../../src/upstream/pools.ts'
import { masters } from '../support/masters.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const settings: UpstreamSettings = {
  tls: { ca: undefined, client: undefined, serverName: undefined, verify: true },
  connectTimeoutMs: 5_000,
  headerLimitBytes: 8_192,
  responseTimeoutMs: 5_000
}

/** The same in another object, as a reload brings it. */
const same = (): UpstreamSettings => structuredClone(settings)
const changed: UpstreamSettings = { ...settings, responseTimeoutMs: 6_000 }

const plenty: Descriptors = { take: () => true, giveBack() {} }

function poolsFor(t: Test, descriptors = plenty): Pools {
  const pools = createPools(settings, descriptors, systemRuntime)
  t.teardown(() => pools.destroy())
  return pools
}

/** A master that answers at once, but holds back what is asked for at `/slow`, and two pools' members. */
async function setUp(t: Test) {
  const held: ServerResponse[] = []
  const server = await startScriptedMaster(t, (request, response) => {
    if (request.url === '/slow') held.push(response)
    else response.end('quick')
  })
  const [master, other] = masters({ m1: { url: server.url }, m2: { url: server.url } }) as [Master, Master]
  const pools = poolsFor(t)
  const ask = async (path: string, of = master) => {
    const answer = await pools.of(of).pool.request({ path, method: 'GET' })
    const body = await text(answer.body)
    // undici takes a connection for free again in the next turn of the event loop.
    await setImmediate()
    return body
  }
  const connections = () => server.seen.map(({ connection }) => connection)
  return { server, held, pools, master, other, ask, connections }
}

t.test('requests to a master one after the other share its connection', async t => {
  const { pools, master, ask, connections } = await setUp(t)
  t.equal(pools.of(master), pools.of(master))
  await ask('/a')
  await ask('/b')
  t.same(connections(), [0, 0])
})

t.test('settings that say the same keep the connections', async t => {
  const { pools, ask, connections } = await setUp(t)
  await ask('/a')
  pools.configure(same())
  await ask('/b')
  t.same(connections(), [0, 0])
})

t.test('settings that have changed make new connections, and the old ones are given up', async t => {
  const { pools, server, ask, connections } = await setUp(t)
  await ask('/a')
  pools.configure(changed)
  await ask('/b')
  t.same(connections(), [0, 1])
  await server.until(({ connections }) => connections() === 1)
  pools.configure(structuredClone(changed))
  await ask('/c')
  t.same(connections(), [0, 1, 1])
})

t.test('a request under way when settings change ends well on its old connection', async t => {
  const { pools, server, held, ask } = await setUp(t)
  const slow = ask('/slow')
  await server.until(({ seen }) => seen.length === 1)
  pools.configure(changed)
  t.equal(await ask('/a'), 'quick')
  held[0]?.write('all is ')
  held[0]?.end('well')
  t.equal(await slow, 'all is well')
  await server.until(({ connections }) => connections() === 1)
})

t.test('who is no member any more loses its connections, once its last request has ended', async t => {
  const { pools, server, held, master, other, ask } = await setUp(t)
  const slow = ask('/slow')
  await server.until(({ seen }) => seen.length === 1)
  await ask('/a', other)
  t.equal(server.connections(), 2)
  pools.retain([other])
  held[0]?.end('late')
  t.equal(await slow, 'late')
  await server.until(({ connections }) => connections() === 1)
  t.equal(await ask('/b', other), 'quick')
  t.equal(server.seen.at(-1)?.connection, 1, 'and the others keep theirs')
  t.equal(await ask('/c', master), 'quick', 'one that is asked all the same is reached')
})

t.test('who comes back as another one, at another place, is reached there', async t => {
  const { pools, master, ask } = await setUp(t)
  const elsewhere = await startScriptedMaster(t, (_request, response) => response.end('elsewhere'))
  await ask('/a')
  const successor = { ...master, id: master.id + 256, url: elsewhere.url }
  pools.retain([successor])
  t.equal(await ask('/b', successor), 'elsewhere')
})

t.test('the end cuts everything, also what was to end in peace', async t => {
  const { pools, server, ask } = await setUp(t)
  const slow = ask('/slow')
  await server.until(({ seen }) => seen.length === 1)
  pools.configure(changed)
  const slower = ask('/slow')
  await server.until(({ seen }) => seen.length === 2)
  await Promise.all([t.rejects(slow), t.rejects(slower), pools.destroy()])
  await server.until(({ connections }) => connections() === 0)
})

t.test('a master is told its own name, with the port that its URL has', async t => {
  const pools = poolsFor(t)
  const [plain, bare, tls] = masters({
    plain: { url: 'http://m1.example.com:8140' },
    bare: { url: 'https://m2.example.com' },
    tls: { url: 'https://m3.example.com:8140' }
  }) as [Master, Master, Master]
  t.same(
    [plain, bare, tls].map(master => pools.of(master).host),
    ['m1.example.com:8140', 'm2.example.com', 'm3.example.com:8140']
  )
  pools.configure({ ...settings, tls: { ...settings.tls, serverName: 'puppet' } })
  t.same(
    [plain, bare, tls].map(master => pools.of(master).host),
    ['m1.example.com:8140', 'puppet', 'puppet:8140'],
    'where TLS expects another name, that one'
  )
})

t.test('each connection takes a descriptor and gives it back, and without one none is made', async t => {
  const server = await startScriptedMaster(t, (_request, response) => response.end('quick'))
  const [here, nowhere] = masters({ m1: { url: server.url }, m2: { url: 'http://127.0.0.1:1' } }) as [
    Master,
    Master
  ]
  let left = 1
  const pools = poolsFor(t, { take: () => left > 0 && left-- > 0, giveBack: () => left++ })
  const ask = (master: Master) => pools.of(master).pool.request({ path: '/', method: 'GET' })
  await t.rejects(ask(nowhere), { code: 'ECONNREFUSED' })
  t.equal(left, 1, 'one that failed keeps none')
  await text((await ask(here)).body)
  t.equal(left, 0)
  await t.rejects(ask(nowhere), { code: 'EMFILE' })
  await pools.destroy()
  await server.until(({ connections }) => connections() === 0)
  t.equal(left, 1)
})

t.test('a master that has lost an address is reached on new connections only', async t => {
  const { pools, master, server, ask, connections } = await setUp(t)
  await ask('/a')
  pools.retain([{ ...master, addresses: [...master.addresses, '127.0.0.2'] }])
  await ask('/b')
  t.same(connections(), [0, 0], 'one more does not matter')
  const moved = { ...master, addresses: ['127.0.0.1'] }
  pools.retain([moved])
  await server.until(({ connections }) => connections() === 0)
  await ask('/c', moved)
  t.same(connections(), [0, 0, 1])
})

t.test('what is under way at an address that is gone ends in peace', async t => {
  const { pools, master, server, held, ask } = await setUp(t)
  const slow = ask('/slow')
  await server.until(({ seen }) => seen.length === 1)
  pools.retain([{ ...master, addresses: ['127.0.0.2'] }])
  held[0]?.end('slow')
  t.equal(await slow, 'slow')
})
