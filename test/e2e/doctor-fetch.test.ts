import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createCaRegistry } from '../../src/simulation/ca-registry.ts'
import { startBalancer, testConfig } from '../support/balancer.ts'
import { createDoctorPki, inShort, type Planted, startDoctorSite } from '../support/doctor-site.ts'
import { fetchedLists, startListAuthority } from '../support/list-authority.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createDoctorPki()

/** A site that has its lists from the CA, and keeps them beside the configuration. */
function startSite(t: Test, planted: Planted = {}) {
  const files = { cert: 'server.pem', key: 'server.key', ca: 'ca.pem' }
  const config = { tls: { ...files, crl: { fetch: true, directory: '.' } } }
  return startDoctorSite(t, pki, { ...planted, config })
}

/** A balancer of that site, which fetches from somewhere else. */
async function startBalancerOf(t: Test, site: Awaited<ReturnType<typeof startSite>>, ca: string) {
  const { chain: cert, key } = pki.client
  const client = { cert, key, certFile: 'hop.pem', keyFile: 'hop.key' }
  const masters = site.masters.map(({ name, url }) => ({ name, url: url.replace('127.0.0.1', 'localhost') }))
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      { ca, masters },
      {
        listen: { workers: 1 },
        tls: { crl: fetchedLists({ directory: site.directory }) },
        upstream: { tls: { client } as never }
      }
    )
  )
  const config = JSON.parse(readFileSync(site.file, 'utf8'))
  writeFileSync(site.file, JSON.stringify({ ...config, admin: { port: app.adminPort } }))
  return app
}

t.test(
  'with lists from the CA, a site in order is found in order before the first of them is kept',
  async t => {
    const { doctor } = await startSite(t)
    t.same(await doctor(), { code: 0, ok: true, findings: [] })
  }
)

t.test('our own certificate is held against what the CA would give', async t => {
  const revoked = [pki.server.serial]
  const { doctor } = await startSite(t, {
    ca: { ca: { ...pki.authority, crl: () => pki.authority.crl({ revoked }) } },
    files: { 'ca_crl.pem': await pki.authority.crl({ revoked }) }
  })
  t.same((await doctor()).findings.map(inShort), ['error certificate tls.cert'])
})

t.test('a list that is kept and damaged is found, and the CA is asked in its place', async t => {
  const { doctor, directory } = await startSite(t, {
    files: { 'revocation-lists.pem': pki.crl.slice(0, 300) }
  })
  const { findings } = await doctor()
  t.same(findings.map(inShort), ['warning revocation tls.crl.directory'])
  t.match(findings[0]?.remedy, join(directory, 'revocation-lists.pem'))
})

t.test('a CA that serves its short list is found where nothing is kept, and where that list is', async t => {
  const registry = createCaRegistry(pki.authority, { infraCrl: true })
  for (const files of [{}, { 'revocation-lists.pem': await registry.crl() }]) {
    const { doctor } = await startSite(t, { ca: { ca: registry }, files })
    const { findings } = await doctor()
    t.same(findings.map(inShort), ['error revocation ca'])
  }
})

t.test('a running balancer that has no list yet is found', async t => {
  const site = await startSite(t)
  await startBalancerOf(t, site, 'https://127.0.0.1:1')
  const { findings } = await site.doctor()
  t.same(findings.map(inShort), ['error revocation tls.crl.fetch'])
  t.match(findings[0]?.message, /has no revocation list in force.*503/)
})

t.test('a running balancer that gets no newer lists is found, with why', async t => {
  const site = await startSite(t)
  const ca = await startListAuthority(t, pki)
  ca.give(pki.crl)
  const app = await startBalancerOf(t, site, ca.url)
  ca.answer(response => response.writeHead(500).end())
  await ca.asked(2)
  t.match(app.status().crl, { problem: /500/ })
  const { findings } = await site.doctor()
  t.same(findings.map(inShort), ['warning revocation tls.crl.fetch'])
  t.match(
    findings[0]?.message,
    /gives the balancer that runs no list \(it last did at 20.*\): it answered 500/
  )
})
