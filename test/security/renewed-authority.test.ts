import type { SecureVersion } from 'node:tls'
import t from 'tap'
import { alternativeNames } from '../../src/pki/signing-request.ts'
import { ExtendedKeyUsage, ExtendedKeyUsageExtension } from '../../src/pki/x509.ts'
import { createRevocationList } from '../../src/simulation/revocation-list.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import {
  createRenewedCa,
  forAgents,
  type Identification,
  keyPemOf,
  type Link,
  pemsOf,
  type RenewedCa
} from '../support/renewed-ca.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startCrlScene } from './support/crl-scene.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const pki = await createTestPki()
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const request = 'GET /puppet/v3/node/agent1 HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** What an agent shows: its certificate alone, or all that stood above it when it was made, as Ruby's OpenSSL adds. */
function shown(leaf: Link, above: readonly Link[] = []) {
  return { chain: pemsOf(leaf, ...above.toReversed()), key: keyPemOf(leaf) }
}

async function startWith(t: Parameters<typeof startScene>[0], ca: string) {
  const { app, reached } = await startScene(t, { pki, overrides: { tls: { ca } } })
  const ask = async (agent: ReturnType<typeof shown>, version: SecureVersion) => {
    const tls = { minVersion: version, maxVersion: version }
    const { status, body } = await (await connectRaw(t, pki, app.port, agent, tls)).ask(request)
    return {
      status,
      sentence: body.replace(/^The client certificate was refused: |\. Request \S+$/g, '')
    }
  }
  return { ask, reached }
}

const files: Readonly<Record<string, (ca: RenewedCa) => string>> = {
  'the old certificates first': ({ old, renewed }) => pemsOf(...old, ...renewed),
  'the new certificates first': ({ old, renewed }) => pemsOf(...renewed, ...old),
  'the new certificates alone': ({ renewed }) => pemsOf(...renewed)
}

for (const levels of [['Lone root'], ['Root', 'Intermediate']]) {
  for (const identification of ['key', 'serial', 'none'] satisfies Identification[]) {
    const ca = await createRenewedCa({ levels, identification })
    const before = await ca.issue(ca.old)
    const after = await ca.issue(ca.renewed)
    const by = `${levels.length} levels, CA named by ${identification}`
    for (const [what, file] of Object.entries(files)) {
      t.test(`${by}: with ${what} in tls.ca agents of before and after the renewal are served`, async t => {
        const { ask } = await startWith(t, file(ca))
        for (const version of versions) {
          for (const [whose, agent] of Object.entries({
            'of before': shown(before),
            'of before, with what was above it': shown(before, ca.old),
            'of after': shown(after),
            'of after, with what is above it': shown(after, ca.renewed)
          }))
            t.same((await ask(agent, version)).status, 200, `${version} ${whose}`)
        }
      })
    }
  }
}

t.test('whatever else is wrong with a certificate of before the renewal keeps it out', async t => {
  const ca = await createRenewedCa({ identification: 'serial' })
  const stranger = await createRenewedCa({ identification: 'serial' })
  const serverAuth = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth], true)
  const { ask, reached } = await startWith(t, pemsOf(...ca.old, ...ca.renewed))
  for (const version of versions) {
    for (const [what, agent, sentence] of [
      ['it has expired', shown(await ca.issue(ca.old, { days: [-50, -2] })), /^it has expired$/],
      [
        'it is for servers only',
        shown(await ca.issue(ca.old, { extensions: [serverAuth] })),
        /^it is not for clients, by its key usage$/
      ],
      ['it is of a namesake', shown(await stranger.issue(stranger.old)), /another CA of the same name/],
      [
        'it is of a namesake, which it brings along',
        shown(await stranger.issue(stranger.old), stranger.old),
        /another CA of the same name|not issued by the Puppet CA/
      ]
    ] as const) {
      const answer = await ask(agent, version)
      t.equal(answer.status, 403, `${version}: ${what}`)
      t.match(answer.sentence, sentence)
    }
  }
  t.same(reached(), [])
})

t.test('where the heir is missing the sentence names the CA that expired', async t => {
  const ca = await createRenewedCa({ identification: 'serial' })
  const [root] = ca.renewed as [Link]
  const { ask } = await startWith(t, pemsOf(root, ...ca.old))
  for (const version of versions) {
    t.same(await ask(shown(await ca.issue(ca.old)), version), {
      status: 403,
      sentence: 'the CA certificate "Intermediate" above it has expired'
    })
  }
})

for (const named of ['key', 'serial'] satisfies Identification[]) {
  t.test(`a revoked agent of before the renewal stays out, its CA named by ${named}`, async t => {
    const ca = await createRenewedCa({ identification: named })
    const [gone, here] = [await ca.issue(ca.old), await ca.issue(ca.old)]
    const dates = { thisUpdate: new Date(Date.now() - 60_000), nextUpdate: new Date(Date.now() + 86_400_000) }
    const lists = await Promise.all(
      ca.renewed.map((by, level) =>
        createRevocationList(
          { certificate: by.certificate, keys: { ...by.keys, pem: keyPemOf(by) } },
          { ...dates, number: 1, revoked: level === 1 ? [gone.certificate.serialNumber] : [] }
        )
      )
    )
    const tls = { ca: pemsOf(...ca.old, ...ca.renewed) }
    const { app } = await startCrlScene(t, lists.join(''), { pki, overrides: { tls } })
    for (const version of versions) {
      const ask = async (leaf: Link) => {
        const agent = await connectRaw(t, pki, app.port, shown(leaf), {
          minVersion: version,
          maxVersion: version
        })
        return (await agent.ask(request)).status
      }
      t.same([await ask(gone), await ask(here)], [403, 200])
    }
  })
}

for (const identification of ['key', 'serial'] satisfies Identification[])
  t.test(
    `masters of before and after a renewal are reached, and nobody else, named by ${identification}`,
    async t => {
      const ca = await createRenewedCa({ identification })
      const stranger = await createRenewedCa({ identification })
      const names = (name: string) => ({ extensions: [...forAgents(), alternativeNames([name])] })
      const verdictOn = async (leaf: Link, above: readonly Link[]) => {
        const tls = { chain: pemsOf(leaf, ...above.toReversed()), key: keyPemOf(leaf) }
        const master = await startScriptedMaster(t, (_request, response) => response.end('from it'), { tls })
        const topology = { ca: master.url, masters: [{ name: 'm1', url: master.url }] }
        const bundle = {
          ca: pemsOf(...ca.old, ...ca.renewed),
          client: undefined,
          serverName: undefined,
          verify: true
        }
        const app = await startBalancer(
          t,
          testConfig(pki, topology, { upstream: { tls: bundle }, listen: { workers: 0 } })
        )
        const { masters } = app.status()
        const agent = await connectRaw(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
        const path = '/puppet-ca/v1/certificate/agent1'
        const { status } = await agent.ask(
          `GET ${path} HTTP/1.1\r\nHost: puppet\r\nX-Puppet-Version: 8.10.0\r\n\r\n`
        )
        return `${masters[0]?.state} ${status} ${masters[0]?.cause ?? ''}`
      }
      t.equal(await verdictOn(await ca.issue(ca.old, names('localhost')), ca.old), 'up 200 ')
      t.equal(await verdictOn(await ca.issue(ca.renewed, names('localhost')), ca.renewed), 'up 200 ')
      const other = await ca.issue(ca.old, names('other.example.com'))
      t.match(await verdictOn(other, ca.old), /^down 503 its certificate is for another name/)
      const foreign = await stranger.issue(stranger.old, names('localhost'))
      t.match(await verdictOn(foreign, stranger.old), /^down 503 its certificate/)
      const late = await ca.issue(ca.old, { ...names('localhost'), days: [-50, -1] })
      t.match(await verdictOn(late, ca.old), /^down 503 its certificate has expired/)
    }
  )
