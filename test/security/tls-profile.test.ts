import { execFile } from 'node:child_process'
import t from 'tap'
import type { TlsProfile } from '../../src/model/settings.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** An RSA and an ECDSA certificate, so that every kind of key exchange has one that it could use. */
const pki = await createTestPki({ keyType: 'rsa2048' })
const rsa = await pki.authority.issue({ certname: 'puppet', keyType: 'rsa2048' })
const files = { certFile: 'x', keyFile: 'x' }
const certificates = [pki.server, rsa].map(({ chain, key }) => ({ ...files, cert: chain, key }))
const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })

const modern = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305'
]
/** What hosts before OpenSSL 1.0.1 speak: RSA key exchange and CBC. */
const old = [
  'AES128-GCM-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA'
]
/** What nobody may have: ARIA, Camellia, shortened tags, finite fields, no certificate, no encryption. */
const never = [
  'ARIA128-GCM-SHA256',
  'ECDHE-ARIA256-GCM-SHA384',
  'ECDHE-RSA-CAMELLIA128-SHA256',
  'CAMELLIA256-SHA',
  'AES128-CCM8',
  'ECDHE-ECDSA-AES256-CCM8',
  'DHE-RSA-AES128-GCM-SHA256',
  'ADH-AES128-SHA',
  'AECDH-AES128-SHA',
  'NULL-SHA256',
  'ECDHE-RSA-NULL-SHA'
]

/** What a handshake with one suite of a version comes to, by OpenSSL's own client. */
function handshake(port: number, ...args: readonly string[]): Promise<string> {
  const all = ['s_client', '-connect', `127.0.0.1:${port}`, '-brief', ...args]
  return new Promise(resolve => {
    const child = execFile('openssl', all, (_error, stdout, stderr) => {
      const said = stdout + stderr
      const [, version] = /Protocol version: (\S+)/.exec(said) ?? []
      const [, suite] = /Ciphersuite: (\S+)/.exec(said) ?? []
      resolve(version === undefined ? 'refused' : `${version} ${suite}`)
    })
    child.stdin?.end()
  })
}

/** The suites of a list that TLS 1.2 or an older version can agree on. */
async function agreed(port: number, suites: readonly string[], version = '-tls1_2'): Promise<string[]> {
  const results: string[] = []
  for (const suite of suites) {
    const result = await handshake(port, version, '-cipher', `${suite}:@SECLEVEL=0`)
    if (result.endsWith(` ${suite}`)) results.push(suite)
  }
  return results
}

function start(profile: TlsProfile) {
  const topology = { ca: master.url, masters: [{ name: 'm1', url: master.url }] }
  return testConfig(pki, topology, { listen: { workers: 0 }, tls: { profile, certificates } })
}

t.test('modern agrees on TLS 1.3, and on 1.2 with ECDHE and authenticated encryption alone', async t => {
  const { port } = await startBalancer(t, start('modern'))
  t.same(await agreed(port, [...modern, ...old, ...never]), modern)
  t.match(await handshake(port, '-tls1_3'), /^TLSv1\.3 TLS_/)
  for (const version of ['-tls1', '-tls1_1']) {
    t.equal(await handshake(port, version, '-cipher', 'ALL:@SECLEVEL=0'), 'refused', version)
  }
  t.equal(
    await handshake(port, '-tls1_2', '-cipher', 'ALL:@SECLEVEL=0', '-sigalgs', 'RSA+SHA1:ECDSA+SHA1'),
    'refused'
  )
})

for (const [what, options, cause] of [
  ['is too old', ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], 'it offers nothing that tls.profile allows'],
  ['shares no cipher', ['-tls1_2', '-cipher', 'AES128-SHA'], 'it offers nothing that tls.profile allows'],
  ['knows another CA', ['-verify_return_error', '-tls1_3'], 'it does not believe our certificate']
] as const) {
  t.test(`the log says which agent ${what}`, async t => {
    const { log, line } = captureLog()
    const { port } = await startBalancer(t, start('modern'), { log })
    await handshake(port, ...options)
    const told = await line({ msg: 'TLS handshakes with agents fail' })
    t.match(told, { level: 'info', remote: '127.0.0.1', failed: 1, cause })
  })
}

t.test('legacy agrees on what old hosts have as well, and prefers the better', async t => {
  const { port } = await startBalancer(t, start('legacy'))
  t.same(await agreed(port, [...modern, ...old, ...never]), [...modern, ...old])
  t.same(await agreed(port, ['AES128-SHA', 'ECDHE-RSA-AES128-SHA'], '-tls1'), [
    'AES128-SHA',
    'ECDHE-RSA-AES128-SHA'
  ])
  t.same(await agreed(port, ['AES256-SHA'], '-tls1_1'), ['AES256-SHA'])
  t.match(await handshake(port, '-tls1_3'), /^TLSv1\.3 TLS_/)
  t.match(
    await handshake(port, '-tls1_2', '-cipher', 'AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256'),
    /ECDHE-RSA-AES128-GCM/
  )
})

t.test('a reload takes the profile both ways, and a new certificate keeps it', async t => {
  let config = start('modern')
  const app = await startBalancer(t, config, { load: () => config })
  const isOld = async () => (await agreed(app.port, ['AES128-SHA'])).length > 0
  t.notOk(await isOld())
  config = start('legacy')
  await app.reload()
  t.ok(await isOld())
  config = {
    ...config,
    settings: { ...config.settings, tls: { ...config.settings.tls, certificates: certificates.slice(1) } }
  }
  await app.reload()
  t.ok(await isOld())
  config = start('modern')
  await app.reload()
  t.notOk(await isOld())
})
