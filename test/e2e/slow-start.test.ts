import t from 'tap'
import type { Explanation } from '../../src/model/explanation.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'

const pki = await createTestPki()
const agents = await Promise.all(
  Array.from({ length: 4 }, (_, index) => pki.authority.issue({ certname: `agent${index}.example.com` }))
)
const catalogOf = (index: number) => ({
  method: 'POST',
  path: `/puppet/v3/catalog/agent${index}.example.com?environment=production`,
  body: 'facts=x'
})

t.test(
  'a master that came back takes all it can when it is the last one, and `why` tells its JRubies',
  async t => {
    const start = async (name: string) => {
      const master = await startSimulatedMaster({ name, jrubies: 4 })
      t.teardown(() => master.close())
      return master
    }
    const [other, back] = [await start('other'), await start('back')] as const
    const masters = [other, back].map(({ name, url }) => ({ name, url }))
    const { log, ...logged } = captureLog()
    const app = await startBalancer(
      t,
      testConfig(pki, { ca: other.url, masters }, { health: { intervalMs: 50, fall: 1, rise: 1 } }),
      { log }
    )
    const inState = async (master: string, state: string) => {
      while ((await scrape(app.adminPort)).value('puppet_lb_master_state', { master, state }) !== 1);
    }
    await back.kill()
    await inState('back', 'down')
    await back.restart()
    await inState('back', 'up')
    await other.kill()
    await inState('other', 'down')

    back.hold()
    const answers = agents.map((identity, index) =>
      connectAgent(t, pki, app.port, identity).ask(catalogOf(index))
    )
    await back.until(master => master.running === 4)
    t.equal((await scrape(app.adminPort)).value('puppet_lb_queue_depth', { class: 'catalog' }), 0)
    back.release()
    for (const { status } of await Promise.all(answers)) t.equal(status, 200)

    const lines = await logged.atLeast(4, { msg: 'request', class: 'catalog' })
    const told = await Promise.all(
      lines.map(async ({ id }) => {
        const answer = await fetch(`http://127.0.0.1:${app.adminPort}/api/why/${id}`)
        return (await answer.json()) as Explanation
      })
    )
    const busy = told.map(({ candidates }) => candidates[0]?.busy)
    t.same(busy.sort(), [0, 1, 2, 3])
    for (const { candidates } of told) t.match(candidates, [{ master: 'back', capacity: 4, started: 1 }])
  }
)
