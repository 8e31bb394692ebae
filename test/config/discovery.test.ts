import t from 'tap'
import { check } from '../../src/commands/check.ts'
import { ca, load, masters, pemFiles, problemsOf, tls } from './fixture.ts'

const srv = 'discovery: { srv: { domain: Site-A.example.com } }'
const file = 'puppet-lb.yaml'

t.test('with SRV records neither masters nor CA have to be named, and they may be', async t => {
  const { settings } = load(t, `${tls}\n${srv}\n`)
  t.same(settings.masters, [])
  t.equal(settings.ca, undefined)
  t.same(settings.discovery, {
    refreshMs: 30_000,
    srv: { domain: 'site-a.example.com', refreshMs: 30_000, servers: [] }
  })
  t.same(problemsOf(t, `${tls}\n${ca}\n${masters}\n${srv}\n`), [])
  t.same(problemsOf(t, `${tls}\n${srv}\nmasters:\n  - { name: a, url: "https://a", weight: 0 }\n`), [])
})

for (const server of [
  '10.0.0.53',
  '10.0.0.53:5353',
  '2001:db8::53',
  '[2001:db8::53]',
  '[2001:db8::53]:5353'
]) {
  t.test(`${server} is a name server`, async t => {
    const yaml = `${tls}\ndiscovery: { srv: { domain: a, servers: ["${server}"] } }\n`
    t.same(load(t, yaml).settings.discovery.srv?.servers, [server])
  })
}

for (const server of [
  'ns.example.com',
  '10.0.0.53:0',
  '10.0.0.53:65536',
  '10.0.0',
  '[10.0.0.53]',
  '2001:db8::53::1',
  ''
]) {
  t.test(`"${server}" is none`, async t => {
    t.same(problemsOf(t, `${tls}\ndiscovery: { srv: { domain: a, servers: ["${server}"] } }\n`), [
      `${file}:2:42 discovery.srv.servers[0]: is ${server === '' ? 'empty' : JSON.stringify(server)}, must be an IP address, with :PORT if it is not 53, and IPv6 in brackets then`
    ])
  })
}

for (const domain of ['site-a.example.com.', 'a..b', '-a', 'a b', 'a'.repeat(64), `${'a.'.repeat(120)}b`]) {
  t.test(`${domain.slice(0, 20)} is no domain`, async t => {
    t.match(problemsOf(t, `${tls}\ndiscovery: { srv: { domain: "${domain}" } }\n`), [
      / discovery\.srv\.domain: is .*, must be a domain name without a dot at its end$/
    ])
  })
}

t.test('the name of a record is no domain', async t => {
  t.same(problemsOf(t, `${tls}\ndiscovery: { srv: { domain: _x-puppet._tcp.site-a.example.com } }\n`), [
    `${file}:2:29 discovery.srv.domain: is the name of a record, must be the domain behind _x-puppet._tcp`
  ])
})

t.test('records without a domain, and lookups without a pause, are refused', async t => {
  t.match(problemsOf(t, `${tls}\n${ca}\n${masters}\ndiscovery: { refresh: 500ms, srv: { refresh: 2h } }\n`), [
    / discovery\.refresh: is "500ms", must be a duration from 1s to 1h/,
    / discovery\.srv\.domain: is missing, must be a domain name/,
    / discovery\.srv\.refresh: is "2h", must be a duration from 1s to 1h/
  ])
})

t.test('an address has no other addresses', async t => {
  const yaml = (url: string) => `${tls}\n${ca}\nmasters:\n  - { name: rr, url: "${url}", resolve: all }\n`
  t.same(problemsOf(t, yaml('https://a.example.com')), [])
  for (const url of ['https://10.0.0.1:8140', 'http://[::1]:8140']) {
    t.match(problemsOf(t, yaml(url)), [
      / masters\[0\]\.resolve: is all, but the host of http.* is an address and no name; must be left out$/
    ])
  }
})

t.test('check says what is left to DNS, and looks nothing up', async t => {
  const path = (yaml: string) => `${t.testdir({ ...pemFiles, 'lb.yaml': yaml })}/lb.yaml`
  t.match(
    check({ config: path(`${tls}\n${srv}\n`) }, {}).text,
    'CA by SRV records of site-a.example.com, masters by SRV records of site-a.example.com, least-loaded'
  )
  t.match(
    check({ config: path(`${tls}\n${ca}\n${masters}\n${srv}\n`) }, {}).text,
    'CA at https://ca.example.com:8140, 1 master of 1 priority, masters by SRV records of site-a.example.com, least-loaded'
  )
})
