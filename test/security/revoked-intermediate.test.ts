import t from 'tap'
import { type Certifier, createCertifier, pemOf } from '../../src/simulation/certifier.ts'
import { createRevocationList } from '../../src/simulation/revocation-list.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { startCrlScene } from './support/crl-scene.ts'
import { aroundNow, certifiersOf, issueSubject } from './support/odd-certificates.ts'
import { connectRaw } from './support/raw-connection.ts'

const path = '/puppet/v3/node/agent1'
const request = `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const pki = await createTestPki()
const [root, intermediate] = certifiersOf(pki.authority) as [Certifier, Certifier]
/** Signed by the intermediate, but not in the bundle the balancer is given. */
const below = await createCertifier({
  ...aroundNow(),
  commonName: 'Puppet CA: below',
  keyType: 'ec',
  issuer: intermediate
})

t.test('an intermediate takes its agents with it when it is revoked', async t => {
  const agent = await pki.authority.issue({ certname: 'agent1' })
  const { app, replace, masters } = await startCrlScene(t, await pki.authority.crl(), { pki })
  const open = await connectRaw(t, pki, app.port, agent)
  t.equal((await open.ask(request)).status, 200, 'it is good before')
  await replace(await revokedByRoot(intermediate.certificate.serialNumber))
  t.equal(await open.untilClosed(), '', 'the open connection is cut')
  const answer = await connectAgent(t, pki, app.port, agent).ask({ path })
  t.equal(answer.status, 403)
  t.match(answer.body, /it is revoked/)
  t.equal(masters[0]?.seen.length, 1)
})

t.test('an intermediate of the bundle below another counts too, and goes with the one above', async t => {
  const bundle = pki.authority.bundle + pemOf(below.certificate)
  const agent = await issueSubject([root, intermediate, below], [['CN', 'agent1']])
  const wider = { ...pki, authority: { ...pki.authority, bundle } }
  const { app, replace } = await startCrlScene(t, await pki.authority.crl(), { pki: wider })
  const open = await connectRaw(t, pki, app.port, agent)
  t.equal((await open.ask(request)).status, 200, 'it is good before')
  await replace(await revokedByRoot(intermediate.certificate.serialNumber))
  t.equal(await open.untilClosed(), '')
})

t.test(
  'an intermediate that only the client knows cannot be looked up, so its agents are refused',
  async t => {
    const agent = await issueSubject([root, intermediate, below], [['CN', 'agent1']])
    const { app, reached } = await startCrlScene(t, await pki.authority.crl(), { pki })
    const answer = await connectAgent(t, pki, app.port, agent).ask({ path })
    t.equal(answer.status, 403)
    t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
    t.match(answer.body, /it was not issued by the Puppet CA of this load balancer/)
    t.same(reached(), [])
  }
)

t.test('a serial number revoked by one CA of the chain is not revoked for another', async t => {
  const agent = await pki.authority.issue({ certname: 'agent1' })
  const { app } = await startCrlScene(t, await revokedByRoot(agent.serial), { pki })
  t.equal((await connectAgent(t, pki, app.port, agent).ask({ path })).status, 200)
})

/** A file of both CAs' lists, in which the root revokes one serial number. */
async function revokedByRoot(serial: string): Promise<string> {
  const { notBefore: thisUpdate, notAfter: nextUpdate } = aroundNow()
  const list = (issuer: typeof root, revoked: string[]) =>
    createRevocationList(issuer, { revoked, thisUpdate, nextUpdate, number: 7 })
  return (await list(intermediate, [])) + (await list(root, [serial]))
}
