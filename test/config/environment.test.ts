import t from 'tap'
import { variableName } from '../../src/config/environment.ts'
import { leaves } from '../../src/config/schema-tree.ts'
import { load, minimal, problemsOf, tls } from './fixture.ts'

t.test('variables are named after keys', async t => {
  t.same(
    leaves.filter(leaf => leaf.holds !== 'groups').map(leaf => variableName(leaf.path)),
    [
      'PUPPET_LB_LISTEN_HOST',
      'PUPPET_LB_LISTEN_PORT',
      'PUPPET_LB_LISTEN_WORKERS',
      'PUPPET_LB_LISTEN_DRAIN_TIMEOUT',
      'PUPPET_LB_LISTEN_DRAIN_DELAY',
      'PUPPET_LB_LISTEN_PROXY_PROTOCOL_FROM',
      'PUPPET_LB_LISTEN_LIMITS_CONNECTIONS',
      'PUPPET_LB_LISTEN_LIMITS_PER_ADDRESS',
      'PUPPET_LB_LISTEN_LIMITS_PER_CERTNAME',
      'PUPPET_LB_LISTEN_LIMITS_MEMORY',
      'PUPPET_LB_TLS_CERT',
      'PUPPET_LB_TLS_KEY',
      'PUPPET_LB_TLS_CA',
      'PUPPET_LB_TLS_PROFILE',
      'PUPPET_LB_TLS_CRL_FILE',
      'PUPPET_LB_TLS_CRL_FETCH',
      'PUPPET_LB_TLS_CRL_DIRECTORY',
      'PUPPET_LB_TLS_CRL_REFRESH',
      'PUPPET_LB_TLS_CRL_EXPIRED',
      'PUPPET_LB_ENROLL_NAME',
      'PUPPET_LB_ENROLL_ALT_NAMES',
      'PUPPET_LB_ENROLL_CA_FINGERPRINT',
      'PUPPET_LB_ENROLL_KEY_TYPE',
      'PUPPET_LB_ENROLL_DIR',
      'PUPPET_LB_CA_URL',
      'PUPPET_LB_CA_CACHE',
      'PUPPET_LB_DISCOVERY_REFRESH',
      'PUPPET_LB_DISCOVERY_SRV_DOMAIN',
      'PUPPET_LB_DISCOVERY_SRV_REFRESH',
      'PUPPET_LB_DISCOVERY_SRV_SERVERS',
      'PUPPET_LB_UPSTREAM_TLS_CA',
      'PUPPET_LB_UPSTREAM_TLS_CERT',
      'PUPPET_LB_UPSTREAM_TLS_KEY',
      'PUPPET_LB_UPSTREAM_TLS_SERVER_NAME',
      'PUPPET_LB_UPSTREAM_TLS_DANGEROUSLY_SKIP_VERIFICATION',
      'PUPPET_LB_UPSTREAM_CONNECT_TIMEOUT',
      'PUPPET_LB_UPSTREAM_RESPONSE_TIMEOUT',
      'PUPPET_LB_UPSTREAM_HEADER_LIMIT',
      'PUPPET_LB_HEALTH_PATH',
      'PUPPET_LB_HEALTH_INTERVAL',
      'PUPPET_LB_HEALTH_TIMEOUT',
      'PUPPET_LB_HEALTH_RISE',
      'PUPPET_LB_HEALTH_FALL',
      'PUPPET_LB_BALANCE_POLICY',
      'PUPPET_LB_BALANCE_AFFINITY',
      'PUPPET_LB_QUEUE_LIMIT',
      'PUPPET_LB_QUEUE_TIMEOUT',
      'PUPPET_LB_QUEUE_SHED_ABOVE',
      'PUPPET_LB_ACCESS_ADMINISTRATORS',
      'PUPPET_LB_ACCESS_WITHOUT_CERTIFICATE',
      'PUPPET_LB_STATE_DIRECTORY',
      'PUPPET_LB_RELOAD',
      'PUPPET_LB_ADMIN_HOST',
      'PUPPET_LB_ADMIN_PORT',
      'PUPPET_LB_ADMIN_HOSTS',
      'PUPPET_LB_ADMIN_TOKEN_FILE',
      'PUPPET_LB_ADMIN_METRICS_TOKEN',
      'PUPPET_LB_ADMIN_SOCKET',
      'PUPPET_LB_ADMIN_ALLOW',
      'PUPPET_LB_LOG_LEVEL',
      'PUPPET_LB_LOG_ACCESS',
      'PUPPET_LB_LOG_FILE'
    ]
  )
})

t.test('a variable overrides the file, or the default', async t => {
  const env = {
    PUPPET_LB_LISTEN_PORT: '18140',
    PUPPET_LB_LISTEN_WORKERS: '2',
    PUPPET_LB_LISTEN_DRAIN_TIMEOUT: '1m',
    PUPPET_LB_ADMIN_HOST: '10.0.0.1',
    PUPPET_LB_ADMIN_METRICS_TOKEN: 'true',
    PUPPET_LB_RELOAD: 'signal',
    PUPPET_LB_HEALTH_INTERVAL: '7s',
    PUPPET_LB_BALANCE_POLICY: 'rendezvous',
    PUPPET_LB_UPSTREAM_TLS_SERVER_NAME: '007',
    PUPPET_LB_UPSTREAM_TLS_DANGEROUSLY_SKIP_VERIFICATION: 'true',
    PUPPET_LB_TLS_CRL_FILE: 'crl.pem',
    HOME: '/root'
  }
  const { boot, settings } = load(t, minimal('listen: { port: 1, host: "::" }\nhealth: { interval: 6s }'), {
    env
  })
  t.equal(boot.listen.port, 18140)
  t.equal(boot.listen.host, '::', 'its neighbours stay')
  t.equal(boot.listen.workers, 2)
  t.equal(settings.listen.drainTimeoutMs, 60_000)
  t.equal(boot.admin.host, '10.0.0.1')
  t.equal(boot.admin.metricsToken, true)
  t.equal(settings.reload, 'signal')
  t.equal(settings.health.intervalMs, 7000)
  t.equal(settings.balance.policy, 'rendezvous')
  t.equal(settings.upstream.tls.serverName, '007', 'digits stay text where text belongs')
  t.equal(settings.upstream.tls.verify, false)
  t.match(settings.tls.crl?.file, /\/crl\.pem$/, 'relative to the file')
})

t.test('a variable makes good what the file has wrong', async t => {
  const env = { PUPPET_LB_LISTEN_PORT: '1' }
  t.equal(load(t, minimal('listen: { port: x }'), { env }).boot.listen.port, 1)
})

t.test('a path in a variable takes the place of a list', async t => {
  const yaml = minimal().replace(tls, 'tls: { cert: [a.pem, b.pem], key: [a.key, b.key], ca: ca.pem }')
  const env = { PUPPET_LB_TLS_CERT: 'server.pem', PUPPET_LB_TLS_KEY: 'server.key' }
  t.equal(load(t, yaml, { env }).settings.tls.certificates.length, 1)
})

t.test('a variable holds the items of a list with commas between them', async t => {
  const administrators = (value: string) =>
    load(t, minimal('access: { administrators: [c] }'), { env: { PUPPET_LB_ACCESS_ADMINISTRATORS: value } })
      .settings.access.administrators
  t.same(administrators('a.example.com, b'), ['a.example.com', 'b'])
  t.same(administrators(''), [])
})

t.test('a variable set through an alias leaves the other group alone', async t => {
  const yaml = minimal('listen: &l { host: 127.0.0.1 }\nadmin: *l')
  const config = load(t, yaml, { env: { PUPPET_LB_LISTEN_HOST: '127.0.0.9' } })
  t.equal(config.boot.admin.host, '127.0.0.1')
})

const unusable: readonly (readonly [name: string, value: string, problem: string])[] = [
  [
    'PUPPET_LB_LISTEN_PORT',
    'x',
    'env:PUPPET_LB_LISTEN_PORT listen.port: is "x", must be a whole number from 0 to 65535'
  ],
  [
    'PUPPET_LB_LISTEN_PORT',
    '',
    'env:PUPPET_LB_LISTEN_PORT listen.port: is empty, must be a whole number from 0 to 65535'
  ],
  [
    'PUPPET_LB_LISTEN_PORT',
    '70000',
    'env:PUPPET_LB_LISTEN_PORT listen.port: is 70000, must be a whole number from 0 to 65535'
  ],
  [
    'PUPPET_LB_LISTEN_PORT',
    '0x10',
    'env:PUPPET_LB_LISTEN_PORT listen.port: is "0x10", must be a whole number from 0 to 65535'
  ],
  [
    'PUPPET_LB_ADMIN_PORT',
    '8140',
    'env:PUPPET_LB_ADMIN_PORT admin.port: is 8140, which is listen.port; must be another port'
  ],
  [
    'PUPPET_LB_LISTN_PORT',
    '1',
    'env:PUPPET_LB_LISTN_PORT: is no known variable, did you mean PUPPET_LB_LISTEN_PORT?'
  ],
  [
    'PUPPET_LB_X',
    '1',
    'env:PUPPET_LB_X: is no known variable, must be PUPPET_LB_SECTION_KEY for a key of the file, such as PUPPET_LB_LISTEN_PORT'
  ],
  [
    'PUPPET_LB_MASTERS',
    'a',
    'env:PUPPET_LB_MASTERS: cannot set masters: it is a list of groups, which must stand in the file'
  ],
  [
    'PUPPET_LB_ACCESS_ADMINISTRATORS',
    'a,/',
    'env:PUPPET_LB_ACCESS_ADMINISTRATORS access.administrators[1]: is "/", must be a certname, without slash'
  ],
  [
    'PUPPET_LB_ADMIN_TOKN',
    'a',
    'env:PUPPET_LB_ADMIN_TOKN: is no known variable, did you mean PUPPET_LB_ADMIN_TOKEN?'
  ],
  [
    'PUPPET_LB_TLS_KEY',
    '-----BEGIN PRIVATE KEY-----',
    'env:PUPPET_LB_TLS_KEY tls.key: is the text of a PEM file, must be the path of a PEM private key'
  ]
]

for (const [name, value, problem] of unusable) {
  t.test(`${name}=${value} is a problem of the variable`, async t => {
    const problems = problemsOf(t, minimal(), { env: { [name]: value } })
    t.equal(problems.length, 1)
    t.equal(problems[0]?.slice(0, problem.length), problem)
  })
}

t.test('problems of variables come after those of the file', async t => {
  const env = { PUPPET_LB_LISTEN_PORT: 'x' }
  t.match(problemsOf(t, minimal('log: 1'), { env }), [/^puppet-lb.yaml:5:6 log: /, /^env:/])
})

t.test('a group the file has wrong is told although a variable sets a key in it', async t => {
  const env = { PUPPET_LB_LISTEN_PORT: '1' }
  t.match(problemsOf(t, minimal('listen: 8140'), { env }), [/ listen: is 8140, must be a group/])
})

t.test('what Kubernetes sets for services called puppet-lb and puppet-lb-admin is passed over', async t => {
  const env = {
    PUPPET_LB_SERVICE_HOST: '10.0.0.1',
    PUPPET_LB_SERVICE_PORT: '8140',
    PUPPET_LB_SERVICE_PORT_PUPPET: '8140',
    PUPPET_LB_PORT: 'tcp://10.0.0.1:8140',
    PUPPET_LB_PORT_8140_TCP: 'tcp://10.0.0.1:8140',
    PUPPET_LB_PORT_8140_TCP_PROTO: 'tcp',
    PUPPET_LB_PORT_8140_TCP_PORT: '8140',
    PUPPET_LB_PORT_8140_TCP_ADDR: '10.0.0.1',
    PUPPET_LB_ADMIN_SERVICE_HOST: '10.0.0.2',
    PUPPET_LB_ADMIN_PORT: 'tcp://10.0.0.2:9140'
  }
  t.equal(load(t, minimal(), { env }).boot.admin.port, 9140)
})
