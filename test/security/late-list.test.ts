import t from 'tap'
import { systemRuntime } from '../../src/model/runtime.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem } from '../support/crafted-list.ts'
import { startCrlScene } from './support/crl-scene.ts'

const path = '/puppet/v3/node/agent1'
const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const agent = await pki.authority.issue({ certname: 'agent1' })
const DAY_MS = 86_400_000
const soon = new Date(Date.now() + 10 * DAY_MS)
const list = craftPem({ by: signer, number: 1n, nextUpdate: soon }) + craftPem({ by: root, nextUpdate: null })

/** A clock that can be set. */
function settable() {
  let offsetMs = 0
  const runtime = { ...systemRuntime, wallClock: () => Date.now() + offsetMs }
  return {
    runtime,
    pass(ms: number) {
      offsetMs += ms
    }
  }
}

const told = (effect: string) => `certificate revocation list is out of date; ${effect}`

t.test(
  'with refuse, agents are refused from the moment their list is out of date until a new one comes',
  async t => {
    const { runtime, pass } = settable()
    const { app, log, replace } = await startCrlScene(t, list, {
      pki,
      expired: 'refuse',
      options: { runtime }
    })
    const connected = connectAgent(t, pki, app.port, agent)
    t.equal((await connected.ask({ path })).status, 200)
    t.equal(app.status().crl?.late, null)
    pass(10 * DAY_MS + 1000)
    const answer = await connected.ask({ path })
    t.equal(answer.status, 403, 'on the connection it had')
    t.match(
      answer.body,
      /^The client certificate was refused: the revocation list of its CA is out of date\. Request /
    )
    t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
    t.equal((await connectAgent(t, pki, app.port).ask({ path: '/puppet-ca/v1/certificate/ca' })).status, 200)
    t.match(await log.line({ msg: told('agents of its CA are refused') }), { level: 'warn' })
    t.match(app.status().crl, { late: 'refuse', nextUpdate: new Date(soon.setMilliseconds(0)).toISOString() })
    await replace(
      craftPem({ by: signer, number: 2n, nextUpdate: new Date(Date.now() + 99 * DAY_MS) }) +
        craftPem({ by: root, nextUpdate: null })
    )
    await log.line({ msg: 'certificate revocation list is read again' })
    t.equal((await connectAgent(t, pki, app.port, agent).ask({ path })).status, 200)
  }
)

t.test('with keep, a list that is out of date goes on counting, and the log says so once', async t => {
  const { runtime, pass } = settable()
  const revoked = await pki.authority.issue({ certname: 'gone' })
  const entries = [{ serial: BigInt(`0x${revoked.serial}`) }]
  const file = craftPem({ by: signer, nextUpdate: soon, entries }) + craftPem({ by: root, nextUpdate: null })
  const { app, log } = await startCrlScene(t, file, { pki, options: { runtime } })
  pass(11 * DAY_MS)
  await log.line({ msg: told('it still counts') })
  t.equal((await connectAgent(t, pki, app.port, agent).ask({ path })).status, 200)
  t.equal((await connectAgent(t, pki, app.port, revoked).ask({ path })).status, 403)
  t.equal(app.status().crl?.late, 'keep')
  t.equal(log.lines.filter(({ msg }) => msg === told('it still counts')).length, 1)
})
