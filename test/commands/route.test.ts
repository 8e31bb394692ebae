import { dirname, join } from 'node:path'
import t from 'tap'
import { type RouteOptions, route } from '../../src/commands/route.ts'
import { ca, pemFiles, tls } from '../config/fixture.ts'
import { puppetLb } from './puppet-lb.ts'

const file = join(
  t.testdir({
    ...pemFiles,
    'lb.yaml': `${tls}
${ca}
masters:
  - { name: spare, url: "http://spare.example.com", priority: 1 }
  - { name: alpha, url: "http://alpha.example.com", weight: 75 }
  - { name: beta, url: "http://beta.example.com", weight: 25 }
  - { name: resting, url: "http://resting.example.com", weight: 0 }
access: { administrators: [ops.example.com], withoutCertificate: forward }
`,
    'routed.yaml': `${tls}
${ca}
masters:
  - { name: alpha, url: "http://alpha.example.com" }
  - { name: beta, url: "http://beta.example.com", pools: [site-b] }
routes:
  - { certname: "*.dmz", class: [catalog, light], extension: { pp_datacenter: b }, pool: site-b, otherwise: default }
  - { environment: canary, pool: site-b }
`,
    'raw.yaml': `${tls}
${ca}
listen: { tcp: [{ port: 8141, pool: legacy }] }
masters:
  - { name: alpha, url: "http://alpha.example.com" }
  - { name: old, url: "https://old.example.com", pools: [legacy] }
access: { administrators: [ops.example.com] }
`
  }),
  'lb.yaml'
)

/** The lines `route` prints. */
function linesOf(request: Partial<RouteOptions>, env = {}): readonly string[] {
  return route({ config: file, method: 'GET', path: '/', ...request }, env).split('\n')
}

const node = '/puppet/v3/node/agent.example.com'
const candidates = [
  'order: 1. alpha http://alpha.example.com (priority 0, weight 75)',
  '       2. beta http://beta.example.com (priority 0, weight 25)',
  '       3. spare http://spare.example.com (priority 1, weight 1)'
]

t.test('a catalog goes to a master: the tier in order, then the next tier, never a weight of 0', async t => {
  const path = '/puppet/v3/catalog/agent.example.com?environment=production'
  t.same(linesOf({ method: 'POST', path, certname: 'agent.example.com' }), [
    'class: catalog',
    'pool:  one of the masters',
    ...candidates,
    'note:  the fewest open requests for each JRuby and its weight goes first; idle masters, as here, by chance and weight'
  ])
})

t.test('certificate requests of every generation go to the CA master alone', async t => {
  for (const path of [
    '/puppet-ca/v1/certificate/ca',
    '/production/certificate_request/a',
    '/status/v1/simple/ca'
  ]) {
    t.same(linesOf({ path }), [
      'class: ca',
      'pool:  the CA master alone',
      'order: 1. ca https://ca.example.com:8140'
    ])
  }
})

t.test('who asks for the services decides who answers', async t => {
  const path = '/status/v1/services'
  t.equal(linesOf({ path, userAgent: 'PuppetserverCaCli' })[1], 'pool:  the CA master alone')
  t.match(linesOf({ path })[1], /^pool: {2}nobody, the answer is 403: /)
})

t.test('the status of the pool is answered by the load balancer', async t => {
  t.same(linesOf({ path: '/status/v1/simple' }), [
    'class: status',
    'pool:  the load balancer itself, for all masters'
  ])
})

t.test('administration is for allowed certnames, and reaches every master', async t => {
  const flush = { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache' }
  const refused = ['class: admin', /^pool: {2}nobody, the answer is 403: /]
  t.match(linesOf(flush), refused)
  t.match(linesOf({ ...flush, certname: 'agent.example.com' }), refused)
  t.match(linesOf({ ...flush, certname: 'ops.example.com' }), [
    'class: admin',
    'pool:  every master, one combined answer',
    /1\. spare/,
    /2\. alpha/,
    /3\. beta/,
    /4\. resting/
  ])
})

t.test('but not those of raw TCP, which get no HTTP', async t => {
  const flush = { method: 'DELETE', path: '/puppet-admin-api/v1/jruby-pool' }
  const config = join(dirname(file), 'raw.yaml')
  t.same(linesOf({ ...flush, certname: 'ops.example.com', config }).slice(1), [
    'pool:  every master, one combined answer',
    'order: 1. alpha http://alpha.example.com (priority 0, weight 1)'
  ])
})

t.test('what is refused is told with its answer', async t => {
  t.match(linesOf({ path: '/puppet/v3/../x' })[1], /^pool: {2}nobody, the answer is 400: .*"\.\."/)
  t.match(linesOf({ method: 'TRACE' })[1], /^pool: {2}nobody, the answer is 405: /)
})

t.test('a method may be written small', async t => {
  t.same(linesOf({ method: 'get', path: node }), linesOf({ method: 'GET', path: node }))
})

t.test('round-robin begins with the first turn', async t => {
  t.same(linesOf({ path: node }, { PUPPET_LB_BALANCE_POLICY: 'round-robin' }).slice(2), [
    ...candidates,
    'note:  this is the first turn, the next request begins with the next turn'
  ])
})

t.test('rendezvous prefers one master for a certname, and others for others', async t => {
  const env = { PUPPET_LB_BALANCE_POLICY: 'rendezvous' }
  const of = (certname: string) => linesOf({ path: node, certname }, env)
  t.same(of('a'), of('a'))
  t.equal(of('a').at(-1), 'note:  the same certname always has this order')
  const firsts = Array.from({ length: 40 }, (_, index) => of(`agent-${index}`)[2]?.slice(10, 15))
  t.same(new Set(firsts), new Set(['alpha', 'beta ']))
  t.equal(
    linesOf({ path: node }, env).at(-1),
    "note:  without a certname the agent's address decides, and here none is known"
  )
})

t.test(
  'a run begins where its certname puts it, whatever the policy, unless runs are not kept together',
  async t => {
    const byName = linesOf({ path: node, certname: 'a' }, { PUPPET_LB_BALANCE_POLICY: 'rendezvous' })
    t.same(linesOf({ path: node, certname: 'a' }), byName)
    const apart = linesOf({ path: node, certname: 'a' }, { PUPPET_LB_BALANCE_AFFINITY: 'none' })
    t.match(apart.at(-1), /^note: {2}the fewest open requests/)
  }
)

t.test('a file bucket keeps its order whatever the policy and whoever asks', async t => {
  const path = '/puppet/v3/file_bucket_file/md5/0123456789abcdef0123456789abcdef'
  const lines = linesOf({ path, certname: 'a' })
  t.equal(lines[0], 'class: filebucket')
  t.equal(lines.at(-1), 'note:  the same file content always has this order')
  t.same(linesOf({ path, certname: 'b' }, { PUPPET_LB_BALANCE_POLICY: 'round-robin' }), lines)
})

t.test('without a certname a master is not reached, unless such clients are forwarded', async t => {
  t.match(linesOf({ path: node }, { PUPPET_LB_ACCESS_WITHOUT_CERTIFICATE: 'refuse' }), [
    'class: light',
    /^pool: {2}nobody, the answer is 403: This request needs a client certificate/
  ])
})

const routed = join(dirname(file), 'routed.yaml')
const poolAndOrder = (request: Partial<RouteOptions>) =>
  linesOf({ config: routed, ...request })
    .slice(1)
    .map(line => line.replaceAll(`${dirname(routed)}/`, ''))

t.test(
  'with routes it tells the pool, the route that decides and the pool that stands in for it',
  async t => {
    const extensions = new Map([['1.3.6.1.4.1.34380.1.1.19', 'b']])
    t.same(poolAndOrder({ path: '/puppet/v3/node/a.dmz', certname: 'a.dmz', extensions }), [
      'pool:  site-b, or default while none of it is up, by route 1 (certname *.dmz and extension pp_datacenter b and class catalog or light), routed.yaml:7',
      'order: 1. beta http://beta.example.com (priority 0, weight 1)',
      '       2. alpha http://alpha.example.com (priority 0, weight 1)',
      'note:  the same certname always has this order'
    ])
    t.equal(
      poolAndOrder({ path: node, certname: 'a.dmz' })[0],
      'pool:  default, which gets what no route takes'
    )
    for (const request of [{ path: `${node}?environment=canary` }, { path: node, environment: 'canary' }])
      t.equal(
        poolAndOrder({ certname: 'b', ...request })[0],
        'pool:  site-b, by route 2 (environment canary), routed.yaml:8'
      )
  }
)

t.test('extensions are NAME=VALUE, by names that are known, and of a certificate', async t => {
  const run = (...args: string[]) => puppetLb(['route', 'GET', node, '--config', routed, ...args])
  const known = await run('--certname', 'a.dmz', '--extension', 'pp_datacenter=b')
  t.equal(known.code, 0)
  t.match(known.out, /by route 1/)
  const mistyped = await run('--certname', 'a', '--extension', 'pp_datacentre=b')
  t.equal(mistyped.code, 1)
  t.match(mistyped.err, /pp_datacentre is not a known extension, did you mean pp_datacenter\?/)
  t.match((await run('--certname', 'a', '--extension', 'b')).err, /must be NAME=VALUE/)
  t.match((await run('--extension', 'pp_role=b')).err, /'--extension' needs '--certname'/)
})
