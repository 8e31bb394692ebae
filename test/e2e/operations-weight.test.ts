import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const certname = 'many.example.com'

t.test('a weight counts at once in every worker, while agents ask, and can be taken back', async t => {
  const start = (name: string) => startScriptedMaster(t, (_request, response) => response.end(name))
  const [a, b, ca] = await Promise.all([start('a'), start('b'), start('ca')])
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      {
        ca: ca.url,
        masters: [
          { name: 'a', url: a.url, weight: 1 },
          { name: 'b', url: b.url, weight: 1 }
        ]
      },
      { balance: { policy: 'round-robin', affinity: 'none' }, access: { administrators: [certname] } }
    )
  )
  const operator = operatorOf(app)
  const identity = await pki.authority.issue({ certname })
  const agents = Array.from({ length: 8 }, () => connectAgent(t, pki, app.port, identity))
  let isLoaded = true
  const asked = { a: 0, b: 0 }
  const load = agents.map(async agent => {
    while (isLoaded) {
      const { body } = await agent.ask({ path: '/puppet/v3/node/a.example.com' })
      asked[body as 'a' | 'b']++
      look()
    }
  })
  let look = () => {}
  /** Of the next 2,000 answers, how many came from a. */
  async function share(): Promise<number> {
    const before = { ...asked }
    const { promise, resolve } = Promise.withResolvers<number>()
    look = () => {
      const [fromA, fromB] = [asked.a - before.a, asked.b - before.b]
      if (fromA + fromB === 2_000) resolve(fromA / 2_000)
    }
    return promise
  }
  const isNear = (value: number, wanted: number) =>
    t.ok(Math.abs(value - wanted) <= 0.01, `${value} of ${wanted}`)

  isNear(await share(), 0.5)
  t.match(await operator.run('weight', 'a', '4'), { code: 0, out: 'a has the weight 4; 1 is configured\n' })
  isNear(await share(), 0.8)
  t.match(await operator.run('weight', 'a', '0'), { code: 0, err: '' })
  // Those under way had been dealt out before.
  await share()
  t.equal(await share(), 0, 'no new runs')
  t.match(await operator.run('weight', 'a', 'default'), {
    code: 0,
    out: 'a has the weight 1 that is configured\n'
  })
  isNear(await share(), 0.5)
  isLoaded = false
  await Promise.all(load)
})
