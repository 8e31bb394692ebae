import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problems.ts'
import type { Config } from '../../src/model/settings.ts'
import { load, minimal, pemFiles, problemsOf } from './fixture.ts'

t.test('what a file leaves out has its default', async t => {
  const { file, tls, upstream, ...rest } = load(t, minimal())
  t.same(rest, {
    listen: { host: '0.0.0.0', port: 8140, workers: availableParallelism(), drainTimeoutMs: 600_000 },
    ca: { url: 'https://ca.example.com:8140' },
    masters: [{ name: 'alpha', url: 'https://alpha.example.com:8140', weight: 1, priority: 0 }],
    health: { path: '/status/v1/simple', intervalMs: 5000, timeoutMs: 3000, rise: 2, fall: 3 },
    balance: { policy: 'least-loaded', affinity: 'phase' },
    queue: { limit: 4000, timeoutMs: 300_000, shedAboveMs: 120_000 },
    admin: { host: '127.0.0.1', port: 9140, allow: [] },
    log: { level: 'info' }
  })
  t.same(upstream, {
    tls: { ca: pemFiles['ca.pem'], client: undefined, serverName: undefined, verify: true },
    connectTimeoutMs: 5000,
    responseTimeoutMs: 600_000
  })
  t.match(file, /^\/.*\/puppet-lb\.yaml$/)
})

t.test('what a file says is what the program gets', async t => {
  const config = load(
    t,
    minimal(`
listen: { host: "::", port: 0, workers: 0, drainTimeout: 0s }
upstream:
  tls: { serverName: puppet, dangerouslySkipVerification: true }
  connectTimeout: 10ms
  responseTimeout: 24h
health: { path: /status/v1/simple/ca, interval: 1h, timeout: 1h, rise: 1, fall: 100 }
balance: { policy: round-robin }
admin: { host: localhost, port: 0, allow: [ops.example.com] }
log: { level: silent }
`)
  )
  t.match(config, {
    listen: { host: '::', port: 0, workers: 0, drainTimeoutMs: 0 },
    upstream: {
      tls: { serverName: 'puppet', verify: false },
      connectTimeoutMs: 10,
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
    admin: { host: 'localhost', port: 0, allow: ['ops.example.com'] },
    log: { level: 'silent' }
  })
})

t.test('a configuration is frozen all the way down', async t => {
  const thawed = (value: unknown, path: string): string[] => {
    if (typeof value !== 'object' || value === null) return []
    const below = Object.entries(value).flatMap(([key, child]) => thawed(child, `${path}.${key}`))
    return Object.isFrozen(value) ? below : [path, ...below]
  }
  const config: Config = load(t, minimal('admin: { allow: [ops] }'))
  t.same(thawed(config, 'config'), [])
})

t.test('absolute paths are taken as they are', async t => {
  const directory = t.testdir({ ...pemFiles, etc: { 'lb.yaml': '' } })
  const tls = ['server.pem', 'server.key', 'ca.pem'].map(name => join(directory, name))
  const yaml = minimal().replace(/^tls.*/, `tls: { cert: ${tls[0]}, key: ${tls[1]}, ca: ${tls[2]} }`)
  t.equal(load(t, yaml).tls.caFile, tls[2])
})

t.test('files named in the environment are relative to the configuration too', async t => {
  const config = load(t, minimal(), { env: { PUPPET_LB_TLS_CA: './ca.pem' } })
  t.equal(config.tls.caFile, join(config.file, '../ca.pem'))
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
    'puppet-lb.yaml:5:21 masters[0].url:',
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
