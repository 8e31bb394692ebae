import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { agentOf } from '../support/agents.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const agents = await Promise.all(
  Array.from({ length: 40 }, (_, index) => pki.authority.issue({ certname: `secret-${index}.example.com` }))
)

t.test('agents can make no more labels than there are, whatever they say of themselves', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const masters = [{ name: 'm1', url: master.url }]
  const app = await startBalancer(t, testConfig(pki, { ca: master.url, masters }, { listen: { workers: 1 } }))
  const say = async (index: number, version: string) => {
    const certname = `secret-${index}.example.com`
    await connectAgent(t, pki, app.port, agents[index]).ask({
      method: 'PUT',
      path: `/puppet/v3/report/${certname}?environment=${'e'.repeat(3_000)}`,
      headers: { 'x-puppet-version': version },
      body: '{}'
    })
  }
  for (const index of agents.keys()) await say(index, `${index}.${index}.0`)

  await t.test('an odd version is none', async t => {
    await say(0, '8.10.0\t<script>')
    await say(1, `8.1${'0'.repeat(200)}`)
    t.equal((await agentOf(app, 'secret-0.example.com'))?.version, '0.0.0')
    t.equal((await agentOf(app, 'secret-1.example.com'))?.version, '1.1.0')
  })
  await t.test('nor is an environment without end', async t => {
    t.equal((await agentOf(app, 'secret-0.example.com'))?.environment, null)
  })
  await t.test('thirty versions are told apart, and nobody is named', async t => {
    const { text } = await scrape(app.adminPort)
    t.equal([...text.matchAll(/^puppet_lb_agent_versions\{/gm)].length, 31)
    t.notMatch(text, /secret-/)
  })
})
