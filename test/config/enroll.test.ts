import { chmodSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { loadEnrolment } from '../../src/config/load-enrolment.ts'
import type { ConfigError } from '../../src/config/problems.ts'
import { ca, load, masters, minimal, pemFiles, problemsOf } from './fixture.ts'

const digits = 'AB'.repeat(32)
const fingerprint = Array(32).fill('AB').join(':')
const enroll = `enroll: { name: lb.example.com, altNames: [puppet, "DNS:puppet.example.com", "IP:192.0.2.1"], caFingerprint: ${digits}, dir: . }`
const enrolled = {
  'cert.pem': pemFiles['server.pem'],
  'key.pem': pemFiles['server.key']
}

t.test('with enroll, tls names the files that it brings, and what the file says itself stays', async t => {
  const { settings, file } = load(t, `${enroll}\n${ca}\n${masters}\n`, { files: enrolled })
  const directory = join(file, '..')
  t.same(settings.enroll, {
    name: 'lb.example.com',
    altNames: ['puppet', 'puppet.example.com', '192.0.2.1'],
    caFingerprint: fingerprint,
    keyType: 'ecdsa',
    directory
  })
  t.equal(settings.tls.certificates[0]?.certFile, join(directory, 'cert.pem'))
  t.match(settings.tls.crl, { file: join(directory, 'crl.pem'), fetch: true })
  const own = load(
    t,
    `${enroll}\ntls: { ca: ca.pem, cert: server.pem, key: server.key, crl: { fetch: false, refresh: 9s } }\n${ca}\n${masters}\n`
  )
  t.equal(own.settings.tls.certificates[0]?.certFile, join(own.file, '../server.pem'))
  t.match(own.settings.tls.crl, {
    file: join(own.file, '../crl.pem'),
    fetch: false,
    directory: join(own.file, '..'),
    refreshMs: 9_000
  })
})

t.test('what is kept over a restart is kept in its directory, or where the file says', async t => {
  const kept = (group: string) => {
    const { settings, file } = load(t, `${enroll}\n${ca}\n${masters}\n${group}`, { files: enrolled })
    const at = join(file, '..')
    return [settings.state.directory, settings.tls.crl?.directory].map(path => path && relative(at, path))
  }
  t.same(kept(''), ['', ''])
  t.same(kept('state: { directory: kept }\n'), ['kept', 'kept'])
  t.same(kept('tls: { crl: { directory: lists } }\n'), ['', 'lists'])
  const problems = problemsOf(t, `${enroll}\n${ca}\n${masters}\nstate: kept\n`)
  t.match(problems.at(-1), / state: is "kept", must be a group of the key directory/)
})

t.test('an RSA key is asked for in the file or by a variable', async t => {
  const keyType = (written: string, env = {}) =>
    load(t, `${written}\n${ca}\n${masters}\n`, { files: enrolled, env }).settings.enroll?.keyType
  t.equal(keyType(enroll.replace(' dir:', ' keyType: rsa, dir:')), 'rsa')
  t.equal(keyType(enroll, { PUPPET_LB_ENROLL_KEY_TYPE: 'rsa' }), 'rsa')
})

t.test('the CA is the one master where nobody names another, with a warning', async t => {
  const { settings, warnings } = load(t, `${enroll}\n${ca}\n`, { files: enrolled })
  t.match(settings.masters, [{ name: 'master', url: 'https://ca.example.com:8140' }])
  t.match(warnings, [/puppet-lb\.yaml:1:1 masters: is missing: the CA is the one master/])
  t.same(load(t, `${enroll}\n${ca}\n${masters}\n`, { files: enrolled }).warnings, [])
})

t.test('before it is enrolled, the file says that it is not, and what does it', async t => {
  const problems = problemsOf(t, `${enroll}\n${ca}\n${masters}\n`)
  t.match(problems[0], /puppet-lb\.yaml:1:1 tls\.cert: is "cert\.pem", but there is no file/)
  t.match(
    problems.at(-1),
    /puppet-lb\.yaml:1:1 enroll: is not done yet.*serve does it at its start, and so does puppet-lb enroll/
  )
  const own = problemsOf(t, `${enroll.replace(' dir: .', ' dir: new')}\n${minimal()}`)
  t.equal(own.length, 2, own.join())
  t.match(own[0], /tls\.crl\.file: names new\/crl\.pem, which cannot be read/, 'beside another certificate')
  t.match(own[1], /enroll: is not done yet/)
})

const wrong: readonly (readonly [group: string, problem: RegExp])[] = [
  ['enroll: { name: Puppet }', /enroll\.name: is "Puppet", must be a certname: small letters/],
  ['enroll: { name: ca }', /enroll\.name: is "ca", must be a certname: .*not "ca", which is the CA itself/],
  [
    'enroll: { name: a, altNames: [Puppet] }',
    /altNames\[0\]: is "Puppet", must be a DNS name in small letters/
  ],
  ['enroll: { altNames: [a] }', /enroll\.name: is missing, must be a certname/],
  [
    'enroll: { name: a, altNames: ["*.b"] }',
    /enroll\.altNames\[0\]: is "\*\.b", must be a DNS name in small letters, or an IP address/
  ],
  ['enroll: { name: a, caFingerprint: AB }', /enroll\.caFingerprint: is "AB", must be a SHA-256 fingerprint/],
  ['enroll: { name: a, keyType: dsa }', /enroll\.keyType: is "dsa", must be one of ecdsa, rsa/],
  ['enroll: lb', /enroll: is "lb", must be a group of the keys name, altNames/]
]
for (const [group, problem] of wrong) {
  t.test(`${group} is refused`, async t => {
    const problems = problemsOf(t, minimal(group))
    t.equal(problems.filter(each => problem.test(each)).length, 1, problems.join())
  })
}

t.test('a directory in which everybody may write is taken with one warning', t => {
  const at = t.testdir({
    ...pemFiles,
    tls: { ...enrolled, 'ca.pem': pemFiles['ca.pem'], 'crl.pem': pemFiles['crl.pem'] }
  })
  const directory = join(at, 'tls')
  const file = join(at, 'puppet-lb.yaml')
  for (const group of [enroll.replace(' dir: .', ' dir: tls'), enroll.replace(', dir: .', '')]) {
    writeFileSync(file, `${group}\n${ca}\n${masters}\n`)
    chmodSync(directory, 0o777)
    const { warnings } = loadConfig(file, {})
    t.equal(warnings.length, 1, warnings.join())
    t.match(
      warnings[0],
      / enroll\.dir: leads to \S+tls, where everybody .* \(mode 777\).*chmod o-w .*emptyDir/
    )
    for (const mode of [0o1777, 0o775, 0o700]) {
      chmodSync(directory, mode)
      t.same(loadConfig(file, {}).warnings, [], mode.toString(8))
    }
  }
  t.end()
})

t.test('it needs the URL of the CA, which records of DNS do not give it', async t => {
  t.match(problemsOf(t, `${enroll}\ndiscovery: { srv: { domain: example.com } }\n`, { files: enrolled }), [
    / ca\.url: is missing, must be https:\/\/HOST:PORT, since enroll asks the CA there/
  ])
})

t.test('what enrolling takes is known before there is any certificate', async t => {
  const directory = t.testdir({
    ...pemFiles,
    'puppet-lb.yaml': `${enroll}\n${ca}\nupstream: { tls: { ca: ca.pem } }\n`
  })
  t.match(loadEnrolment(join(directory, 'puppet-lb.yaml'), {}), {
    enroll: { name: 'lb.example.com', directory },
    reach: { url: 'https://ca.example.com:8140', ca: pemFiles['ca.pem'], verify: true },
    admin: { host: '127.0.0.1', port: 9140 },
    bringsLists: true
  })
  const shipped = t.testdir({
    ...pemFiles,
    'puppet-lb.yaml': `${enroll.replace(' dir: .', ' dir: tls')}\n${ca}\ntls: { crl: { file: crl.pem } }\n`
  })
  t.match(loadEnrolment(join(shipped, 'puppet-lb.yaml'), {}), { bringsLists: false })
  const plain = t.testdir({ ...pemFiles, 'puppet-lb.yaml': minimal() })
  t.equal(loadEnrolment(join(plain, 'puppet-lb.yaml'), {}), undefined)
  const bad = t.testdir({ 'puppet-lb.yaml': `${enroll}\n${ca}\nlisten: { prot: 1 }\n` })
  t.throws(() => loadEnrolment(join(bad, 'puppet-lb.yaml'), {}), { message: /listen\.prot/ })
})

t.test(
  'all that is wrong is told before anybody is asked to enrol, but for the files that this brings',
  async t => {
    const problemsIn = (text: string, env = {}, files = {}) => {
      const directory = t.testdir({ ...pemFiles, ...files, 'puppet-lb.yaml': text })
      try {
        loadEnrolment(join(directory, 'puppet-lb.yaml'), env, { logs: true })
        return []
      } catch (error) {
        return (error as ConfigError).problems.map(({ key, where }) => key ?? where)
      }
    }
    const wrong = `${enroll}
${ca}
listen: { prot: 1 }
tls: { cert: gone.pem, key: server.key, crl: { file: gone.crl } }
upstream: { tls: { ca: gone.pem } }
admin: { token: { file: gone.token } }
log: { file: gone/puppet-lb.log }
`
    t.same(problemsIn(wrong), [
      ...['listen.prot', 'tls.cert', 'tls.crl.file', 'upstream.tls.ca', 'admin.token.file', 'log.file']
    ])
    t.same(problemsIn(`${enroll}\n${ca}\n`, { PUPPET_LB_ADMIN_TOKEN: 'short' }), [
      'env:PUPPET_LB_ADMIN_TOKEN'
    ])
    const broken = { 'cert.pem': 'nothing', 'key.pem': 'nothing', 'ca.pem': 'nothing' }
    t.same(problemsIn(`${enroll}\n${ca}\n`, {}, broken), [], 'enrolment itself judges these')
  }
)

t.test('a CA and a name in the environment need no file', async t => {
  const directory = t.testdir({
    tls: { ...enrolled, 'ca.pem': pemFiles['ca.pem'], 'crl.pem': pemFiles['crl.pem'] }
  })
  const env = {
    PUPPET_LB_CA_URL: 'https://ca.example.com:8140',
    PUPPET_LB_ENROLL_NAME: 'lb.example.com',
    PUPPET_LB_ENROLL_ALT_NAMES: 'puppet, puppet.example.com'
  }
  const file = join(directory, 'puppet-lb.yaml')
  const { settings } = loadConfig(file, env)
  t.same(settings.enroll?.altNames, ['puppet', 'puppet.example.com'])
  const { PUPPET_LB_ENROLL_NAME: _, ...less } = env
  t.throws(() => loadConfig(file, less), { message: /cannot be read, there is no file/ })
})
