import { once } from 'node:events'
import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const HOUR_MS = 3_600_000

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const catalog = {
  method: 'POST',
  path: '/puppet/v3/catalog/agent.example.com?environment=production',
  body: 'facts=x'
}
const node = { path: '/puppet/v3/node/agent.example.com?environment=production' }
/** Agents that sleep as a `Retry-After` says, and then fail. */
const failing = ['6.14.0', '7.23.0', '8.1.0'] as const
const report = {
  method: 'PUT',
  path: '/puppet/v3/report/agent.example.com?environment=production',
  body: '{}'
}

interface Scene {
  readonly port: number
  readonly adminPort: number
  readonly masters: readonly SimulatedMaster[]
  /** An agent with a connection of its own. */
  readonly agent: () => ReturnType<typeof connectAgent>
}

async function startScene(
  t: Test,
  jrubies: readonly number[],
  overrides: Parameters<typeof testConfig>[2] = {},
  options: Parameters<typeof startBalancer>[2] = {}
): Promise<Scene> {
  const start = async (options: Parameters<typeof startSimulatedMaster>[0]) => {
    const master = await startSimulatedMaster(options)
    t.teardown(() => master.close())
    return master
  }
  const ca = await start({ name: 'ca-master', ca: pki.authority })
  const masters = await Promise.all(
    jrubies.map((count, index) => start({ name: `m${index + 1}`, jrubies: count, codeVersion: `${index}` }))
  )
  const topology = { ca: ca.url, masters: masters.map(({ name, url }) => ({ name, url })) }
  // One certname stands for many agents here.
  const access = { administrators: ['agent.example.com'] }
  const app = await startBalancer(t, testConfig(pki, topology, { access, ...overrides }), options)
  return { ...app, masters, agent: () => connectAgent(t, pki, app.port, identity) }
}

const running = (masters: readonly SimulatedMaster[]) => masters.map(master => master.running)

for (const workers of [0, 2]) {
  t.test(`masters get no more requests than they have JRubies, with ${workers} workers`, async t => {
    const { masters, agent, adminPort } = await startScene(t, [2, 1], { listen: { workers } })
    for (const master of masters) master.hold()
    const answers = Array.from({ length: 12 }, () => agent().ask(catalog))
    const waitsFor = async (depth: number) => {
      for (;;)
        if ((await scrape(adminPort)).value('puppet_lb_queue_depth', { class: 'catalog' }) === depth) return
    }
    await waitsFor(9)
    await masters[0]?.until(master => master.running === 2)
    await masters[1]?.until(master => master.running === 1)
    t.same(running(masters), [2, 1])
    t.same(
      masters.map(master => master.queued),
      [0, 0],
      'nothing waits in a master'
    )
    for (const master of masters) master.release()
    t.same(
      (await Promise.all(answers)).map(answer => answer.status),
      Array(12).fill(200)
    )
    await waitsFor(0)
    const metrics = await scrape(adminPort)
    t.equal(metrics.value('puppet_lb_capacity', { master: 'm1' }), 2)
    t.equal(metrics.value('puppet_lb_queue_seconds_count', { class: 'catalog' }), 12)
  })
}

t.test('a light request does not wait behind a compile that another master could spare it', async t => {
  const { masters, agent } = await startScene(t, [1, 1], { balance: { affinity: 'none' } })
  for (const master of masters) master.hold()
  const compile = agent().ask(catalog)
  await Promise.race(masters.map(master => master.until(({ held }) => held === 1)))
  for (let count = 0; count < 5; count++) t.equal((await agent().ask(node)).status, 200)
  for (const master of masters) master.release()
  t.equal((await compile).status, 200)
})

t.test('what needs no JRuby never waits for one', async t => {
  const { masters, agent } = await startScene(t, [1])
  masters[0]?.hold()
  const compile = agent().ask(catalog)
  await masters[0]?.until(({ held }) => held === 1)
  for (const path of [
    '/status/v1/simple',
    '/puppet-ca/v1/certificate/ca',
    '/puppet/v3/static_file_content/modules/a/b?code_id=1&environment=production'
  ]) {
    t.equal((await agent().ask({ path })).status, 200, path)
  }
  masters[0]?.release()
  await compile
})

for (const bytes of [10, 200_000]) {
  t.test(`an agent that leaves the queue never reaches a master, with a body of ${bytes} bytes`, async t => {
    const { masters, agent, adminPort } = await startScene(t, [1])
    const [master] = masters as [SimulatedMaster]
    master.hold()
    const compile = agent().ask(catalog)
    await master.until(({ held }) => held === 1)
    const impatient = agent()
    const waiting = impatient.open({ ...catalog, body: 'f'.repeat(bytes) })
    waiting.on('error', () => {})
    const depth = async () => (await scrape(adminPort)).value('puppet_lb_queue_depth', { class: 'catalog' })
    while ((await depth()) !== 1);
    waiting.destroy()
    while ((await depth()) !== 0);
    master.release()
    t.equal((await compile).status, 200)
    t.equal((await agent().ask(node)).status, 200)
    t.equal(master.requests.filter(request => request.method === 'POST').length, 1)
  })
}

t.test('of those that wait longer than the queue allows, only what comes back is told so', async t => {
  const { masters, agent, adminPort } = await startScene(t, [1], { queue: { timeoutMs: 50 } })
  masters[0]?.hold()
  const compile = agent().ask(catalog)
  await masters[0]?.until(({ held }) => held === 1)
  const modern = { 'X-Puppet-Version': '8.10.0' }
  const others = [
    catalog,
    ...[...failing, '5.3.0'].map(version => ({ ...catalog, headers: { 'X-Puppet-Version': version } })),
    { path: '/puppet/v3/file_content/modules/a/b?environment=production', headers: modern },
    { ...report, headers: modern }
  ].map(question => agent().ask(question))
  const depth = async () => (await scrape(adminPort)).sum('puppet_lb_queue_depth')
  while ((await depth()) !== others.length);
  for (const question of [node, catalog]) {
    const answer = await agent().ask({ ...question, headers: modern })
    t.equal(answer.status, 503)
    t.equal(answer.headers['x-puppet-lb-reason'], 'queue-timeout')
    t.match(answer.headers['retry-after'], /^\d+$/)
  }
  t.equal(await depth(), others.length, 'those that came before still wait')
  masters[0]?.release()
  t.same(
    (await Promise.all([compile, ...others])).map(answer => answer.status),
    [200, ...others.map(() => 200)]
  )
})

t.test('a master that says it is busy sends nobody away while another has room', async t => {
  const { masters, agent, adminPort } = await startScene(t, [2, 2], { balance: { affinity: 'none' } })
  const [busy, calm] = masters as [SimulatedMaster, SimulatedMaster]
  busy.overload(600)
  const headers = { 'X-Puppet-Version': '8.10.0' }
  const ask = () => agent().ask({ ...catalog, headers })
  for (let count = 0; count < 8; count++) t.equal((await ask()).status, 200)
  t.ok((await scrape(adminPort)).sum('puppet_lb_retries_total', { reason: 'master-busy' }) > 0)
  calm.overload(600)
  const answer = await ask()
  t.equal(answer.status, 503)
  t.equal(answer.headers['retry-after'], '600', 'when all are busy their word is passed on unchanged')
})

t.test('a file for the bucket is kept where it will be looked for, or not at all', async t => {
  const sum = 'a'.repeat(64)
  const headers = { 'Retry-After': '600' }
  const masters = await Promise.all(
    [0, 1].map(() => startScriptedMaster(t, (_request, response) => response.writeHead(503, headers).end()))
  )
  const topology = {
    ca: masters[0]?.url as string,
    masters: masters.map(({ url }, index) => ({ name: `m${index}`, url }))
  }
  const app = await startBalancer(t, testConfig(pki, topology))
  const { status, headers: answered } = await connectAgent(t, pki, app.port, identity).ask({
    method: 'PUT',
    path: `/puppet/v3/file_bucket_file/sha256/${sum}?environment=production`,
    headers: { 'x-puppet-version': '8.10.0' },
    body: 'contents'
  })
  t.same([status, answered['retry-after']], [503, '600'])
  t.equal(masters.flatMap(({ seen }) => seen).length, 1)
})

t.test('a report that a full master declines goes to another that has room', async t => {
  const { masters, agent, adminPort } = await startScene(t, [2, 2])
  const [busy, calm] = masters as [SimulatedMaster, SimulatedMaster]
  const report = {
    method: 'PUT',
    path: '/puppet/v3/report/agent.example.com?environment=production',
    body: JSON.stringify({ host: 'agent.example.com', status: 'changed' }),
    headers: { 'X-Puppet-Version': '8.10.0', 'Content-Type': 'application/json' }
  }
  const reportsAt = ({ requests }: SimulatedMaster) =>
    requests.filter(({ url }) => url === report.path).map(({ status, body }) => ({ status, body }))
  // With a compile at the calm one, the busy one is the less loaded of the two and is asked first.
  busy.overload(600)
  const body = { bytes: report.body.length }
  calm.hold()
  const compiles = [agent().ask({ ...catalog, headers: report.headers })]
  await calm.until(({ held }) => held === 1)
  const retries = async () =>
    (await scrape(adminPort)).sum('puppet_lb_retries_total', { reason: 'master-busy' })

  await t.test('with all of its body', async t => {
    const before = await retries()
    t.equal((await agent().ask(report)).status, 200)
    t.match(reportsAt(busy), [{ status: 503 }])
    t.match(reportsAt(calm), [{ status: 200, body }])
    t.equal(await retries(), before + 1)
  })
  await t.test('when all decline it their word is passed on unchanged', async t => {
    calm.overload(700)
    const { status, headers, body } = await agent().ask(report)
    t.equal(status, 503)
    t.equal(headers['x-puppet-lb-reason'], undefined)
    t.equal(headers['retry-after'], '700', 'that of the last one asked')
    t.match(body, /waiting for a JRuby instance/)
    t.same([reportsAt(busy).length, reportsAt(calm).length], [2, 2], 'each was asked once')
  })
  await t.test('and so it is when the other has no room', async t => {
    calm.calm()
    compiles.push(agent().ask({ ...catalog, headers: report.headers }))
    await calm.until(({ held }) => held === 2)
    const { status, headers } = await agent().ask(report)
    t.match([status, headers['retry-after']], [503, '600'])
    t.same([reportsAt(busy).length, reportsAt(calm).length], [3, 2], 'which is not asked')
  })
  calm.release()
  for (const { status } of await Promise.all(compiles)) t.equal(status, 200)
})

t.test('no run takes metadata from one master and content from another', async t => {
  const { port, masters } = await startScene(t, [1, 2, 1])
  const runs = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const certname = `web-${index}.example.com`
      const { chain, key } = await pki.authority.issue({ certname })
      return runAgent({
        host: '127.0.0.1',
        port,
        servername: 'puppet',
        ca: pki.authority.bundle,
        identity: { cert: chain, key },
        certname,
        files: 6
      })
    })
  )
  t.same(
    runs.map(run => run.failure),
    Array(8).fill(undefined)
  )
  for (const { requests } of runs) {
    const at = requests.findIndex(request => request.path.includes('/catalog/'))
    const mastersOf = (some: typeof requests) =>
      new Set(
        some
          .filter(request => /file_(content|metadata)/.test(request.path))
          .map(request => request.headers['x-puppet-compiler-name'])
      )
    t.equal(mastersOf(requests.slice(0, at)).size, 1, 'pluginsync is of one master')
    const files = mastersOf(requests.slice(at))
    t.same(
      [...files],
      [requests[at]?.headers['x-puppet-compiler-name']],
      'files are of the master of the catalog'
    )
  }
  t.equal(masters.filter(master => master.requestCount > 0).length, 3)
})

t.test('a master that dies gives its runs up to the others', async t => {
  const { masters, agent } = await startScene(t, [2, 2])
  const first = await agent().ask({ path: '/puppet/v3/file_metadatas/plugins?environment=production' })
  const home = masters.find(({ name }) => name === first.headers['x-puppet-compiler-name'])
  await home?.kill()
  const second = await agent().ask({ path: '/puppet/v3/file_metadatas/plugins?environment=production' })
  t.equal(second.status, 200)
  t.not(second.headers['x-puppet-compiler-name'], home?.name)
})

t.test(
  'when the queue would take too long, agents that begin are told when to come back, and no others',
  async t => {
    const { masters, agent, adminPort } = await startScene(t, [1], { queue: { shedAboveMs: 0 } })
    const [master] = masters as [SimulatedMaster]
    const modern = { 'X-Puppet-Version': '8.10.0' }
    t.equal((await agent().ask(catalog)).status, 200)
    master.hold()
    const compiling = agent().ask(catalog)
    // Of two workers the other one may be first, and what is no catalog would be served and not wait.
    await master.until(({ held }) => held === 1)
    const old = ['4.10.0', ...failing].map(version =>
      agent().ask({ ...catalog, headers: { 'X-Puppet-Version': version } })
    )
    const file = agent().ask({
      path: '/puppet/v3/file_content/modules/a/b?environment=production',
      headers: modern
    })
    const lastly = agent().ask({ ...report, headers: modern })
    const depth = async () => {
      const metrics = await scrape(adminPort)
      return metrics.sum('puppet_lb_queue_depth')
    }
    while ((await depth()) !== old.length + 2);
    for (const question of [node, catalog]) {
      const answer = await agent().ask({ ...question, headers: modern })
      t.equal(answer.status, 503)
      t.equal(answer.headers['x-puppet-lb-reason'], 'overloaded')
      t.match(answer.headers['retry-after'], /^\d+$/)
    }
    t.equal((await scrape(adminPort)).value('puppet_lb_shed_total', { reason: 'overloaded' }), 2)
    master.release()
    t.same(
      (await Promise.all([compiling, file, lastly, ...old])).map(answer => answer.status),
      [200, 200, 200, ...old.map(() => 200)]
    )
  }
)

t.test('agents that are sent away come back spread over the time that they and the queue need', async t => {
  const COMPILE_S = 60
  const WAITING = 4
  const runtime = fakeRuntime()
  const { masters, agent, adminPort, port } = await startScene(
    t,
    [1],
    { health: { intervalMs: HOUR_MS }, queue: { timeoutMs: HOUR_MS, shedAboveMs: 120_000 } },
    { runtime }
  )
  const [master] = masters as [SimulatedMaster]
  master.hold()
  const first = agent().ask(catalog)
  await master.until(({ held }) => held === 1)
  await runtime.advance(COMPILE_S * 1000)
  master.release(1)
  t.equal((await first).status, 200)
  // One is compiled and the others wait, each for as long as the first one took.
  const queue = Array.from({ length: 1 + WAITING }, () => agent().ask(catalog))
  while ((await scrape(adminPort)).value('puppet_lb_queue_depth', { class: 'catalog' }) !== WAITING);
  const delays: number[] = []
  for (let count = 0; count < 10; count++) {
    const another = await pki.authority.issue({ certname: `agent${count}.example.com` })
    const { headers } = await connectAgent(t, pki, port, another).ask({
      ...node,
      headers: { 'X-Puppet-Version': '8.10.0' }
    })
    t.equal(headers['x-puppet-lb-reason'], 'overloaded')
    t.match(headers['retry-after'], /^\d+$/, 'agents fail at a fraction')
    delays.push(Number(headers['retry-after']))
  }
  const turns = delays.map((_, index) => (WAITING + 1 + index) * COMPILE_S)
  t.same(delays, turns, 'each behind those who wait and those sent away before')
  master.release()
  for (const { status } of await Promise.all(queue)) t.equal(status, 200)
})

t.test('a master that comes back begins with one request at a time', async t => {
  const { masters, agent, adminPort } = await startScene(t, [4], {
    health: { intervalMs: 50, timeoutMs: 50, rise: 1, fall: 1 }
  })
  const [master] = masters as [SimulatedMaster]
  const up = async () => (await scrape(adminPort)).value('puppet_lb_master_up', { master: 'm1' })
  await master.kill()
  while ((await up()) !== 0);
  await master.restart()
  while ((await up()) !== 1);
  master.hold()
  const answers = Array.from({ length: 4 }, () => agent().ask(catalog))
  const running: number[] = []
  for (let done = 0; done < 4; done++) {
    const expected = Math.min(done + 1, 4 - done)
    await master.until(({ held }) => held >= expected)
    running.push(master.held)
    master.release(1)
    await master.until(({ held }) => held < running.length + 1)
  }
  t.equal(running[0], 1)
  t.ok(Math.max(...running) > 1, 'and takes more as it completes them')
  t.same(
    (await Promise.all(answers)).map(answer => answer.status),
    [200, 200, 200, 200]
  )
})

t.test('a file for the filebucket waits for its own master, however much room others have', async t => {
  const { masters, agent, adminPort } = await startScene(t, [1, 1], { balance: { affinity: 'none' } })
  const file = { path: `/puppet/v3/file_bucket_file/md5/${'a'.repeat(32)}?environment=production` }
  const asked = () => masters.map(({ requests }) => requests.filter(({ url }) => url === file.path).length)
  await agent().ask(file)
  const at = asked().indexOf(1)
  const own = masters[at] as SimulatedMaster
  for (const master of masters) master.hold()
  const held = [agent().ask(catalog), agent().ask(catalog)]
  await Promise.all(masters.map(master => master.until(each => each.held === 1)))
  const waiting = agent().ask(file)
  while ((await scrape(adminPort)).value('puppet_lb_queue_depth', { class: 'light' }) !== 1);
  for (const master of masters) if (master !== own) master.release()
  await Promise.race(held)
  own.release()
  await waiting
  await Promise.all(held)
  t.equal(asked()[at], 2)
})

t.test('a master that has begun to answer has its JRuby back, however slowly the answer is read', async t => {
  const master = await startScriptedMaster(
    t,
    ({ url }, response) => {
      if (url?.includes('large')) response.write('the beginning')
      else response.end('{}')
    },
    { jrubies: 1 }
  )
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const slow = connectAgent(t, pki, app.port, identity).open({
    path: '/puppet/v3/file_content/modules/a/large?environment=production'
  })
  slow.on('error', () => {})
  const [answer] = await once(slow, 'response')
  t.equal((await connectAgent(t, pki, app.port, identity).ask(node)).status, 200)
  t.notOk(answer.complete)
})
