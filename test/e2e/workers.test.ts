import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { startApp } from '../../src/app.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { type Scrape, scrape } from '../support/metrics.ts'
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
/** Each agent is another one. */
const identities = await Promise.all(
  Array.from({ length: 12 }, (_, index) => pki.authority.issue({ certname: `agent${index}.example.com` }))
)
let connected = 0
const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const node = get('/puppet/v3/node/a.example.com')
const compile = get('/puppet/v3/catalog/a.example.com')

type Test = { teardown: (task: () => unknown) => void }

/** New connections until each worker has `count`; which one it is, an answer of its own tells. */
async function connectTo(
  t: Test,
  port: number,
  workers: readonly string[],
  count: number
): Promise<Map<string, RawAgent[]>> {
  const found = new Map<string, RawAgent[]>(workers.map(worker => [worker, []]))
  while (workers.some(worker => (found.get(worker)?.length ?? 0) < count)) {
    const agent = await connectRawAgent(t, pki, port, identities[connected++ % identities.length])
    agent.send(get('/puppet-admin-api/v1/x'))
    const [, worker = ''] =
      /Request \w+-(\d+)-/.exec(await agent.until(text => /Request [\w-]+$/.test(text))) ?? []
    agent.forget()
    found.get(worker)?.push(agent)
  }
  return found
}

t.test('two workers share the port, and one that dies takes nothing of the other with it', async t => {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (request, response) => {
    if (request.url?.includes('catalog')) held.push(response)
    else response.end('{}')
  })
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } },
    { nodeOptions: ['--import', crashModule] }
  )

  const metrics = () => scrape(balancer.adminPort)
  const inFlight = (now: Scrape) => now.value('puppet_lb_in_flight', { master: 'm1' })

  const agents = await connectTo(t, balancer.port, ['0', '1'], 3)
  const [dying = [], staying = []] = [agents.get('0'), agents.get('1')]
  const [crasher, ...waiting] = dying as [RawAgent, ...RawAgent[]]
  const [asker, ...compiling] = staying as [RawAgent, ...RawAgent[]]
  for (const agent of [...waiting, ...compiling]) agent.send(compile)
  await master.until(() => held.length === waiting.length + compiling.length)
  const before = await metrics()
  t.equal(inFlight(before), held.length)

  crasher.send(get('/crash'))
  await balancer.line({
    msg: 'a worker thread died; it is replaced',
    worker: 0,
    cause: 'a test made it crash'
  })

  await t.test('its agents’ connections end, the other’s go on', async t => {
    await Promise.all(dying.map(agent => agent.end))
    asker.send(node)
    t.match(await asker.until('{}'), /^HTTP\/1\.1 200 /)
    t.notOk(compiling.some(({ socket }) => socket.destroyed))
  })
  await t.test('what it had open is no longer counted', async t => {
    t.equal(inFlight(await metrics()), compiling.length)
  })
  await t.test('no counter goes backwards', async t => {
    const after = await metrics()
    const counters = [...before.text.matchAll(/^(puppet_lb_\w+_(?:total|count|sum|bucket))/gm)].map(
      each => each[1]
    )
    for (const name of new Set(counters)) {
      t.ok(after.sum(name as string) >= before.sum(name as string), name as string)
    }
    const refused = { class: 'admin', code: '403' }
    const name = 'puppet_lb_requests_total'
    t.ok(before.sum(name, refused) >= 6)
    t.equal(after.sum(name, refused), before.sum(name, refused))
  })
  await t.test('another one takes its place', async t => {
    await balancer.line({ msg: 'a worker thread is replaced', worker: 0 })
    const [agent] = (await connectTo(t, balancer.port, ['0'], 1)).get('0') as [RawAgent]
    agent.send(node)
    t.match(await agent.until('{}'), /^HTTP\/1\.1 200 /)
    t.equal((await fetch(`http://127.0.0.1:${balancer.adminPort}/readyz`)).status, 200)
  })
  await t.test('the other’s compiles come to their end', async t => {
    for (const response of held) response.end('{"catalog":1}')
    for (const agent of compiling) t.match(await agent.until('{"catalog":1}'), /^HTTP\/1\.1 200 /)
    t.equal(inFlight(await metrics()), 0)
  })
})

t.test('the JRuby of a worker that dies goes to a request that waits in another', async t => {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(
    t,
    (request, response) => {
      if (request.url?.includes('catalog')) held.push(response)
      else response.end('{}')
    },
    { jrubies: 1 }
  )
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } },
    { nodeOptions: ['--import', crashModule] }
  )
  const agents = await connectTo(t, balancer.port, ['0', '1'], 2)
  const [compiler, crasher] = agents.get('0') as [RawAgent, RawAgent]
  const [asker] = agents.get('1') as [RawAgent]
  compiler.send(compile)
  await master.until(() => held.length === 1)
  asker.send(node)
  const waiting = async () =>
    (await scrape(balancer.adminPort)).value('puppet_lb_queue_depth', { class: 'light' })
  while ((await waiting()) !== 1);
  t.equal(master.seen.length, 1)
  crasher.send(get('/crash'))
  t.match(await asker.until('{}'), /^HTTP\/1\.1 200 /)
  t.equal(await waiting(), 0, 'nor does anything of it wait any more')
})

t.test('those who wait for masters to come back lose their places with their worker', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } },
    { nodeOptions: ['--import', crashModule] }
  )
  const agents = await connectTo(t, balancer.port, ['0', '1'], 2)
  const [waits, crasher] = agents.get('0') as [RawAgent, RawAgent]
  const [waitsElsewhere] = agents.get('1') as [RawAgent]
  await master.kill()
  for (const agent of [waits, waitsElsewhere]) agent.send(compile)
  const depth = async () => (await scrape(balancer.adminPort)).sum('puppet_lb_queue_depth')
  while ((await depth()) !== 2);
  crasher.send(get('/crash'))
  await balancer.line({ msg: 'a worker thread is replaced', worker: 0 })
  t.equal(await depth(), 1)
  await waits.end
  t.notOk(waitsElsewhere.socket.destroyed)
})

for (const workers of [0, 2]) {
  t.test(`a port that somebody else has is told as such, with ${workers} workers`, async t => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    t.teardown(() => squatter.close())
    const { port } = squatter.address() as AddressInfo
    const master = await startScriptedMaster(t, (_request, response) => response.end())
    const config = testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { port, workers } }
    )
    await t.rejects(startApp(config), { code: 'EADDRINUSE' })
  })
}
