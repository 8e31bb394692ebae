import type { ServerResponse } from 'node:http'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { seededDice } from '../support/runtime.ts'
import type { SeenRequest } from '../support/scripted-master.ts'
import { startScene } from './support/scene.ts'

t.test('two agents are never mixed up when a master answers them in the opposite order', async t => {
  const waiting: ServerResponse[] = []
  let bothThere = () => {}
  const arrived = new Promise<void>(resolve => {
    bothThere = resolve
  })
  const { app, pki } = await startScene(t, {
    script(request, response) {
      response.setHeader('x-seen-dn', request.headers['x-client-dn'] ?? 'none')
      waiting.push(response)
      if (waiting.length === 2) bothThere()
    }
  })
  const [first, second] = await Promise.all(
    ['agent1', 'agent2'].map(async certname => {
      const identity = await pki.authority.issue({ certname })
      return connectAgent(t, pki, app.port, identity)
    })
  )
  const answers = [
    first?.ask({ path: '/puppet/v3/node/agent1' }),
    second?.ask({ path: '/puppet/v3/node/agent2' })
  ]
  await arrived
  for (const response of waiting.reverse()) response.end(response.req.url)
  const [one, two] = await Promise.all(answers)
  t.same([one?.headers['x-seen-dn'], one?.body], ['CN=agent1', '/puppet/v3/node/agent1'])
  t.same([two?.headers['x-seen-dn'], two?.body], ['CN=agent2', '/puppet/v3/node/agent2'])
})

t.test('out of many agents at once, with and without certificates, each is told as itself', async t => {
  const dice = seededDice(20)
  const { app, masters, pki } = await startScene(t, {
    masters: 2,
    // Answers come in another order than requests, and reuse the connections of other agents.
    script: (_request, response) => {
      if (dice() < 0.5) response.end()
      else setImmediate(() => response.end())
    }
  })
  const agents = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => {
      const certname = index % 4 === 3 ? undefined : `agent${index}`
      const identity = certname === undefined ? undefined : await pki.authority.issue({ certname })
      return { name: certname ?? 'nobody', agent: connectAgent(t, pki, app.port, identity) }
    })
  )
  await Promise.all(
    agents.map(async ({ name, agent }) => {
      for (let round = 0; round < 25; round++) await agent.ask({ path: `/puppet/v3/node/${name}` })
    })
  )
  const seen = masters.flatMap(master => master.seen)
  t.equal(seen.length, 8 * 25)
  t.same(seen.filter(isMixedUp), [])
  const connections = masters.reduce((sum, master) => sum + master.connections(), 0)
  t.ok(connections < 60, `connections to masters were shared: there are ${connections}`)
})

function isMixedUp(request: SeenRequest): boolean {
  const name = request.url.split('/').at(-1)
  if (name === 'nobody') return request.header('x-client-dn').length > 0
  return request.header('x-client-dn')[0] !== `CN=${name}`
}
