import t from 'tap'
import { masterStates } from '../../src/model/master.ts'
import type { PolicyName } from '../../src/model/settings.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { ask as askMaster, identityHeaders } from '../simulation/ask.ts'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { probeRounds } from '../support/probe-rounds.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void; equal: typeof t.equal }
type Wanted = Readonly<Record<string, { readonly weight?: number; readonly priority?: number }>>

const HOUR_MS = 3_600_000
const pki = await createTestPki()
const node = '/puppet/v3/node/a.example.com'
/** Stands for many agents, each of which asks for one thing. */
const many = await pki.authority.issue({ certname: 'many.example.com' })
const access = { administrators: ['many.example.com', 'a.example.com'] }

async function startMasters(t: Test, wanted: Wanted) {
  const masters: Record<string, ScriptedMaster> = {}
  for (const name of Object.keys(wanted)) {
    masters[name] = await startScriptedMaster(t, (_request, response) => response.end(name))
  }
  const [any] = Object.values(masters)
  const topology = {
    ca: any?.url ?? '',
    masters: Object.entries(wanted).map(([name, of]) => ({ name, url: masters[name]?.url ?? '', ...of }))
  }
  const shares = () =>
    Object.fromEntries(Object.entries(masters).map(([name, { seen }]) => [name, seen.length]))
  return { masters: masters as Readonly<Record<string, ScriptedMaster>>, topology, shares }
}

/** Asks `count` times over these agents, each one question after the other. Every answer must be 200. */
async function askAll(agents: readonly TestAgent[], count: number): Promise<void> {
  let left = count
  await Promise.all(
    agents.map(async agent => {
      while (left-- > 0) {
        const { status } = await agent.ask({ path: node })
        if (status !== 200) throw new Error(`answered ${status}`)
      }
    })
  )
}

for (const workers of [0, 2]) {
  t.test(`round-robin deals 1,000 requests out by weight, with ${workers} workers`, async t => {
    const { topology, shares } = await startMasters(t, {
      a: { weight: 75 },
      b: { weight: 25 },
      c: { priority: 1 }
    })
    const app = await startBalancer(
      t,
      testConfig(pki, topology, {
        listen: { workers },
        balance: { policy: 'round-robin', affinity: 'none' },
        access
      })
    )
    const agents = Array.from({ length: 8 }, () => connectAgent(t, pki, app.port, many))
    await askAll(agents, 1000)
    const { a = 0, b = 0, c } = shares()
    t.ok(Math.abs(a - 750) <= 10, `${a} for 75 %`)
    t.ok(Math.abs(b - 250) <= 10, `${b} for 25 %`)
    t.equal(c, 0, 'the next tier has its rest')
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.sum('puppet_lb_requests_total', { master: 'a', code: '200' }), a)
    t.equal(metrics.sum('puppet_lb_requests_total', { code: '200' }), 1000)
  })
}

t.test('least-loaded gives a request to the master with the fewest open ones for its weight', async t => {
  const held: (() => void)[] = []
  const hold = await Promise.all(
    ['a', 'b'].map(name =>
      startScriptedMaster(t, (_request, response) => void held.push(() => response.end(name)))
    )
  )
  const [a, b] = hold as [ScriptedMaster, ScriptedMaster]
  const masters = [
    { name: 'a', url: a.url, weight: 3 },
    { name: 'b', url: b.url, weight: 1 }
  ]
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: a.url, masters }, { access, balance: { affinity: 'none' } })
  )
  const answers: Promise<unknown>[] = []
  for (let count = 1; count <= 8; count++) {
    answers.push(connectAgent(t, pki, app.port, many).ask({ path: node }))
    await Promise.any([
      a.until(() => a.seen.length + b.seen.length === count),
      b.until(() => a.seen.length + b.seen.length === count)
    ])
  }
  t.same([a.seen.length, b.seen.length], [6, 2])
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_in_flight', { master: 'a' }), 6)
  t.equal(metrics.value('puppet_lb_in_flight', { master: 'b' }), 2)
  for (const release of held) release()
  await Promise.all(answers)
  t.equal((await scrape(app.adminPort)).sum('puppet_lb_in_flight'), 0)
})

/**
 * Two simulated masters behind a balancer, and the numbers of `count` compiles they have when these came one after
 * the other and none has ended. `foreign`: compiles that the first one does for somebody else meanwhile.
 */
async function shareCompiles(
  t: Test,
  wanted: readonly { readonly jrubies: number; readonly weight?: number }[],
  { count, foreign = 0 }: { readonly count: number; readonly foreign?: number }
): Promise<number[]> {
  const started = await Promise.all(
    wanted.map(async ({ jrubies }, index) => {
      const master = await startSimulatedMaster({ name: `m${index + 1}`, jrubies })
      t.teardown(() => master.close())
      master.hold()
      return master
    })
  )
  const [first] = started as [SimulatedMaster]
  const certname = 'a.example.com'
  const compile = { method: 'POST', body: 'facts=x' }
  const path = `/puppet/v3/catalog/${certname}?environment=production`
  const headers = identityHeaders(certname)
  const answers: Promise<{ readonly status: number }>[] = Array.from({ length: foreign }, () =>
    askMaster(first, path, { ...compile, headers })
  )
  await first.until(({ held }) => held === foreign)
  const masters = started.map(({ name, url }, index) => ({ name, url, weight: wanted[index]?.weight ?? 1 }))
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: first.url, masters }, { access, health: { intervalMs: HOUR_MS } })
  )
  const identity = await pki.authority.issue({ certname })
  const total = () => started.reduce((sum, { held }) => sum + held, 0)
  for (let asked = 1; asked <= count; asked++) {
    answers.push(connectAgent(t, pki, app.port, identity).ask({ ...compile, path }))
    await Promise.race(started.map(master => master.until(() => total() === foreign + asked)))
  }
  const shares = started.map(({ held }, index) => held - (index === 0 ? foreign : 0))
  for (const master of started) master.release()
  for (const { status } of await Promise.all(answers)) t.equal(status, 200)
  return shares
}

t.test('least-loaded gives a master with twice the JRubies twice the requests', async t => {
  t.same(await shareCompiles(t, [{ jrubies: 8 }, { jrubies: 4 }], { count: 6 }), [4, 2])
})

t.test('least-loaded counts half the JRubies of twice the weight as much', async t => {
  t.same(await shareCompiles(t, [{ jrubies: 8 }, { jrubies: 4, weight: 2 }], { count: 6 }), [3, 3])
})

t.test('least-loaded gives fewer to a master that works for others', async t => {
  t.same(await shareCompiles(t, [{ jrubies: 8 }, { jrubies: 8 }], { count: 6, foreign: 2 }), [2, 4])
})

t.test('rendezvous keeps an agent on one master, whichever connection it uses', async t => {
  const { topology, shares } = await startMasters(t, { a: {}, b: {}, c: {} })
  const app = await startBalancer(t, testConfig(pki, topology, { balance: { policy: 'rendezvous' } }))
  const used = new Set<string>()
  for (let number = 0; number < 12; number++) {
    const identity = await pki.authority.issue({ certname: `agent${number}.example.com` })
    const before = shares()
    for (let round = 0; round < 3; round++) {
      const agent = connectAgent(t, pki, app.port, identity)
      await agent.ask({ path: node })
      agent.close()
    }
    const changed = Object.entries(shares()).filter(([name, count]) => count > (before[name] ?? 0))
    t.equal(changed.length, 1, `agent${number} stays on ${changed[0]?.[0]}`)
    used.add(changed[0]?.[0] ?? '')
  }
  t.ok(used.size > 1, 'different agents use different masters')
})

for (const policy of ['least-loaded', 'round-robin', 'rendezvous'] satisfies PolicyName[]) {
  t.test(`under ${policy} a file of the filebucket is looked for where it was stored`, async t => {
    const { topology } = await startMasters(t, { a: {}, b: {}, c: {} })
    const app = await startBalancer(t, testConfig(pki, topology, { balance: { policy } }))
    const one = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'one.example.com' }))
    const two = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'two.example.com' }))
    const used = new Set<string>()
    for (let number = 0; number < 12; number++) {
      const sum = String(number).padStart(32, 'c')
      const path = `/puppet/v3/file_bucket_file/md5/${sum}`
      const stored = await one.ask({
        method: 'PUT',
        path: `${path}/etc/motd?environment=production`,
        body: 'x'
      })
      const found = [
        await two.ask({ method: 'HEAD', path }),
        await two.ask({ path: `${path}?environment=test` }),
        await one.ask({ path: `/production/file_bucket_file/md5/${sum}` })
      ]
      t.same(
        found.slice(1).map(answer => answer.body),
        [stored.body, stored.body]
      )
      used.add(stored.body)
    }
    t.ok(used.size > 1, 'different files are on different masters')
  })
}

for (const policy of ['least-loaded', 'round-robin', 'rendezvous'] satisfies PolicyName[]) {
  t.test(`under ${policy} a master of weight 0 gets nothing, even when it is alone`, async t => {
    const { masters, topology, shares } = await startMasters(t, { a: {}, off: { weight: 0 } })
    const config = testConfig(pki, topology, { balance: { policy }, health: { intervalMs: HOUR_MS } })
    const app = await startBalancer(t, config, { runtime: fakeRuntime() })
    const agents = await Promise.all(
      Array.from({ length: 8 }, async (_, number) =>
        connectAgent(t, pki, app.port, await pki.authority.issue({ certname: `agent${number}.example.com` }))
      )
    )
    await askAll(agents, 40)
    await masters.a?.kill()
    for (const agent of agents) {
      t.match(await agent.ask({ path: node, headers: { 'x-puppet-version': '8.10.0' } }), {
        status: 503,
        headers: { 'x-puppet-lb-reason': 'no-master' }
      })
    }
    t.equal(shares().off, 0)
  })
}

t.test('when the whole first tier stops', async t => {
  const health = { intervalMs: 700, timeoutMs: 500, rise: 2, fall: 3 }
  const { masters, topology, shares } = await startMasters(t, {
    a: { weight: 75 },
    b: { weight: 25 },
    c: { priority: 1 }
  })
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 4 })
  const config = testConfig(pki, topology, {
    balance: { policy: 'round-robin', affinity: 'none' },
    health,
    access
  })
  const app = await startBalancer(t, config, { runtime })
  const agents = Array.from({ length: 4 }, () => connectAgent(t, pki, app.port, many))
  const states = async () => {
    const metrics = await scrape(app.adminPort)
    const stateOf = (master: string) =>
      masterStates.find(state => metrics.value('puppet_lb_master_state', { master, state }) === 1)
    return [stateOf('a'), stateOf('b'), stateOf('c')]
  }
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) await runtime.round()
  }
  let asking = true
  const done = agents.map(async agent => {
    while (asking) await askAll([agent], 1)
  })
  await masters.a?.until(({ seen }) => seen.length >= 30)
  t.equal(shares().c, 0)

  await t.test('the next one serves at once', async t => {
    await Promise.all([masters.a?.kill(), masters.b?.kill()])
    await masters.c?.until(({ seen }) => seen.length >= 20)
    t.same(await states(), ['ejected', 'ejected', 'up'], 'refused connects were enough')
  })
  await t.test('the first is down within fall × interval', async t => {
    await rounds(health.fall)
    t.same(await states(), ['down', 'down', 'up'])
  })
  const again = await startScriptedMaster(t, (_request, response) => response.end('a'), {
    port: masters.a?.port ?? 0
  })
  await t.test('a master that returns has to prove itself before it is given work', async t => {
    await rounds(health.rise - 1)
    t.same(await states(), ['down', 'down', 'up'])
    t.equal(again.seen.length, 0)
    await rounds(1)
    t.same(await states(), ['up', 'down', 'up'])
    const { c = 0 } = shares()
    await again.until(({ seen }) => seen.length >= 20)
    t.ok((shares().c ?? 0) <= c + agents.length, 'and then it is given all of it')
  })
  await t.test('no request is lost in all that time', async () => {
    asking = false
    await Promise.all(done)
  })
})
