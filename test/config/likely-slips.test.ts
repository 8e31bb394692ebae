import t from 'tap'
import { ca, load, minimal, tls } from './fixture.ts'

const written: readonly (readonly [what: string, url: string, from: string, warning?: string])[] = [
  ['a master with a port', 'https://a:8140', '192.0.2.1'],
  ['a master with port 443, written', 'https://a:443', '192.0.2.0/24'],
  ['a master of plain HTTP', 'http://a', '2001:db8::1'],
  [
    'a master of HTTPS without a port',
    'https://a/',
    '192.0.2.1',
    '5:21 masters[0].url: has no port, so 443 is meant; Puppet Server listens on 8140 unless told otherwise'
  ],
  [
    'the same by an IPv6 address',
    'https://[2001:db8::1]',
    '192.0.2.1',
    '5:21 masters[0].url: has no port, so 443 is meant; Puppet Server listens on 8140 unless told otherwise'
  ],
  [
    'a network without a mask',
    'https://a:8140',
    '192.0.2.0',
    '2:35 listen.proxyProtocol.from[0]: is one address; a network has a mask, such as 192.0.2.0/24'
  ],
  [
    'an IPv6 network without a mask',
    'https://a:8140',
    '2001:db8::',
    '2:35 listen.proxyProtocol.from[0]: is one address; a network has a mask, such as 2001:db8::/64'
  ],
  [
    'everybody in front',
    'https://a:8140',
    '0.0.0.0/0',
    '2:35 listen.proxyProtocol.from[0]: is everybody, so whoever connects can name any address; should be those in front'
  ]
]

for (const [certname, warning] of [
  ['operator.example.com', undefined],
  ['*.example.com', 'holds a *, which stands for nothing here; must be one certname, written out'],
  ['Operator.example.com', 'has capital letters, which Puppet allows in no certname; must be lower case']
] as const) {
  t.test(`the administrator ${certname} is worth ${warning ? 'a' : 'no'} warning`, async t => {
    const { warnings } = load(t, minimal(`access: { administrators: ["${certname}"] }`))
    const own = warnings.filter(text => text.includes('access.'))
    t.same(
      own.map(text => text.replace(/^.*access\.administrators\[0\]: /, '')),
      warning ? [warning] : []
    )
  })
}

for (const [what, url, from, warning] of written) {
  t.test(`${what} is worth ${warning ? 'a' : 'no'} warning`, async t => {
    const yaml = `${tls}\nlisten: { proxyProtocol: { from: ["${from}"] } }\n${ca}\nmasters:\n  - { name: a, url: "${url}" }\n`
    const warnings = load(t, yaml).warnings.filter(text => !text.includes('tls.crl'))
    t.same(
      warnings.map(text => text.replace(/^.*puppet-lb\.yaml:/, '')),
      warning ? [warning] : []
    )
  })
}
