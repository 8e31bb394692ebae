import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

/** The suite has to be quick: PUPPET_LB_TEST_HERD=2000 is the whole of it. */
const AGENTS = Number(process.env.PUPPET_LB_TEST_HERD ?? 1_000)
const GROUP = 100
const JRUBIES = 4
const COMPILE_MS = 60
/** Some agents come back when they are told to; for the others a 503 ends the run. */
const KINDS = [
  { version: '8.10.0', comesBack: true },
  { version: '7.23.0', comesBack: false },
  { version: '5.3.1', comesBack: true },
  { version: '8.1.0', comesBack: false },
  { version: '6.13.0', comesBack: true },
  { version: '6.14.0', comesBack: false },
  { version: '8.2.0', comesBack: true },
  { version: '5.3.0', comesBack: false },
  { version: undefined, comesBack: false }
] as const
type Kind = (typeof KINDS)[number]
/** How often an agent older than 6.14 comes back before it gives up. */
const RETURNS = 10

// So many handshakes take a while on a busy machine.
t.setTimeout(180_000)

t.test('thousands of agents at once all end their runs, and those that are told to come back do', async t => {
  const pki = await createTestPki()
  const masters = await Promise.all(['m1', 'm2', 'm3', 'm4'].map(name => startMaster(t, name)))
  const topology = { ca: (await startMaster(t, 'ca')).url, masters }
  const { port, adminPort } = await startBalancer(
    t,
    testConfig(pki, topology, { listen: { workers: 1 }, queue: { shedAboveMs: 2_000 } })
  )
  const first = await pki.authority.issue({ certname: 'agent-0000.example.com' })
  async function arrive(index: number) {
    const certname = `agent-${String(index).padStart(4, '0')}.example.com`
    const agent = connectAgent(t, pki, port, renamedCertificate(first, certname, pki.authority))
    await agent.ask({ path: '/status/v1/simple/server' })
    return { agent, certname, kind: KINDS[index % KINDS.length] as Kind }
  }
  // All stand at the door before the first one goes in; they come in groups that the backlog of a listener can hold.
  const agents: Awaited<ReturnType<typeof arrive>>[] = []
  while (agents.length < AGENTS) {
    const group = Array.from({ length: GROUP }, (_, index) => arrive(agents.length + index))
    agents.push(...(await Promise.all(group)))
  }
  // How long the queue needs is known from the first catalog on.
  await run(connectAgent(t, pki, port, first), first.certname, KINDS[3])
  const runs = await Promise.all(agents.map(({ agent, certname, kind }) => run(agent, certname, kind)))

  const isGood = (statuses: readonly number[]) => statuses.every(status => status === 200)
  t.same(
    runs.filter(({ statuses }) => !isGood(statuses)),
    [],
    'every run got all it asked for'
  )
  t.same(
    runs.filter(({ fileFrom }) => new Set(fileFrom).size !== 1),
    [],
    'and the content of its file from the master of the metadata'
  )
  t.same(
    masters.map(({ jrubies }) => jrubies.peak),
    masters.map(() => JRUBIES),
    'no master had more than it has JRubies for'
  )
  const told = runs.flatMap(({ retryAfter }) => retryAfter)
  t.ok(told.length > 0, 'some were told to come back')
  t.ok(told.every(seconds => /^[1-9]\d*$/.test(seconds)))
  t.ok(Math.max(...runs.map(({ retryAfter }) => retryAfter.length)) <= RETURNS, 'nobody too often')

  const metrics = await scrape(adminPort)
  t.equal(metrics.sum('puppet_lb_shed_total', { reason: 'overloaded' }), told.length)
  t.equal(metrics.sum('puppet_lb_requests_total', { code: '503' }), told.length)
  t.equal(
    metrics.sum('puppet_lb_requests_total', { code: '503', class: 'catalog' }),
    told.length,
    'at the catalog and nowhere else'
  )
  t.equal(metrics.value('puppet_lb_queue_seconds_count', { class: 'catalog' }), AGENTS + 1)
  t.equal(metrics.sum('puppet_lb_queue_depth'), 0)
  t.equal(metrics.sum('puppet_lb_in_flight'), 0)
})

/** A master that counts how many requests it works on. */
async function startMaster(t: Test, name: string) {
  const jrubies = { busy: 0, peak: 0 }
  const { url } = await startScriptedMaster(
    t,
    ({ method }, response) => {
      jrubies.busy++
      jrubies.peak = Math.max(jrubies.peak, jrubies.busy)
      const answer = () => {
        jrubies.busy--
        response.setHeader('X-Puppet-Compiler-Name', name).end('{}')
      }
      setTimeout(answer, method === 'POST' ? COMPILE_MS : 0)
    },
    { jrubies: JRUBIES }
  )
  return { name, url, jrubies }
}

/** Catalog, a file and the report, over one connection. */
async function run(agent: TestAgent, certname: string, { version, comesBack }: Kind) {
  const headers = version === undefined ? {} : { 'X-Puppet-Version': version }
  const statuses: number[] = []
  const fileFrom: unknown[] = []
  const retryAfter: string[] = []
  for (const [method, document, body] of [
    ['POST', `catalog/${certname}`, 'facts=x'],
    ['GET', 'file_metadata/modules/app/file'],
    ['GET', 'file_content/modules/app/file'],
    ['PUT', `report/${certname}`, '{}']
  ] as const) {
    const path = `/puppet/v3/${document}?environment=production`
    const ask = () => agent.ask({ method, path, headers, ...(body && { body }) })
    let answer = await ask()
    while (comesBack && answer.headers['retry-after'] !== undefined) {
      const seconds = answer.headers['retry-after']
      retryAfter.push(seconds)
      await sleep(Number(seconds) * 1000)
      answer = await ask()
    }
    statuses.push(answer.status)
    if (method === 'GET') fileFrom.push(answer.headers['x-puppet-compiler-name'])
  }
  agent.close()
  return { version, statuses, fileFrom, retryAfter }
}
