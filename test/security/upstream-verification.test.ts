import type { SecureContextOptions } from 'node:tls'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { selfSigned } from './support/odd-certificates.ts'
import { type SilentListener, startSilentListener } from './support/silent-listener.ts'

const pki = await createTestPki()
const stranger = await createTestPki()
const good = shown(pki.server)
const untrusted: Readonly<Record<string, SecureContextOptions>> = {
  'of another CA': shown(stranger.server),
  'for another name': shown(await pki.authority.issue({ certname: 'elsewhere.example.com' })),
  'that has expired': shown(
    await pki.authority.issue({
      certname: 'localhost',
      notBefore: new Date(Date.now() - 7_200_000),
      notAfter: new Date(Date.now() - 3_600_000)
    })
  ),
  'that is not valid yet': shown(
    await pki.authority.issue({ certname: 'localhost', notBefore: new Date(Date.now() + 3_600_000) })
  ),
  'that vouches for itself': shown(await selfSigned('localhost'))
}
const node = {
  path: '/puppet/v3/node/agent1?environment=production',
  headers: { 'x-puppet-version': '8.10.0' }
}
const ca = { path: '/puppet-ca/v1/certificate/ca', headers: node.headers }
const report = {
  method: 'PUT',
  path: '/puppet/v3/report/agent1',
  headers: node.headers,
  body: '{"a":"secret"}'
}

for (const [what, certificate] of Object.entries(untrusted)) {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(
      `${maxVersion}: a master with a certificate ${what} hears not one byte, probes included`,
      async t => {
        const listener = await startSilentListener(t, { ...certificate, maxVersion })
        const agent = await startAgent(t, listener)
        for (const question of [node, report]) {
          const answer = await agent.ask(question)
          t.equal(answer.status, 503)
          t.equal(answer.headers['x-puppet-lb-reason'], 'no-master')
          t.match(answer.headers['retry-after'], /^\d+$/)
        }
        // More than once, for a session of the first attempt must not make the second one easier.
        for (let attempt = 0; attempt < 3; attempt++) {
          const answer = await agent.ask(ca)
          t.equal(answer.status, 503)
          t.equal(answer.headers['x-puppet-lb-reason'], 'ca-unavailable')
        }
        t.ok(listener.connections() >= 5, 'it was tried')
        t.equal(listener.heard(), '')
      }
    )
  }

  t.test(`a master that changes to a certificate ${what} hears no more`, async t => {
    const listener = await startSilentListener(t, good)
    const agent = await startAgent(t, listener)
    t.equal((await agent.ask(node)).status, 200)
    const before = listener.heard()
    const connections = listener.connections()
    listener.show(certificate)
    for (const question of [report, ca]) {
      const answer = await agent.ask(question)
      t.equal(answer.status, 503)
    }
    t.ok(listener.connections() > connections, 'it was tried')
    t.equal(listener.heard(), before)
  })

  t.test(`only verify: false speaks to a master with a certificate ${what}`, async t => {
    const listener = await startSilentListener(t, certificate)
    const agent = await startAgent(t, listener, { verify: false })
    t.equal((await agent.ask(node)).status, 200)
    t.equal((await agent.ask(ca)).status, 200)
    t.match(listener.heard(), /GET \/puppet\/v3\/node\/agent1/)
  })
}

t.test('an environment variable does not switch the check off', async t => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.teardown(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED)
  const listener = await startSilentListener(t, shown(stranger.server))
  const agent = await startAgent(t, listener)
  t.equal((await agent.ask(ca)).status, 503)
  t.equal(listener.heard(), '')
})

t.test('what masters are trusted for is the CA of the hop, not the CA of the agents', async t => {
  const listener = await startSilentListener(t, good)
  const agent = await startAgent(t, listener, { ca: stranger.authority.bundle })
  t.equal((await agent.ask(ca)).status, 503)
  t.equal(listener.heard(), '')
})

async function startAgent(
  t: Parameters<typeof startBalancer>[0],
  { port }: SilentListener,
  tls: Partial<ReturnType<typeof testConfig>['settings']['upstream']['tls']> = {}
) {
  const url = `https://localhost:${port}`
  // No probe but the first one: what is to be seen is what requests do.
  const overrides = {
    listen: { workers: 0 },
    upstream: { tls: tls as never },
    health: { intervalMs: 3_600_000 }
  }
  const app = await startBalancer(t, testConfig(pki, { ca: url, masters: [{ name: 'm1', url }] }, overrides))
  return connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
}

function shown({ chain, key }: { chain: string; key: string }): SecureContextOptions {
  return { cert: chain, key }
}
