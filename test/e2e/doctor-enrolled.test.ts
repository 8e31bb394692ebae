import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import { certificatesOf } from '../../src/pki/authorities.ts'
import { type CaRules, createCaRegistry } from '../../src/simulation/ca-registry.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { certname, ownDirectory } from '../control/certificates/scene.ts'
import { createDoctorPki, inShort } from '../support/doctor-site.ts'
import { enrolVariables, spawnEnrolling } from '../support/enrolling-process.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createDoctorPki()
const fingerprint = certificatesOf(pki.authority.bundle).at(-1)?.fingerprint256 ?? ''

/** A site with one server whose door only the balancer's certificate for this hop opens, told by variables alone. */
async function startSite(t: Test, rules: CaRules = {}) {
  const registry = createCaRegistry(pki.authority, { altNames: true, ...rules })
  const { chain: cert, key } = pki.master
  const master = await startSimulatedMaster({
    name: 'puppetca',
    ca: registry,
    tls: { cert, key, clientCa: pki.hop.bundle }
  })
  t.teardown(master.close)
  const directory = ownDirectory(t)
  const files = { 'hop.pem': pki.client.chain, 'hop.key': pki.client.key, 'ca_crl.pem': pki.crl }
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text, { mode: 0o600 })
  const altNames = ['puppet', 'localhost', '127.0.0.1']
  const variables = {
    ...enrolVariables({
      url: master.url.replace('127.0.0.1', 'localhost'),
      name: certname,
      fingerprint,
      altNames
    }),
    PUPPET_LB_UPSTREAM_TLS_CERT: 'hop.pem',
    PUPPET_LB_UPSTREAM_TLS_KEY: 'hop.key',
    PUPPET_LB_LISTEN_WORKERS: '1',
    PUPPET_LB_LISTEN_LIMITS_CONNECTIONS: '50'
  }
  const file = join(directory, 'puppet-lb.yaml')
  return {
    ...{ registry, master, directory, file, variables },
    enroll: () => puppetLb(['enroll', '--config', file], { env: variables }),
    async doctor(adminPort = 1): Promise<Diagnosis & { readonly code: number }> {
      const places = ['--ca-dir', directory, '--server-dir', directory]
      const env = { ...variables, PUPPET_LB_ADMIN_PORT: String(adminPort) }
      const { code, out, err } = await puppetLb(['doctor', '--config', file, '--json', ...places], { env })
      if (out === '') throw new Error(`it ended with ${code}: ${err}`)
      return { code, ...(JSON.parse(out) as Diagnosis) }
    }
  }
}

t.test(
  'a site with one server and no file at all is in order, with a note that the CA is the one master',
  async t => {
    const { enroll, doctor } = await startSite(t)
    t.match(await enroll(), { code: 0 })
    const { code, findings } = await doctor()
    t.match(findings, [
      { level: 'note', check: 'configuration', message: /masters: is missing: the CA is the one master/ }
    ])
    t.same({ code, count: findings.length }, { code: 0, count: 1 })
  }
)

t.test('before it is enrolled that is the one thing to find, and how to enrol is how to mend it', async t => {
  const { doctor, file } = await startSite(t)
  const { code, findings } = await doctor()
  t.same(findings.map(inShort), ['error configuration enroll'])
  t.match(findings[0]?.remedy, `puppet-lb enroll --config ${file}`)
  t.equal(code, 1)
})

t.test('a certificate that the CA has no more is found by what the running balancer says', async t => {
  const { enroll, registry, directory, variables, doctor } = await startSite(t)
  await enroll()
  registry.forget(certname)
  const balancer = spawnEnrolling(t, directory, variables)
  const { adminPort } = await balancer.serving()
  await balancer.line({ state: 'cleaned' })
  const { findings } = await doctor(adminPort)
  t.same(findings.filter(({ level }) => level !== 'note').map(inShort), ['error certificate tls.cert'])
  t.match(findings[0], {
    message: /has no certificate for lb\.example\.com any more/,
    remedy: /puppetserver ca clean --certname lb\.example\.com.*puppet-lb enroll.*403/
  })
})

t.test('the short list of a CA is found, although nothing in it says what it is', async t => {
  const { enroll, doctor } = await startSite(t, { infraCrl: true })
  await enroll()
  const { findings } = await doctor()
  t.same(findings.map(inShort).slice(0, -1), ['error revocation ca'])
  t.match(findings[0], { message: /enable-infra-crl/, remedy: /The full list/ })
})
