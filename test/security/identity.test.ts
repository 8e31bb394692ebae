import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import type { SeenRequest } from '../support/scripted-master.ts'
import { startScene } from './support/scene.ts'

const node = '/puppet/v3/node/agent1.example.com?environment=production'

for (const [chain, intermediate] of [
  ['a root and an intermediate', true],
  ['a lone root', false]
] as const) {
  t.test(`an agent of ${chain} is named to the master by exactly three headers`, async t => {
    const pki = await createTestPki({ intermediate })
    const { app, masters } = await startScene(t, { pki })
    const identity = await pki.authority.issue({ certname: 'agent1.example.com' })
    await connectAgent(t, pki, app.port, identity).ask({ path: node })
    const [request] = masters[0]?.seen ?? []
    t.same(identityOf(request), [
      ['X-Client-Verify', 'SUCCESS'],
      ['X-Client-DN', 'CN=agent1.example.com'],
      ['X-Client-Cert', encodeURIComponent(identity.cert.replace(/\n*$/, '\n'))]
    ])
    t.same(certificatesIn(request), [new X509Certificate(identity.cert).fingerprint256])
  })
}

t.test('the leaf alone goes into X-Client-Cert, whatever chain the client sends', async t => {
  const { app, masters, pki } = await startScene(t)
  const identity = await pki.authority.issue({ certname: 'agent1.example.com' })
  const leaf = new X509Certificate(identity.cert).fingerprint256
  for (const chain of [identity.cert, identity.chain, `${identity.chain}${pki.authority.bundle}`]) {
    await connectAgent(t, pki, app.port, { ...identity, chain }).ask({ path: node })
    t.same(certificatesIn(masters[0]?.seen.at(-1)), [leaf])
  }
})

t.test('a client without a certificate is NONE to the CA and to masters, and nothing else', async t => {
  const { app, masters, ca, pki } = await startScene(t)
  const agent = connectAgent(t, pki, app.port)
  await agent.ask({ path: '/puppet-ca/v1/certificate/ca' })
  await agent.ask({ path: node })
  t.same(identityOf(ca.seen[0]), [['X-Client-Verify', 'NONE']])
  t.same(identityOf(masters[0]?.seen[0]), [['X-Client-Verify', 'NONE']])
})

t.test('the identity is the same on every request of a connection and for the CA', async t => {
  const { app, masters, ca, pki } = await startScene(t)
  const identity = await pki.authority.issue({ certname: 'agent1.example.com' })
  const agent = connectAgent(t, pki, app.port, identity)
  await agent.ask({ path: node })
  await agent.ask({ method: 'PUT', path: '/puppet/v3/report/agent1.example.com', body: '{}' })
  await agent.ask({ path: '/puppet-ca/v1/certificate_status/agent1.example.com' })
  const told = [...(masters[0]?.seen ?? []), ...ca.seen].map(identityOf)
  t.equal(told.length, 3)
  t.same(told[1], told[0])
  t.same(told[2], told[0])
})

/** Everything that speaks of the client, in order: pairs of name and value. */
function identityOf(request: SeenRequest | undefined): [string, string][] {
  const { rawHeaders = [] } = request ?? {}
  const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []
  )
  return pairs.filter(([name]) => /client|ssl|forwarded/i.test(name))
}

function certificatesIn(request: SeenRequest | undefined): string[] {
  const pem = decodeURIComponent(request?.header('x-client-cert')[0] ?? '')
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block).fingerprint256)
}
