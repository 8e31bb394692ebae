import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { seededDice } from '../support/runtime.ts'

type Test = { teardown: (task: () => unknown) => void }
type Overrides = Parameters<typeof testConfig>[2]

const pki = await createTestPki()
const path = (indirection: string, certname: string) =>
  `/puppet/v3/${indirection}/${certname}?environment=production`

/** Two masters behind two workers, and an operator. */
async function startScene(t: Test, overrides: Overrides = {}, { jrubies = 4 } = {}) {
  const start = async (name: string) => {
    const master = await startSimulatedMaster({ name, jrubies })
    t.teardown(() => master.close())
    return master
  }
  const [a, b, ca] = await Promise.all([start('a'), start('b'), start('ca')])
  const masters = [a, b].map(({ name, url }) => ({ name, url }))
  const config = testConfig(
    pki,
    { ca: ca.url, masters },
    { health: { intervalMs: 200, timeoutMs: 5_000 }, ...overrides }
  )
  const app = await startBalancer(t, config)
  let issued = 0
  /** An agent of its own, on a connection of its own. */
  const newAgent = async () => {
    const certname = `agent${issued++}.example.com`
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
    const compile = () => agent.ask({ method: 'POST', path: path('catalog', certname), ...form(certname) })
    const file = () => agent.ask({ path: path('file_metadatas', 'plugins') })
    const report = () =>
      agent.ask({
        method: 'PUT',
        path: path('report', certname),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ host: certname, status: 'unchanged' })
      })
    return { certname, compile, file, report }
  }
  return { a, b, app, config, newAgent, operator: operatorOf(app) }
}

type Scene = Awaited<ReturnType<typeof startScene>>

function form(certname: string) {
  const facts = encodeURIComponent(JSON.stringify({ name: certname, values: {} }))
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `environment=production&facts_format=application/json&facts=${facts}`
  }
}

/** An agent whose catalog a master has compiled, so that its files come from there. */
async function agentPinnedTo({ newAgent }: Scene, name: string) {
  for (;;) {
    const agent = await newAgent()
    const { headers } = await agent.compile()
    if (headers['x-puppet-compiler-name'] === name) return agent
  }
}

/** Agents that compile, until a master holds a catalog; the result lets it go and ends their runs. */
async function compileUntilHeld({ newAgent }: Scene, master: SimulatedMaster) {
  const begun: { agent: Awaited<ReturnType<typeof newAgent>>; answer: Promise<{ status: number }> }[] = []
  master.hold()
  while (master.held === 0) {
    const agent = await newAgent()
    const answer = agent.compile()
    begun.push({ agent, answer })
    await Promise.race([answer, master.until(({ held }) => held > 0)])
  }
  return async () => {
    master.release()
    return Promise.all(
      begun.map(async ({ agent, answer }) => [(await answer).status, (await agent.report()).status])
    )
  }
}

/** Agents that run, one run after the other, until they are told to stop; resolves with the exit status of each. */
async function startLoad({ app }: Scene, agents: number) {
  let stopped = false
  const identities = await Promise.all(
    Array.from({ length: agents }, (_, index) =>
      pki.authority.issue({ certname: `load${index}.example.com` })
    )
  )
  const all = identities.map(async ({ certname, chain, key }) => {
    const codes: number[] = []
    while (!stopped) {
      const { exitStatus } = await runAgent({
        ...{ certname, host: '127.0.0.1', port: app.port, servername: 'puppet', files: 5 },
        ...{ ca: pki.authority.bundle, identity: { cert: chain, key } }
      })
      codes.push(exitStatus)
    }
    return codes
  })
  return async () => {
    stopped = true
    return (await Promise.all(all)).flat()
  }
}

const countOf = ({ requests }: SimulatedMaster, part: string) =>
  requests.filter(({ url }) => url.includes(part)).length
const probes = (master: SimulatedMaster) => countOf(master, '/status/')
const catalogs = (master: SimulatedMaster) => countOf(master, '/catalog/')

t.test('a master is drained while agents run: what it has ends there, and nothing is lost', async t => {
  const scene = await startScene(t)
  const { a, operator, newAgent, app } = scene
  const stopLoad = await startLoad(scene, 4)
  const pinned = await agentPinnedTo(scene, 'a')
  const endCompiles = await compileUntilHeld(scene, a)

  const drain = operator.begin('drain', 'a', '--wait')
  t.equal(await drain.said, 'a drains: it takes no new runs, and ends those it has\n')
  t.match(await operator.master('a'), { mode: 'draining', state: 'up' })
  t.equal((await pinned.file()).headers['x-puppet-compiler-name'], 'a', 'files of one code')
  const before = catalogs(a)
  for (let count = 0; count < 5; count++)
    t.equal((await (await newAgent()).compile()).headers['x-puppet-compiler-name'], 'b', 'a new run')

  for (const statuses of await endCompiles()) t.same(statuses, [200, 200])
  const codes = await stopLoad()
  t.ok(codes.length >= 4)
  t.ok(
    codes.every(code => code === 0 || code === 2),
    codes.join(' ')
  )
  t.equal(catalogs(a), before)
  t.match(await operator.master('a'), { mode: 'draining' }, 'one run is pinned there yet')
  t.equal((await pinned.report()).status, 200)

  t.match(await drain.ended, { code: 0, out: /a is drained\n$/, err: '' })
  t.match(await operator.master('a'), { mode: 'drained', inFlight: 0 })
  const told = (await operator.events()).filter(event => event.startsWith('master-drain'))
  t.same(told, ['master-drain a', 'master-drained a'])
  const { value } = await scrape(app.adminPort)
  t.equal(value('puppet_lb_master_mode', { master: 'a', mode: 'drained' }), 1)
  t.equal(value('puppet_lb_master_up', { master: 'a' }), 1)
})

t.test(
  'in maintenance a master is left alone at once: what it has ends there, all else moves on',
  async t => {
    const scene = await startScene(t)
    const { a, b, operator } = scene
    const stopLoad = await startLoad(scene, 4)
    const pinned = await agentPinnedTo(scene, 'a')
    const endCompiles = await compileUntilHeld(scene, a)
    const maint = operator.begin('maint', 'a', '--wait')
    await maint.said
    const roundsOfProbes = (count: number) => {
      const until = probes(b) + count
      return b.until(() => probes(b) >= until)
    }
    // What was on its way when that was said arrives first.
    await roundsOfProbes(2)
    const before = a.requestCount
    t.equal((await pinned.file()).headers['x-puppet-compiler-name'], 'b', 'its run moves on')
    await roundsOfProbes(6)
    t.equal(a.requestCount, before, 'neither a request nor a probe')
    t.match(await operator.master('a'), { mode: 'maint', state: 'unknown', cause: 'in maintenance' })
    for (const [compiled] of await endCompiles()) t.equal(compiled, 200)
    t.match(await maint.ended, { code: 0, out: /a is in maintenance, and no request is left there\n$/ })
    const codes = await stopLoad()
    t.ok(
      codes.every(code => code === 0 || code === 2),
      codes.join(' ')
    )
    t.equal(a.requestCount, before)
  }
)

t.test('who waits for a master that goes into maintenance is served by another one', async t => {
  const scene = await startScene(t, { balance: { affinity: 'run' } }, { jrubies: 1 })
  const { a, operator, app } = scene
  const [first, second] = [await agentPinnedTo(scene, 'a'), await agentPinnedTo(scene, 'a')]
  a.hold()
  const compiling = first.compile()
  await a.until(({ held }) => held === 1)
  const waiting = second.file()
  while ((await scrape(app.adminPort)).value('puppet_lb_queue_depth', { class: 'light' }) !== 1);
  await operator.run('maint', 'a')
  t.equal((await waiting).headers['x-puppet-compiler-name'], 'b')
  a.release()
  t.equal((await compiling).status, 200)
})

t.test('a master is given back with a fresh probe, slowly, and not before it answers', async t => {
  const { a, b, operator, newAgent } = await startScene(t)
  await operator.run('maint', 'a')
  await a.kill()
  t.match(await operator.run('undrain', 'a'), {
    code: 0,
    out: 'a is given back to work\n',
    err: /^warning: a is down \(.*ECONNREFUSED.*\): it gets work when it is up\n$/
  })
  t.equal((await (await newAgent()).compile()).headers['x-puppet-compiler-name'], 'b')
  await operator.run('maint', 'a')
  await a.restart()
  const before = a.requestCount
  t.match(await operator.run('undrain', 'a', '--wait'), { code: 0, out: /a is up\n$/, err: '' })
  t.match(a.requests.slice(before).map(({ url }) => url)[0], /^\/status\//)
  t.match(await operator.master('a'), { mode: 'active', state: 'up' })
  for (const master of [a, b]) master.hold()
  const agents = await Promise.all(Array.from({ length: 8 }, newAgent))
  const first = agents.slice(0, 5).map(agent => agent.compile())
  await Promise.all([a.until(({ held }) => held === 1), b.until(({ held }) => held === 4)])
  t.equal(a.running, 1, 'one at a time at first, though it has four JRubies')
  const more = agents.slice(5).map(agent => agent.compile())
  await a.until(({ held }) => held === 4)
  t.equal(a.running, 4, 'but rather than wait, the rest goes there')
  for (const master of [a, b]) master.release()
  for (const { status } of await Promise.all([...first, ...more])) t.equal(status, 200)
})

t.test('the last master may be drained, and the operator is told what that means', async t => {
  const { operator } = await startScene(t)
  t.match(await operator.run('drain', 'a'), { code: 0, err: '' })
  t.match(await operator.run('drain', 'b'), { code: 0, err: 'warning: no master takes new runs now\n' })
  t.match(await operator.run('undrain', 'a'), { code: 0, err: '' })
})

t.test('whatever operators do with a master, and however fast, no run of an agent is lost', async t => {
  const scene = await startScene(t)
  const { operator, app } = scene
  const random = seededDice(9)
  const stopLoad = await startLoad(scene, 4)
  const words = [
    ['drain', 'a'],
    ['maint', 'a'],
    ['undrain', 'a'],
    ['weight', 'a', '0'],
    ['weight', 'a', 'default']
  ]
  for (let round = 0; round < 10; round++) {
    const asked = [1, 2, 3].map(() =>
      operator.run(...(words[Math.floor(random() * words.length)] as string[]))
    )
    const reloaded = random() < 0.3 ? app.reload() : undefined
    for (const { code } of await Promise.all(asked)) t.equal(code, 0)
    if (reloaded) t.match(await reloaded, { ok: true })
  }
  await operator.run('weight', 'a', 'default')
  t.match(await operator.run('undrain', 'a', '--wait'), { code: 0 })
  const codes = await stopLoad()
  t.ok(codes.length >= 4)
  t.same(
    codes.filter(code => code === 1),
    []
  )
  t.match(await operator.master('a'), { mode: 'active', state: 'up', weight: 1 })
})
