import t from 'tap'
import { systemRuntime } from '../../src/model/runtime.ts'
import { connectAgent } from '../support/agent.ts'
import { startScene } from './support/scene.ts'

t.test('a certificate that expires while its connection is open is refused on the next request', async t => {
  let leapMs = 0
  const runtime = { ...systemRuntime, wallClock: () => Date.now() + leapMs }
  const { app, masters, ca, pki } = await startScene(t, { options: { runtime } })
  const minuteMs = 60_000
  const short = await pki.authority.issue({
    certname: 'agent1',
    notAfter: new Date(Date.now() + minuteMs)
  })
  const agent = connectAgent(t, pki, app.port, short)
  const longer = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent2' }))
  const path = '/puppet/v3/node/agent1'
  t.equal((await agent.ask({ path })).status, 200)
  t.equal((await longer.ask({ path })).status, 200)

  leapMs = 2 * minuteMs

  const answer = await agent.ask({ path })
  t.equal(answer.status, 403)
  t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
  t.match(answer.body, /^The client certificate was refused: it has expired\. /)
  t.equal((await agent.ask({ path: '/puppet-ca/v1/certificate/ca' })).status, 403)
  t.equal((await longer.ask({ path })).status, 200, 'the others go on')
  t.equal(masters[0]?.seen.length, 3)
  t.equal(ca.seen.length, 0)
})
