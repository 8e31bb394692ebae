import t from 'tap'
import { ExtendedKeyUsage, ExtendedKeyUsageExtension } from '../../src/pki/x509.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { certifiersOf, issueSubject, selfSigned } from './support/odd-certificates.ts'
import { startScene } from './support/scene.ts'

type Shown = Pick<IssuedCertificate, 'chain' | 'key'>

const hourMs = 3_600_000
const pki = await createTestPki()
const { authority } = pki
const stranger = await createTestPki()
const issuers = certifiersOf(authority)
const good = await authority.issue({ certname: 'agent1' })
const notOurs =
  /^The client certificate was refused: it was not issued by the Puppet CA of this load balancer\. /

const refused: readonly { what: string; shown: Shown; sentence: RegExp }[] = [
  {
    what: 'another CA',
    shown: await stranger.authority.issue({ certname: 'agent1' }),
    sentence: notOurs
  },
  {
    what: 'another CA, which it brings along',
    shown: await withRoot(stranger.authority, 'agent1'),
    sentence: notOurs
  },
  {
    what: 'a certificate that expired',
    shown: await authority.issue({ certname: 'agent1', notAfter: new Date(Date.now() - hourMs) }),
    sentence: /^The client certificate was refused: it has expired\. /
  },
  {
    what: 'a certificate of the future',
    shown: await authority.issue({ certname: 'agent1', notBefore: new Date(Date.now() + hourMs) }),
    sentence: /^The client certificate was refused: it is not valid yet; compare the clocks\. /
  },
  { what: 'a self-signed certificate', shown: await selfSigned('agent1'), sentence: notOurs },
  {
    what: 'a certificate for servers only',
    shown: await issueSubject(issuers, [['CN', 'agent1']], {
      extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)]
    }),
    sentence: /^The client certificate was refused: it is not for clients, by its key usage\. /
  },
  {
    what: 'a certificate signed with the key of an agent',
    shown: await signedByLeaf(),
    sentence: /^The client certificate was refused: it was issued with a certificate that is not a CA's\. /
  }
]

const routes = [
  { method: 'GET', path: '/puppet/v3/node/agent1?environment=production' },
  { method: 'POST', path: '/puppet/v3/catalog/agent1', body: 'environment=production' },
  { method: 'PUT', path: '/puppet/v3/report/agent1', body: '{}' },
  { method: 'GET', path: '/puppet-ca/v1/certificate/ca' },
  { method: 'PUT', path: '/puppet-ca/v1/certificate_request/agent1', body: 'csr' },
  { method: 'GET', path: '/production/certificate_revocation_list/ca' },
  { method: 'GET', path: '/status/v1/simple' },
  { method: 'GET', path: '/status/v1/simple/ca' },
  { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache' }
] as const

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const tls = { minVersion: version, maxVersion: version }

  t.test(`${version}: a good certificate is served`, async t => {
    const { app, reached } = await startScene(t, { pki })
    const answer = await connectAgent(t, pki, app.port, good, tls).ask(routes[0])
    t.equal(answer.status, 200)
    t.equal(reached().length, 1)
  })

  for (const { what, shown, sentence } of refused) {
    t.test(
      `${version}: ${what} gets 403 and a sentence, whatever is asked, and reaches no master`,
      async t => {
        const { app, reached } = await startScene(t, {
          pki,
          overrides: { access: { administrators: ['agent1'] } }
        })
        const agent = connectAgent(t, pki, app.port, shown, tls)
        for (const question of routes) {
          const answer = await agent.ask(question)
          t.equal(answer.status, 403, question.path)
          t.match(answer.body, sentence)
          t.equal(answer.headers['x-puppet-lb-reason'], 'certificate-refused')
        }
        t.same(reached(), [])
      }
    )
  }
}

async function withRoot(from: typeof authority, certname: string): Promise<Shown> {
  const issued = await from.issue({ certname })
  return { ...issued, chain: issued.cert + from.bundle }
}

/** Whoever holds an agent's key must not be able to issue more agents. */
async function signedByLeaf(): Promise<Shown> {
  const { certifier, ...agent } = await issueSubject(issuers, [['CN', 'agent2']])
  const forged = await issueSubject([certifier], [['CN', 'agent1']])
  return { ...forged, chain: forged.cert + agent.chain }
}
