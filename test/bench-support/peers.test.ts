import t from 'tap'
import { materialIn } from '../bench/material.ts'
import { recipeHash } from '../bench/peers/debian.ts'
import { type HaproxyName, haproxyConfig } from '../bench/peers/haproxy.ts'
import { nginxConfig } from '../bench/peers/nginx.ts'
import { haproxyVersion, nginxVersion, programOf } from '../bench/peers/programs.ts'
import { puppetLbConfig } from '../bench/peers/puppet-lb.ts'
import type { Site } from '../bench/peers/site.ts'

const site = (rest: Partial<Site> = {}): Site => ({
  material: materialIn('/there'),
  scheme: 'http',
  masters: [
    { name: 'm0', port: 8001, jrubies: 4, weight: 4 },
    { name: 'm1', port: 8002, jrubies: 8, weight: 8 }
  ],
  mastersTell: true,
  caPort: 8009,
  port: 8140,
  adminPort: 9140,
  threads: 1,
  accessLog: undefined,
  probeMs: 1000,
  runGapMs: 30_000,
  ...rest
})
const haproxies: readonly HaproxyName[] = [
  'haproxy',
  'haproxy-maxconn',
  'haproxy-priority',
  'haproxy-phase',
  'haproxy-expert'
]

t.test('each HAProxy does more than the one before', async t => {
  const whoHas = (text: string) => haproxies.filter(name => haproxyConfig(name, site()).includes(text))
  t.same(whoHas('balance leastconn'), haproxies)
  const bounded = haproxies.slice(1)
  t.same(whoHas('m1 127.0.0.1:8002 check inter 1000 weight 8 pool-purge-delay 60s maxconn 8'), bounded)
  const knowing = haproxies.slice(2)
  t.same(whoHas('set-priority-class int(2) if catalog'), knowing)
  t.same(whoHas('retry-on conn-failure empty-response'), knowing)
  t.same(whoHas('disable-l7-retry if { method PUT }'), knowing)
  const sticky = haproxies.slice(3)
  t.same(whoHas('stick-table type string len 255 size 100k expire 30000ms'), sticky)
  t.same(whoHas('stick match ssl_c_s_dn(cn) unless { path_beg /puppet/v3/catalog/ }'), ['haproxy-phase'])
  t.same(whoHas('stick on ssl_c_s_dn(cn)'), ['haproxy-expert'])
})

t.test('every HAProxy forgets agents that have left, waits long, and shares kept connections', async t => {
  for (const name of haproxies) {
    const text = haproxyConfig(name, site())
    for (const line of [
      'option abortonclose',
      'timeout queue 5m',
      'http-reuse always',
      'option http-keep-alive'
    ])
      t.match(text, `\n  ${line}\n`)
  }
})

t.test('all proxies have as many workers, and a log of each request or none', async t => {
  const quiet = site({ threads: 2 })
  t.match(haproxyConfig('haproxy-expert', quiet), 'nbthread 2')
  t.match(nginxConfig(quiet), 'worker_processes 2')
  t.match(puppetLbConfig(quiet), 'workers: 2')
  t.notMatch(haproxyConfig('haproxy-expert', quiet), /\blog\b/)
  t.match(nginxConfig(quiet), 'access_log off')
  t.match(puppetLbConfig(quiet), 'access: false')

  const logging = site({ accessLog: '/there/access.log' })
  t.match(haproxyConfig('haproxy-expert', logging), '%[ssl_c_s_dn(cn)]')
  t.match(nginxConfig(logging), 'access_log /there/access.log agents')
  t.match(puppetLbConfig(logging), 'access: true')
})

t.test(
  'all proxies judge agents by the same revocation lists, and show themselves to masters by TLS',
  async t => {
    const safe = site({ scheme: 'https' })
    t.match(haproxyConfig('haproxy', safe), 'crl-file /there/crl.pem verify optional')
    t.match(haproxyConfig('haproxy', safe), /server ca .* ssl verify required/)
    t.match(nginxConfig(safe), 'ssl_crl /there/crl.pem')
    t.match(nginxConfig(safe), 'proxy_pass https://masters')
    t.match(puppetLbConfig(safe), 'crl: { file: /there/crl.pem }')
    t.match(puppetLbConfig(safe), 'https://127.0.0.1:8001')
  }
)

t.test('puppet-lb is told JRubies only where masters do not tell them', async t => {
  t.notMatch(puppetLbConfig(site()), 'capacity')
  t.match(puppetLbConfig(site({ mastersTell: false })), 'capacity: 8')
})

t.test('programs that are not ours are started in the Debian of the peers', async t => {
  const wrap = ({ command, args }: { command: string; args: readonly string[] }) => ({
    command: 'in-debian',
    args: [command, ...args]
  })
  t.match(programOf('haproxy-expert', '/f', site(), wrap), {
    command: 'in-debian',
    args: ['haproxy', '-db', '-f', '/f']
  })
  t.match(programOf('nginx', '/f', site(), wrap), { args: ['nginx', '-e', 'stderr', '-c', '/f'] })
  t.equal(programOf('puppet-lb', '/f', site(), wrap).command, process.execPath)
})

t.test('another recipe makes another root', async t => {
  t.match(recipeHash(Buffer.from('a')), /^[0-9a-f]{12}$/)
  t.not(recipeHash(Buffer.from('a')), recipeHash(Buffer.from('b')))
})

t.test('a version names the TLS library that runs', async t => {
  const haproxy =
    'HAProxy version 3.0.11-1+deb13u1 2025/07/02 - https://haproxy.org/\n' +
    'Built with OpenSSL version : OpenSSL 3.5.1 1 Jul 2025\nRunning on OpenSSL version : OpenSSL 3.5.4 30 Sep 2025\n'
  t.equal(haproxyVersion(haproxy), '3.0.11-1+deb13u1, OpenSSL 3.5.4')
  t.equal(haproxyVersion('bash: haproxy: not found'), undefined)
  const nginx = 'nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.0 8 Apr 2025'
  t.equal(nginxVersion(`${nginx} (running with OpenSSL 3.5.4 30 Sep 2025)\n`), '1.26.3, OpenSSL 3.5.4')
  t.equal(nginxVersion(`${nginx}\n`), '1.26.3, OpenSSL 3.5.0')
  t.equal(nginxVersion(''), undefined)
})
