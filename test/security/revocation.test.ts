import { once } from 'node:events'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { startCrlScene } from './support/crl-scene.ts'
import { certifiersOf, issueSubject } from './support/odd-certificates.ts'
import { connectRaw } from './support/raw-connection.ts'

const path = '/puppet/v3/node/agent1?environment=production'
const request = `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const revoked = /^The client certificate was refused: it is revoked\. Request \S+$/

t.test(
  'an agent on the list at the start is refused, on CA routes as well, and others are served',
  async t => {
    const pki = await createTestPki()
    const [gone, here] = await Promise.all(
      ['gone', 'here'].map(certname => pki.authority.issue({ certname }))
    )
    const crl = await pki.authority.crl({ revoked: [gone?.serial ?? ''] })
    const { app, reached } = await startCrlScene(t, crl, { pki })
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const agent = connectAgent(t, pki, app.port, gone, { minVersion: version, maxVersion: version })
      for (const target of [path, '/puppet-ca/v1/certificate/ca', '/production/certificate_request/gone']) {
        const answer = await agent.ask({ path: target })
        t.equal(answer.status, 403)
        t.match(answer.body, revoked)
        t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
      }
    }
    t.same(reached(), [])
    t.equal((await connectAgent(t, pki, app.port, here).ask({ path })).status, 200)
    t.equal((await connectAgent(t, pki, app.port).ask({ path })).status, 200)
  }
)

t.test('the access log says why a certificate was refused', async t => {
  const pki = await createTestPki()
  const gone = await pki.authority.issue({ certname: 'gone' })
  const scene = await startCrlScene(t, await pki.authority.crl({ revoked: [gone.serial] }), { pki })
  await connectAgent(t, pki, scene.app.port, gone).ask({ path })
  t.match(await scene.log.line({ msg: 'request' }), { end: 'certificate-refused', cause: 'it is revoked' })
})

for (const workers of [0, 2]) {
  t.test(`with ${workers} workers, a new list cuts the agent off, and nobody else`, async t => {
    const pki = await createTestPki()
    const { app, replace, masters } = await startCrlScene(t, () => pki.authority.crl(), {
      pki,
      overrides: { listen: { workers } }
    })
    const [gone, here] = await Promise.all(
      ['gone', 'here'].map(certname => pki.authority.issue({ certname }))
    )
    // Several, so that with two workers neither is likely to be left out.
    const open = (identity: typeof gone) =>
      Promise.all(Array.from({ length: 6 }, () => connectRaw(t, pki, app.port, identity)))
    const [goneOnes, hereOnes] = [await open(gone), await open(here)]
    for (const each of [...goneOnes, ...hereOnes]) t.equal((await each.ask(request)).status, 200)
    const before = masters[0]?.seen.length

    await replace(await pki.authority.crl({ revoked: [gone?.serial ?? ''] }))

    for (const each of goneOnes) t.equal(await each.untilClosed(), '', 'the open connection is cut')
    for (const each of await open(gone)) {
      const answer = await each.ask(request)
      t.equal(answer.status, 403, 'a new one is refused')
      t.match(answer.body, revoked)
    }
    t.equal(masters[0]?.seen.length, before)
    for (const each of hereOnes) t.equal((await each.ask(request)).status, 200, 'the others go on')
  })
}

t.test('a request under way ends with the connection of the agent that is revoked', async t => {
  const pki = await createTestPki()
  const there = Promise.withResolvers<void>()
  const { app, replace } = await startCrlScene(t, () => pki.authority.crl(), {
    pki,
    script: () => there.resolve()
  })
  const gone = await pki.authority.issue({ certname: 'gone' })
  const raw = await connectRaw(t, pki, app.port, gone)
  raw.send(request)
  await there.promise
  const closed = once(raw.socket, 'close')
  await replace(await pki.authority.crl({ revoked: [gone.serial] }))
  await closed
})

t.test('an agent that is taken off the list is served again', async t => {
  const pki = await createTestPki()
  const back = await pki.authority.issue({ certname: 'back' })
  const crl = await pki.authority.crl({ revoked: [back.serial] })
  const { app, replace, log } = await startCrlScene(t, crl, { pki })
  t.equal((await connectAgent(t, pki, app.port, back).ask({ path })).status, 403)
  await replace(await pki.authority.crl())
  await log.line({ msg: 'certificate revocation list is read again' })
  t.equal((await connectAgent(t, pki, app.port, back).ask({ path })).status, 200)
})

t.test('serial numbers are compared as numbers, however they are written', async t => {
  const pki = await createTestPki()
  const issuers = certifiersOf(pki.authority)
  // Puppet's own CA counts from 1; OpenSSL's numbers have up to 20 bytes.
  const serials = ['01', '0a', '0123', 'f000000000000001', '7f00000000000000000000000000000000000001']
  const crl = await pki.authority.crl({ revoked: serials })
  const { app } = await startCrlScene(t, crl, { pki })
  for (const serial of [...serials, '02', '1230', '10']) {
    const agent = await issueSubject(issuers, [['CN', 'agent1']], { serial })
    const { status } = await connectAgent(t, pki, app.port, agent).ask({ path })
    t.equal(status, serials.includes(serial) ? 403 : 200, serial)
  }
})

t.test('a list past its date still counts, and refuses nobody it does not name', async t => {
  const pki = await createTestPki()
  const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
  const { app } = await startCrlScene(
    t,
    await pki.authority.crl({
      revoked: [gone?.serial ?? ''],
      thisUpdate: new Date(Date.now() - 2 * 3_600_000),
      nextUpdate: new Date(Date.now() - 3_600_000)
    }),
    { pki }
  )
  const answer = await connectAgent(t, pki, app.port, gone).ask({ path })
  t.equal(answer.status, 403)
  t.match(answer.body, revoked)
  t.equal((await connectAgent(t, pki, app.port, here).ask({ path })).status, 200)
})
