import { availableParallelism } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import t from 'tap'
import { anyHost } from '../../src/config/any-host.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'
import type { Config } from '../../src/model/settings.ts'
import { authority, errorOf, load, minimal, pemFiles, problemsOf, settingsOf } from './fixture.ts'

t.test('what a file leaves out has its default', async t => {
  const { file, boot, settings, warnings } = load(t, minimal())
  t.same(boot, {
    listen: { host: anyHost(), port: 8140, workers: availableParallelism() },
    admin: {
      host: '127.0.0.1',
      port: 9140,
      hosts: [],
      token: undefined,
      metricsToken: false,
      socket: undefined
    }
  })
  const { tls, upstream, ...rest } = settings
  t.same(rest, {
    listen: {
      drainTimeoutMs: 600_000,
      drainDelayMs: 0,
      tcp: [],
      proxyProtocol: { from: [] },
      limits: { connections: 20_000, perAddress: 2_000, perCertname: 50, memoryBytes: 256 * 1024 ** 2 }
    },
    ca: { url: 'https://ca.example.com:8140' },
    caCache: true,
    masters: [
      {
        name: 'alpha',
        url: 'https://alpha.example.com:8140',
        weight: 1,
        priority: 0,
        pools: ['default'],
        resolve: 'one'
      }
    ],
    routes: [],
    discovery: { refreshMs: 30_000, srv: undefined },
    health: { path: '/status/v1/simple', intervalMs: 5000, timeoutMs: 3000, rise: 2, fall: 3 },
    balance: { policy: 'least-loaded', affinity: 'phase' },
    queue: { limit: 4000, timeoutMs: 300_000, shedAboveMs: 120_000 },
    access: { administrators: [], withoutCertificate: 'refuse' },
    state: { directory: undefined },
    reload: 'watch',
    log: { level: 'info', access: true, file: undefined }
  })
  t.same(upstream, {
    tls: {
      ca: pemFiles['ca.pem'],
      caFile: undefined,
      client: undefined,
      serverName: undefined,
      verify: true
    },
    connectTimeoutMs: 5000,
    headerLimitBytes: 8_192,
    responseTimeoutMs: 600_000
  })
  t.match(file, /^\/.*\/puppet-lb\.yaml$/)
  t.match(warnings, [/ tls\.crl: is missing: /])
})

t.test('what a file says is what the program gets', async t => {
  const { boot, settings } = load(
    t,
    minimal(`
listen: { host: "::", port: 0, workers: 0, drainTimeout: 0s, drainDelay: 10s, limits: { memory: 2GiB } }
upstream:
  tls: { serverName: puppet, dangerouslySkipVerification: true }
  connectTimeout: 10ms
  responseTimeout: 24h
health: { path: /status/v1/simple/ca, interval: 1h, timeout: 1h, rise: 1, fall: 100 }
balance: { policy: round-robin }
access: { administrators: [ops.example.com], withoutCertificate: forward }
state: { directory: /var/lib/puppet-lb }
reload: signal
admin: { host: localhost, port: 0, hosts: [lb.example.com], metricsToken: true, socket: /run/lb.sock }
log: { level: silent }
`)
  )
  t.match(boot, {
    listen: { host: '::', port: 0, workers: 0 },
    admin: {
      host: 'localhost',
      port: 0,
      hosts: ['lb.example.com'],
      metricsToken: true,
      socket: '/run/lb.sock'
    }
  })
  t.match(settings, {
    listen: { drainTimeoutMs: 0, drainDelayMs: 10_000, limits: { memoryBytes: 2 * 1024 ** 3 } },
    upstream: {
      tls: { serverName: 'puppet', verify: false },
      connectTimeoutMs: 10,
      headerLimitBytes: 8_192,
      responseTimeoutMs: 86_400_000
    },
    health: {
      path: '/status/v1/simple/ca',
      intervalMs: 3_600_000,
      timeoutMs: 3_600_000,
      rise: 1,
      fall: 100
    },
    balance: { policy: 'round-robin' },
    access: { administrators: ['ops.example.com'], withoutCertificate: 'forward' },
    state: { directory: '/var/lib/puppet-lb' },
    reload: 'signal',
    log: { level: 'silent' }
  })
})

t.test('a configuration is frozen all the way down', async t => {
  const thawed = (value: unknown, path: string): string[] => {
    if (typeof value !== 'object' || value === null) return []
    const below = Object.entries(value).flatMap(([key, child]) => thawed(child, `${path}.${key}`))
    return Object.isFrozen(value) ? below : [path, ...below]
  }
  const config: Config = load(t, minimal('access: { administrators: [ops] }'))
  t.same(thawed(config, 'config'), [])
})

t.test('absolute paths are taken as they are', async t => {
  const directory = t.testdir({ ...pemFiles, etc: { 'lb.yaml': '' } })
  const tls = ['server.pem', 'server.key', 'ca.pem'].map(name => join(directory, name))
  const yaml = minimal().replace(/^tls.*/, `tls: { cert: ${tls[0]}, key: ${tls[1]}, ca: ${tls[2]} }`)
  t.equal(settingsOf(t, yaml).tls.caFile, tls[2])
})

t.test('files named in the environment are relative to the configuration too', async t => {
  const config = load(t, minimal(), { env: { PUPPET_LB_TLS_CA: './ca.pem' } })
  t.equal(config.settings.tls.caFile, join(config.file, '../ca.pem'))
})

t.test('a configuration that is not there is told in a sentence', async t => {
  const directory = t.testdir({})
  const missing = join(directory, 'nope.yaml')
  t.throws(() => loadConfig(missing, {}), {
    name: 'ConfigError',
    message: `${missing}: cannot be read, there is no file at ${missing}; must be a configuration file`
  })
  t.throws(() => loadConfig(directory, {}), {
    message: `${directory}: cannot be read, there is a directory, not a file, at ${directory}; must be a configuration file`
  })
})

t.test('the file is named as the user named it', async t => {
  t.throws(() => loadConfig('./no/such.yaml', {}), { message: /^\.\/no\/such\.yaml: cannot be read/ })
})

t.test('problems of every kind come at once, from top to bottom', async t => {
  const yaml = [
    'listen: { prot: 1, port: x }',
    'tls: { cert: nope.pem, key: other.key, ca: ca.pem, crl: { file: ca.pem } }',
    'ca: { url: "https://ca.example.com:8140" }',
    'masters:',
    '  - { name: a, url: "https://ca.example.com:8140", weight: 0 }',
    '  - { name: a, url: "ftp://b", weight: 0 }',
    'health: { interval: 1s, timeout: 2s }',
    'log: {}',
    'log: { level: loud }'
  ].join('\n')
  const env = { PUPPET_LB_ADMIN_PORT: 'x', PUPPET_LB_NOPE: '1' }
  const places = problemsOf(t, yaml, { env }).map(line => line.split(' ').slice(0, 2).join(' '))
  t.same(places, [
    'puppet-lb.yaml:1:11 listen.prot:',
    'puppet-lb.yaml:1:26 listen.port:',
    'puppet-lb.yaml:2:14 tls.cert:',
    'puppet-lb.yaml:2:29 tls.key:',
    'puppet-lb.yaml:2:65 tls.crl.file:',
    'puppet-lb.yaml:4:1 masters:',
    'puppet-lb.yaml:6:13 masters[1].name:',
    'puppet-lb.yaml:6:21 masters[1].url:',
    'puppet-lb.yaml:7:34 health.timeout:',
    'puppet-lb.yaml:9:1 log:',
    'puppet-lb.yaml:9:15 log.level:',
    'env:PUPPET_LB_NOPE: is',
    'env:PUPPET_LB_ADMIN_PORT admin.port:'
  ])
})

t.test('an error holds its problems one by one', async t => {
  const error = new ConfigError([
    { where: 'f:1:1', key: 'a', text: 'is b' },
    { where: 'f', key: undefined, text: 'is c' }
  ])
  t.same(error.lines, ['f:1:1 a: is b', 'f: is c'])
  t.equal(error.message, 'f:1:1 a: is b\nf: is c')
})

t.test('the old name of the administrators is taken, with a warning that has its place', async t => {
  const { file, settings, warnings } = load(
    t,
    minimal('admin: { allow: [ops] }').replace('ca: ca.pem', 'ca: ca.pem, crl: { file: crl.pem }')
  )
  t.same(settings.access.administrators, ['ops'])
  t.same(warnings, [
    `${file}:5:10 admin.allow: is called access.administrators now, and is taken under its old name for one release; must be moved`
  ])
})

const everything = `tls: { cert: [server.pem, rsa.pem], key: [server.key, rsa.key], ca: ca.pem, crl: { file: crl.pem } }
ca: { url: "https://ca" }
masters: [ { name: a, url: "https://a" } ]
upstream: { tls: { ca: ca.pem, cert: client.pem, key: client.key } }
admin: { token: { file: admin.token } }
`
const rsa = await authority.issue({ certname: 'puppet.example.com', keyType: 'rsa2048' })
const other = await authority.issue({ certname: 'puppet.example.com' })
const beside = {
  'rsa.pem': rsa.chain,
  'rsa.key': rsa.key,
  'client.pem': other.chain,
  'client.key': other.key,
  'admin.token': 'correct-horse-battery-staple'
}
const allFiles = [
  'puppet-lb.yaml',
  'server.pem',
  'server.key',
  'rsa.pem',
  'rsa.key',
  'ca.pem',
  'crl.pem',
  'client.pem',
  'client.key',
  'admin.token'
]
const sortedNames = (files: readonly string[]) => files.map(file => basename(file)).toSorted()

t.test('a configuration knows every file it was read from, each once', async t => {
  const { file, files } = load(t, everything, { files: beside })
  t.equal(files[0], file)
  t.ok(files.every(isAbsolute))
  t.same(sortedNames(files), allFiles.toSorted())
})

t.test(
  'a configuration that cannot be used knows its files as well, those that are not there too',
  async t => {
    const { 'rsa.key': _, ...incomplete } = beside
    t.same(sortedNames(errorOf(t, everything, { files: incomplete }).files), allFiles.toSorted())
    const unequal = everything.replace('[server.key, rsa.key]', '[server.key, rsa.key, third.key]')
    t.same(sortedNames(errorOf(t, unequal, { files: beside }).files), [...allFiles, 'third.key'].toSorted())
    t.same(sortedNames(errorOf(t, 'tls: {').files), ['puppet-lb.yaml'])
    const missing = join(t.testdir({}), 'nope.yaml')
    t.match(
      t.throws(() => loadConfig(missing, {})),
      { files: [missing] }
    )
  }
)

t.test('a pair that is renewed half may mend by itself', async t => {
  const half = errorOf(t, minimal(), { files: { 'server.key': other.key } })
  t.ok(half.mayMend)
  t.same(
    half.problems.map(({ isPairMismatch }) => isPairMismatch),
    [true]
  )
  t.ok(errorOf(t, minimal(), { files: { 'server.pem': other.chain } }).mayMend)
  const halfOfTwo = { 'server.key': other.key, 'client.pem': other.chain, 'client.key': rsa.key }
  const withClient = minimal('upstream: { tls: { cert: client.pem, key: client.key } }')
  t.ok(errorOf(t, withClient, { files: halfOfTwo }).mayMend)
})

const beyondMending: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a key that is garbage': { 'server.key': 'garbage' },
  'half a key': { 'server.key': other.key.slice(0, 100) },
  'half a certificate': { 'server.pem': other.chain.slice(0, 300) },
  'no certificate at all': { 'server.pem': '' }
}
for (const [what, files] of Object.entries(beyondMending)) {
  t.test(`${what} does not mend by itself`, async t => {
    t.notOk(errorOf(t, minimal(), { files }).mayMend)
  })
}

t.test('a pair that may mend beside something that does not, does not', async t => {
  t.notOk(errorOf(t, minimal('log: { level: loud }'), { files: { 'server.key': other.key } }).mayMend)
})

t.test('the legacy profile is taken with a warning that names it as dangerous', async t => {
  const yaml = minimal().replace('ca: ca.pem', 'ca: ca.pem, profile: legacy, crl: { file: crl.pem }')
  const { settings, warnings } = load(t, yaml)
  t.equal(settings.tls.profile, 'legacy')
  t.equal(warnings.length, 1)
  t.match(
    warnings[0],
    /puppet-lb\.yaml:1:\d+ tls\.profile: is legacy, which is dangerous: .*; should be modern/
  )
})
