import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { systemRuntime } from '../../src/model/runtime.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { startBalancer, testConfig } from '../support/balancer.ts'
import { createDoctorPki, inShort, type Planted, startDoctorSite } from '../support/doctor-site.ts'

const pki = await createDoctorPki()
const server = { cert: pki.master.chain, key: pki.master.key }

/** One planted fault, what is to be found of it, and a word that its message and its remedy must have. */
function planted(
  name: string,
  make: () => Planted | Promise<Planted>,
  found: readonly string[],
  message: RegExp,
  remedy: RegExp
): void {
  t.test(name, async t => {
    const site = await startDoctorSite(t, pki, await make())
    const { code, ok, findings } = await site.doctor()
    t.same(findings.map(inShort), found)
    t.match(findings[0]?.message, message)
    t.match(findings[0]?.remedy, remedy)
    t.same({ code, ok }, { code: 1, ok: false })
  })
}

t.test('on a site in order nothing is found, and nobody is asked for more than a dozen things', async t => {
  const { doctor, masters, ca } = await startDoctorSite(t, pki)
  t.same(await doctor(), { code: 0, ok: true, findings: [] })
  for (const each of [...masters, ca]) {
    t.ok(each.requestCount <= 12, `${each.name} was asked ${each.requestCount} times`)
    t.notOk(
      each.requests.some(({ method }) => method !== 'GET'),
      'and for nothing but to read'
    )
  }
})

planted(
  'a master that does not run is found',
  () => ({ config: { masters: [{ name: 'gone', url: 'https://localhost:1' }] } }),
  ['error reachability gone'],
  /it refuses connections \(ECONNREFUSED\)/,
  /Start Puppet Server there/
)

planted(
  'a master whose name nobody knows is found',
  () => ({ config: { masters: [{ name: 'nowhere', url: 'https://nowhere.invalid:8140' }] } }),
  ['error reachability nowhere'],
  /its name is not known/,
  /DNS or \/etc\/hosts/
)

planted(
  'a master whose certificate is for another name is found, with the names it has',
  async () => {
    const other = await pki.authority.issue({ certname: 'elsewhere.example.com' })
    return { second: { tls: { cert: other.chain, key: other.key, clientCa: pki.hop.bundle } } }
  },
  ['error reachability second', 'error certificate second'],
  /its certificate is for another name/,
  /openssl s_client/
)

planted(
  'a master that does not take our client certificate is found',
  async () => ({ second: { tls: { ...server, clientCa: (await createAuthority()).bundle } } }),
  ['error reachability second'],
  /it (?:closed|reset) the connection|refuses the client certificate/,
  /upstream\.tls\.cert.*ssl-ca-cert/
)

planted(
  'a master that takes identity from the client certificate alone is found',
  () => ({ second: { trustsHeaders: false } }),
  ['error identity second'],
  /takes every agent for the balancer/,
  /allow-header-cert-info: true.*\/etc\/puppet\/puppetserver.*\/etc\/puppetlabs\/puppetserver/
)

planted(
  'a master that believes headers of whoever reaches it is found',
  () => ({ second: { tls: server } }),
  ['error identity second'],
  /anybody who can connect/,
  /client-auth: need/
)

planted(
  'a master that believes headers of whoever has a certificate of the Puppet CA is found',
  async () => {
    const client = await pki.authority.issue({ certname: 'puppet.example.com' })
    return {
      second: { tls: { ...server, clientCa: pki.authority.bundle + pki.hop.bundle } },
      files: { 'hop.pem': client.chain, 'hop.key': client.key },
      masters: { tls: { ...server, clientCa: pki.authority.bundle } }
    }
  },
  ['error identity first', 'error identity second'],
  /each agent that can connect/,
  /ssl-ca-cert to a certificate that the balancer alone has/
)

planted(
  'a CA that believes headers of whoever reaches it is found',
  () => ({ ca: { trustsHeaders: true } }),
  ['error identity ca'],
  /anybody who can connect/,
  /allow-header-cert-info: false/
)

planted(
  'an older Puppet Server beside a newer one is found',
  () => ({ second: { version: '7.9.5' } }),
  ['warning version second'],
  /Puppet Server 7\.9\.5 and first 8\.7\.0/,
  /Finish the upgrade/
)

planted(
  'rules that deny what agents need are found, at masters and at the CA',
  () => ({
    second: { denies: ['/puppet/v3/catalog/'] },
    ca: { denies: ['/puppet-ca/v1/certificate_revocation_list'] }
  }),
  ['error permission second', 'error permission ca'],
  /403 to GET \/puppet\/v3\/catalog/,
  /auth\.conf/
)

planted(
  'a CA that is none is found',
  () => ({ ca: { ca: undefined } as unknown as Planted['ca'] & object }),
  ['error permission ca', 'error permission ca'],
  /404 to GET \/puppet-ca\/v1\/certificate\/ca/,
  /ca\.url/
)

planted(
  'another CA than the one whose agents are let in is found',
  async () => ({ ca: { ca: await createAuthority() } }),
  ['error certificate tls.ca', 'warning revocation ca'],
  /ca\.url is another CA/,
  /ca_crt\.pem/
)

planted(
  'what the CA has revoked and our list does not name is found',
  async () => {
    const { serial } = await pki.authority.issue({ certname: 'stolen.example.com' })
    return { ca: { ca: { ...pki.authority, crl: () => pki.authority.crl({ revoked: [serial] }) } } }
  },
  ['error revocation ca'],
  /has revoked 1 certificate that our list does not name/,
  /ca_crl\.pem/
)

planted(
  'a list past its date is found',
  async () => ({
    files: { 'crl.pem': await pki.authority.crl({ nextUpdate: new Date('2020-01-01') }) }
  }),
  ['warning revocation tls.crl.file', 'warning revocation tls.crl.file'],
  /was to be replaced before 2020-01-01/,
  /ca_crl\.pem/
)

planted(
  'plugins that differ between masters are found',
  () => ({ second: { codeVersion: '2' } }),
  ['warning code second'],
  /plugins of the environment production.*lib\/facter\/demo_0\.rb/,
  /Deploy the same code/
)

planted(
  'an environment that only one of the masters has is found',
  () => ({ second: { environments: ['production', 'canary'] } }),
  ['warning code second'],
  /canary is on one of them only/,
  /r10k/
)

planted(
  'a certificate of ours that the agents’ CA did not sign is found',
  async () => {
    const other = await (await createAuthority()).issue({ certname: 'puppet.example.com' })
    return { files: { 'server.pem': other.chain, 'server.key': other.key } }
  },
  ['error certificate tls.cert'],
  /no CA of tls\.ca has signed/,
  /puppetserver ca generate/
)

planted(
  'a certificate of ours that has expired is found, before anybody is asked',
  async () => {
    const old = await pki.authority.issue({
      certname: 'puppet.example.com',
      notAfter: new Date('2020-01-01'),
      notBefore: new Date('2019-01-01')
    })
    return { files: { 'server.pem': old.chain, 'server.key': old.key } }
  },
  ['error configuration tls.cert'],
  /expired on 2020-01-01/,
  /puppetserver ca generate/
)

t.test('a clock that is wrong is found, and ours is blamed when all others agree', async t => {
  const { doctor } = await startDoctorSite(t, pki)
  const wallClock = () => Date.now() - 600_000
  const { code, findings } = await doctor([], { runtime: { ...systemRuntime, wallClock } })
  t.same(findings.map(inShort), ['error clock this machine'])
  t.match(findings[0]?.message, /(?:59|60)\d s behind that of every master/)
  t.equal(code, 1)
})

t.test(
  'a name that clients use and the certificate lacks is found by what a running balancer saw',
  async t => {
    const { masters, ca, file, doctor } = await startDoctorSite(t, pki)
    const { chain: cert, key } = pki.client
    const client = { cert, key, certFile: 'hop.pem', keyFile: 'hop.key' }
    const named = masters.map(({ name, url }) => ({ name, url: url.replace('127.0.0.1', 'localhost') }))
    const config = testConfig(
      pki,
      { ca: ca.url.replace('127.0.0.1', 'localhost'), masters: named },
      { listen: { workers: 1 }, upstream: { tls: { client } as never } }
    )
    const app = await startBalancer(t, config)
    writeFileSync(
      file,
      JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), admin: { port: app.adminPort } })
    )
    for (const servername of ['old.example.com', 'old.example.com', 'puppet.example.com']) {
      const socket = connect({ port: app.port, host: '127.0.0.1', ca: pki.authority.bundle, servername })
      // As an agent, it gives up when the certificate is for other names.
      socket.on('error', () => {}).on('secureConnect', () => socket.end())
      await new Promise(resolve => socket.once('close', resolve))
    }
    const { findings } = await doctor()
    t.same(findings.map(inShort), ['warning names old.example.com'])
    t.match(findings[0]?.message, /by which clients came 2 times/)
    t.match(findings[0]?.remedy, /--subject-alt-names/)
  }
)

t.test('a person gets each finding with how to mend it, and a count', async t => {
  const { file } = await startDoctorSite(t, pki, { second: { version: '7.9.5' } })
  const { code, out } = await puppetLb(['doctor', '--config', file])
  t.equal(code, 1)
  t.match(
    out,
    /^warning: second \(version\)\n {2}it runs Puppet Server 7\.9\.5[^>]*\n {2}> Finish the upgrade/
  )
  t.match(out, /\n1 warning\n$/)
})

t.test('what cannot be looked at ends with 2', async t => {
  const { file } = await startDoctorSite(t, pki)
  const missing = await puppetLb(['doctor', '--config', '/nonexistent/puppet-lb.yaml'])
  t.match(missing, { code: 2, out: '', err: /nonexistent\/puppet-lb\.yaml cannot be read \(ENOENT\)/ })
  t.match(await puppetLb(['doctor']), { code: 2, out: '' }, 'no configuration is named')
  t.match(await puppetLb(['doctor', '--config', file, '--ca-dir', '/nonexistent']), { code: 2, out: '' })
})

t.test('on the CA itself its full list and the files of its Puppet Server are looked at', async t => {
  const { doctor, directory } = await startDoctorSite(t, pki)
  const { serial } = await pki.authority.issue({ certname: 'stolen.example.com' })
  writeFileSync(join(directory, 'ca_crl.pem'), await pki.authority.crl({ revoked: [serial] }))
  const confd = join(directory, 'conf.d')
  mkdirSync(confd)
  writeFileSync(
    join(confd, 'auth.conf'),
    'authorization: {\n  version: 1\n  allow-header-cert-info: true\n}\n'
  )
  writeFileSync(join(confd, 'ca.conf'), 'certificate-authority: { enable-infra-crl: true }\n')
  writeFileSync(
    join(confd, 'webserver.conf'),
    'webserver: {\n  client-auth: want\n  ssl-host: 0.0.0.0\n  ssl-port: 8140\n}\n'
  )
  const { findings } = await doctor(['--ca-dir', directory, '--server-dir', confd])
  t.same(findings.map(inShort), [
    `error revocation ${directory}/ca_crl.pem`,
    `error server-files ${confd}/webserver.conf`,
    `note server-files ${confd}/ca.conf`
  ])
})
