import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import type { MasterStatus } from '../../src/model/status.ts'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
/**
 * What a catalog takes where it is compiled; long enough that whoever fails is quicker by far. The suite has to be quick:
 * PUPPET_LB_TEST_COMPILE_MS=400 leaves ten times as long in which nothing is known yet.
 */
const COMPILE_MS = Number(process.env.PUPPET_LB_TEST_COMPILE_MS ?? 40)

type Script = (request: IncomingMessage, response: ServerResponse) => void
const works: Script = (_request, response) => void setTimeout(() => response.end('{}'), COMPILE_MS)
const fails =
  (status: number): Script =>
  (_request, response) => {
    response.statusCode = status
    response.end('Server Error')
  }
const hangsUp: Script = request => request.socket.destroy()

const agents = await Promise.all(
  Array.from({ length: 8 }, (_, index) => pki.authority.issue({ certname: `agent${index}.example.com` }))
)
const catalogOf = (index: number) => ({
  method: 'POST',
  path: `/puppet/v3/catalog/agent${index}.example.com?environment=production`,
  body: 'facts=x'
})

/** Masters m1, m2 … with four JRubies each, that answer as their scripts say, and a connection of each agent. */
async function setUp(t: { teardown: (task: () => unknown) => void }, scripts: readonly Script[]) {
  const masters = await Promise.all(scripts.map(script => startScriptedMaster(t, script, { jrubies: 4 })))
  const topology = {
    ca: masters[0]?.url as string,
    masters: masters.map(({ url }, index) => ({ name: `m${index + 1}`, url }))
  }
  const app = await startBalancer(t, testConfig(pki, topology))
  const connections = agents.map(identity => connectAgent(t, pki, app.port, identity))
  return {
    ...{ app, masters },
    drawn: () => masters.map(({ seen }) => seen.length),
    /** Each agent asks for so many catalogs, one after the other; the statuses it got. */
    runs: (count: number, who: readonly TestAgent[] = connections) =>
      Promise.all(
        who.map(async agent => {
          const statuses: number[] = []
          const index = connections.indexOf(agent)
          while (statuses.length < count) statuses.push((await agent.ask(catalogOf(index))).status)
          return statuses
        })
      ),
    connections,
    async masterStatus(name: string) {
      const answer = await fetch(`http://127.0.0.1:${app.adminPort}/api/masters`)
      return ((await answer.json()) as MasterStatus[]).find(each => each.name === name) as MasterStatus
    },
    ejections: async (master: string, fault: string) =>
      (await scrape(app.adminPort)).value('puppet_lb_ejections_total', { master, fault })
  }
}

/** How long catalogs waited for a JRuby. */
async function meanWaitMs(adminPort: number): Promise<number> {
  const { value } = await scrape(adminPort)
  const series = (end: string) => value(`puppet_lb_queue_seconds_${end}`, { class: 'catalog' }) ?? 0
  return (1_000 * series('sum')) / series('count')
}

for (const [what, script] of [
  ['answers them at once with 500', fails(500)],
  ['answers them at once with 404', fails(404)],
  ['breaks off', hangsUp]
] as const) {
  t.test(
    `a master that fails catalogs as others serve them, and ${what}, draws far less than its share`,
    async t => {
      const { runs, drawn, masterStatus, ejections } = await setUp(t, [script, works, works])
      await runs(50)
      const [failed = 0] = drawn()
      t.comment(`it drew ${failed} of 400`)
      t.ok(failed < 400 / 3, `it drew ${failed} of 400`)
      t.match(await masterStatus('m1'), {
        state: 'ejected',
        cause: /the catalogs of (\d) of \1 agents .*, other masters 0 of \d+$/
      })
      t.equal(await ejections('m1', 'catalogs'), 1)
      const before = drawn()[0]
      await runs(2)
      t.equal(drawn()[0], before, 'and nothing more while it is out')
    }
  )
}

t.test('before anybody can tell, it draws its share at most', async t => {
  const { runs, drawn, masterStatus, connections } = await setUp(t, [fails(500), works, works])
  await runs(60, connections.slice(0, 2))
  const [failed = 0] = drawn()
  t.comment(`it drew ${failed} of 120`)
  t.ok(failed < 0.4 * 120, `it drew ${failed} of 120`)
  t.equal((await masterStatus('m1')).state, 'up', 'two agents prove nothing')
})

t.test('a catalog that no master can compile ejects none, and slows nobody else', async t => {
  const broken: Script = (request, response) =>
    (request.url?.includes('agent0') ? fails(500) : works)(request, response)
  const { app, runs, masterStatus, connections } = await setUp(t, [broken, broken, broken])
  const [first, ...others] = connections as [TestAgent, ...TestAgent[]]
  let isOver = false
  const looping = (async () => {
    while (!isOver) await runs(1, [first])
  })()
  const statuses = await runs(30, others)
  isOver = true
  await looping
  t.ok(statuses.flat().every(status => status === 200))
  for (const name of ['m1', 'm2', 'm3']) t.equal((await masterStatus(name)).state, 'up', name)
  t.ok((await meanWaitMs(app.adminPort)) < COMPILE_MS / 4, 'nobody waits for a JRuby')
})

t.test('what fails at all masters alike ejects none', async t => {
  const { app, runs, drawn, masterStatus } = await setUp(t, [fails(500), fails(500), fails(500)])
  await runs(40)
  t.equal(
    drawn().reduce((sum, each) => sum + each),
    320
  )
  for (const name of ['m1', 'm2', 'm3']) t.equal((await masterStatus(name)).state, 'up', name)
  t.ok((await meanWaitMs(app.adminPort)) < COMPILE_MS / 4, 'nor slows anybody')
})
