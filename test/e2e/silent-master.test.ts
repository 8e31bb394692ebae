import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent, type Question } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startMasterProcess } from '../support/master-process.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const INTERVAL_MS = 1_000
const pki = await createTestPki()
const tls = { cert: pki.server.chain, key: pki.server.key }
const catalogOf = (certname: string, more = ''): Question => ({
  method: 'POST',
  path: `/puppet/v3/catalog/${certname}?environment=production`,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: `environment=production&facts_format=application%2Fjson&facts=%7B%22name%22%3A%22${certname}%22%7D${more && `&more=${more}`}`
})
const nodeOf = (certname: string): Question => ({
  path: `/puppet/v3/node/${certname}?environment=production`
})
/** As some whole machines have. */
const largeFacts = 'x'.repeat(3_000_000)
const reportOf = (certname: string): Question => ({
  method: 'PUT',
  path: `/puppet/v3/report/${certname}?environment=production`,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ host: certname })
})

/** Two masters, of whom the first gets everything while it is up; the second and the CA cannot be frozen. */
async function startScene(t: Test, isSecure: boolean, { lightMs = 0 } = {}) {
  const options = isSecure ? { tls } : {}
  const [first, second] = await Promise.all([
    startMasterProcess(t, { name: 'first', ...options, lightMs }),
    startSimulatedMaster({ name: 'second', ...options })
  ])
  t.teardown(second.close)
  const masters = [first, second].map(({ name, url }, priority) => ({ name, url, priority }))
  return { first, second, ...(await startWatching(t, { ca: second.url, masters })) }
}

async function startWatching(t: Test, topology: Parameters<typeof testConfig>[1]) {
  const health = { intervalMs: INTERVAL_MS, timeoutMs: 0.6 * INTERVAL_MS, rise: 2, fall: 3 }
  const app = await startBalancer(t, testConfig(pki, topology, { health }))
  const events = await followEvents(t, app.adminPort)
  const agent = async (certname: string) =>
    connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
  return { app, agent, events }
}

/** Waits for events of the balancer: their kinds with their master. */
async function followEvents(t: Test, adminPort: number) {
  const abort = new AbortController()
  t.teardown(() => abort.abort())
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/events`, { signal: abort.signal })
  const seen: { kind: string; master?: string; text: string }[] = []
  const looks = new Set<() => void>()
  const read = async () => {
    let text = ''
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk)
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data:')) seen.push(JSON.parse(line.slice(5)))
      for (const look of looks) look()
    }
  }
  read().catch(() => {}) // It ends with the test.
  return {
    seen,
    until(kind: string, master: string, count = 1) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (seen.filter(each => each.kind === kind && each.master === master).length >= count) resolve()
      }
      looks.add(look)
      look()
      return promise.finally(() => looks.delete(look))
    }
  }
}

const stateOf = async (adminPort: number, name: string) => {
  const masters = (await (await fetch(`http://127.0.0.1:${adminPort}/api/masters`)).json()) as {
    name: string
    state: string
    cause: string | null
  }[]
  return masters.find(each => each.name === name)
}

for (const isSecure of [true, false]) {
  t.test(`a master that freezes, over ${isSecure ? 'TLS' : 'plain HTTP'}`, async t => {
    const { app, first, second, agent, events } = await startScene(t, isSecure, { lightMs: 2_000 })
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(name => agent(`${name}.example.com`)))
    await first.hold()
    const catalog = a?.ask(catalogOf('a.example.com', largeFacts))
    const node = b?.ask(nodeOf('b.example.com'))
    const report = c?.ask(reportOf('c.example.com'))
    await Promise.all([first.untilHeld(1), first.untilRequested('/node/'), first.untilRequested('/report/')])
    first.freeze()
    const frozenAtMs = performance.now()

    await t.test('is called silent within three intervals, and why', async t => {
      await events.until('master-silent', 'first')
      t.ok(performance.now() - frozenAtMs < 3 * INTERVAL_MS, `${performance.now() - frozenAtMs} ms`)
      t.match(await stateOf(app.adminPort, 'first'), { state: 'silent', cause: /in time/ })
    })

    await t.test('keeps no run waiting for its report, which only the log of its agent misses', async t => {
      t.match(await report, { status: 504, headers: { 'retry-after': undefined } })
    })

    await t.test('loses what may be repeated to another master', async t => {
      for (const answer of await Promise.all([catalog, node])) {
        t.equal(answer?.status, 200)
        t.equal(answer?.headers['x-puppet-compiler-name'], 'second')
      }
      const metrics = await scrape(app.adminPort)
      t.equal(metrics.value('puppet_lb_retries_total', { reason: 'master-silent' }), 2)
    })

    await t.test('gets nothing new, neither of new runs nor of those pinned to it', async t => {
      for (const question of [nodeOf('a.example.com'), catalogOf('a.example.com')]) {
        const answer = await a?.ask(question)
        t.equal(answer?.headers['x-puppet-compiler-name'], 'second')
      }
    })

    await t.test('stays charged with what it works on', async t => {
      const metrics = await scrape(app.adminPort)
      t.equal(metrics.value('puppet_lb_in_flight', { master: 'first' }), 3)
    })

    await t.test('comes back by its probes', async t => {
      first.thaw()
      await events.until('master-up', 'first', 2)
      t.match(await stateOf(app.adminPort, 'first'), { state: 'up', cause: null })
    })

    await t.test('was asked everything once, and the other one no report', async t => {
      t.equal((await first.requests()).length, 3)
      t.notOk(second.requests.some(({ url }) => url.includes('/report/')))
    })

    await t.test('is free once it has ended what nobody waits for', async t => {
      await first.release()
      const inFlight = async () =>
        (await scrape(app.adminPort)).value('puppet_lb_in_flight', { master: 'first' })
      while ((await inFlight()) !== 0);
      const answer = await a?.ask(catalogOf('a.example.com'))
      t.equal(answer?.status, 200)
    })
  })
}

t.test(
  'a frozen master that goes into maintenance before it is called silent keeps nobody waiting',
  async t => {
    const { app, first, second, agent, events } = await startScene(t, true, { lightMs: 60_000 })
    const [a, b] = await Promise.all(['a', 'b'].map(name => agent(`${name}.example.com`)))
    await first.hold()
    const catalog = a?.ask(catalogOf('a.example.com'))
    const report = b?.ask(reportOf('b.example.com'))
    await Promise.all([first.untilHeld(1), first.untilRequested('/report/')])
    first.freeze()
    const operator = operatorOf(app)
    t.equal((await operator.run('maint', 'first', '--wait', '--timeout', '30s')).code, 0)
    t.match(await catalog, { status: 200, headers: { 'x-puppet-compiler-name': 'second' } })
    t.match(await report, { status: 504, headers: { 'retry-after': undefined } })
    t.notOk(events.seen.some(({ kind }) => kind === 'master-silent'))
    t.notOk(second.requests.some(({ url }) => url.includes('/report/')))
    t.match(await operator.master('first'), { mode: 'maint', cause: 'in maintenance' })
    first.thaw()
    t.equal((await operator.run('undrain', 'first', '--wait', '--timeout', '30s')).code, 0)
  }
)

t.test('a CA that freezes is silent, and what it has is not asked again', async t => {
  const master = await startSimulatedMaster({ name: 'm1' })
  t.teardown(master.close)
  const ca = await startMasterProcess(t, { name: 'ca', isCa: true })
  const topology = { ca: ca.url, masters: [{ name: 'm1', url: master.url }] }
  const { app, agent, events } = await startWatching(t, topology)
  const a = await agent('a.example.com')
  ca.freeze()
  const answer = a.ask({ path: '/puppet-ca/v1/certificate/ca' })
  await events.until('master-silent', 'ca')
  const status = (await (await fetch(`http://127.0.0.1:${app.adminPort}/api/status`)).json()) as {
    ca: { state: string }
  }
  t.equal(status.ca.state, 'silent')
  ca.thaw()
  t.equal((await answer).status, 200)
  const asked = await ca.requests()
  t.equal(asked.filter(each => each.includes('/certificate/ca')).length, 1)
})

t.test('a master that shakes hands and answers nothing any more loses what may be repeated', async t => {
  let isHung = false
  const first = await startScriptedMaster(
    t,
    ({ url }, response) => {
      if (!isHung && url === '/alive') response.end('well')
    },
    { tls: pki.server }
  )
  const second = await startScriptedMaster(t, (_request, response) => response.end('second'), {
    tls: pki.server
  })
  const masters = [first, second].map(({ url }, priority) => ({ name: `m${priority}`, url, priority }))
  const health = {
    path: '/alive',
    intervalMs: 0.6 * INTERVAL_MS,
    timeoutMs: 0.6 * INTERVAL_MS,
    rise: 2,
    fall: 3
  }
  const app = await startBalancer(t, testConfig(pki, { ca: second.url, masters }, { health }))
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async name =>
      connectAgent(t, pki, app.port, await pki.authority.issue({ certname: `${name}.example.com` }))
    )
  )
  const catalog = a?.ask(catalogOf('a.example.com'))
  b?.open(reportOf('b.example.com')).on('error', () => {})
  const isAsked = (words: string) => first.seen.some(({ url }) => url.includes(words))
  await first.until(() => isAsked('/catalog/') && isAsked('/report/'))
  isHung = true
  t.match(await catalog, { status: 200, body: 'second' })
  t.match(await stateOf(app.adminPort, 'm0'), { state: 'down', cause: /did not answer in time/ })
  t.notOk(second.seen.some(({ url }) => url.includes('/report/')))
})

t.test('a master that freezes in the middle of a large report gets the rest of it when it thaws', async t => {
  let isFrozen = false
  const thawed = Promise.withResolvers<void>()
  const stored = Promise.withResolvers<number>()
  const first = await startScriptedMaster(t, async (request, response) => {
    if (request.url === '/alive') {
      if (!isFrozen) response.end('well')
      return
    }
    await thawed.promise
    stored.resolve((await buffer(request)).length)
    response.end('[]')
  })
  const second = await startScriptedMaster(t, (_request, response) => response.end('second'))
  const masters = [first, second].map(({ url }, priority) => ({ name: `m${priority}`, url, priority }))
  const health = { path: '/alive', intervalMs: 200, timeoutMs: 200, rise: 2, fall: 3 }
  const app = await startBalancer(t, testConfig(pki, { ca: second.url, masters }, { health }))
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'a.example.com' }))
  const body = Buffer.alloc(6_000_000, 'what happened ')
  const report = agent.ask({ ...reportOf('a.example.com'), body })
  await first.until(({ seen }) => seen.some(({ url }) => url.includes('/report/')))
  isFrozen = true
  t.equal((await report).status, 504)
  isFrozen = false
  thawed.resolve()
  t.equal(await stored.promise, body.length)
  const inFlight = async () => (await scrape(app.adminPort)).value('puppet_lb_in_flight', { master: 'm0' })
  while ((await inFlight()) !== 0);
  t.notOk(second.seen.some(({ url }) => url.includes('/report/')))
})

t.test('one that is merely full stays', async t => {
  const first = await startSimulatedMaster({ name: 'first', tls })
  const second = await startSimulatedMaster({ name: 'second', tls })
  for (const each of [first, second]) t.teardown(each.close)
  const masters = [first, second].map(({ name, url }, priority) => ({ name, url, priority }))
  const { agent, events } = await startWatching(t, { ca: second.url, masters })
  first.hold()
  const agents = await Promise.all(['a', 'b', 'c', 'd'].map(name => agent(`${name}.example.com`)))
  const catalogs = agents.map((each, index) => each.ask(catalogOf(`${'abcd'[index]}.example.com`)))
  await first.until(({ held }) => held === 4)
  const probes = () => first.requests.filter(({ url }) => url === '/status/v1/simple').length
  const before = probes()
  await first.until(() => probes() >= before + 4)
  t.notOk(events.seen.some(({ kind }) => kind === 'master-silent' || kind === 'master-down'))
  first.release()
  for (const answer of await Promise.all(catalogs)) t.equal(answer.headers['x-puppet-compiler-name'], 'first')
})
