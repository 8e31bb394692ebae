import t from 'tap'
import { type Asked, createGuard, isExposed, type RefusalCode } from '../../src/admin/auth.ts'
import type { AdminBoot } from '../../src/model/settings.ts'

const loopback: AdminBoot = {
  host: '127.0.0.1',
  port: 9140,
  hosts: ['Balancer.example.com'],
  token: undefined,
  metricsToken: false,
  socket: undefined
}
const withToken = { ...loopback, token: 'sésame' }
const network = { ...loopback, host: '0.0.0.0' }
const networkWithToken = { ...withToken, host: '0.0.0.0' }

const read: Asked = {
  method: 'GET',
  target: '/api/status',
  host: '127.0.0.1:9140',
  mark: undefined,
  authorization: undefined
}
const write = { ...read, method: 'POST', target: '/api/reload', mark: '1' }
/** A header as Node hands it on: one character for each byte. */
const onTheWire = (text: string) => Buffer.from(text).toString('latin1')
const bearer = { authorization: onTheWire('Bearer sésame') }
const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
const probes = ['/healthz', '/readyz', '/metrics']

type Row = readonly [what: string, admin: AdminBoot, asked: Asked, refused?: RefusalCode]

const rows: readonly Row[] = [
  ['loopback: a read', loopback, read],
  ['loopback: a write with the header', loopback, write],
  ['loopback: a write without the header', loopback, { ...write, mark: undefined }, 'header-missing'],
  ['loopback: a write with another value', loopback, { ...write, mark: 'true' }, 'header-missing'],
  ['loopback: DELETE is a write', loopback, { ...read, method: 'DELETE' }, 'header-missing'],
  ['loopback: HEAD is a read', loopback, { ...read, method: 'HEAD' }],
  ["loopback: a page's question whether it may", loopback, { ...read, method: 'OPTIONS' }, 'header-missing'],
  ['loopback with a token: a read', withToken, read],
  ['loopback with a token: a write without it', withToken, write, 'token-missing'],
  ['loopback with a token: a write with it', withToken, { ...write, ...bearer }],
  [
    'loopback with a token: it replaces no header',
    withToken,
    { ...read, ...bearer, method: 'POST' },
    'header-missing'
  ],
  ['network without a token: a read', network, read, 'no-token-set'],
  ['network without a token: a write', network, write, 'no-token-set'],
  [
    'network without a token: a guess',
    network,
    { ...write, authorization: 'Bearer undefined' },
    'no-token-set'
  ],
  ['an empty token is none', { ...network, token: '' }, { ...read, ...basic('admin:') }, 'no-token-set'],
  ['network: a read without the token', networkWithToken, read, 'token-missing'],
  ['network: a read with it', networkWithToken, { ...read, ...bearer }],
  ['network: a write with it', networkWithToken, { ...write, ...bearer }],
  ['network: an unknown path', networkWithToken, { ...read, target: '/api/nothing' }, 'token-missing'],
  [
    'network: a path that only begins like a probe',
    networkWithToken,
    { ...read, target: '/metrics/x' },
    'token-missing'
  ],
  [
    'network: a probe spelled otherwise',
    networkWithToken,
    { ...read, target: '/%6detrics' },
    'token-missing'
  ],
  ['network: a POST to a probe', networkWithToken, { ...write, target: '/metrics' }, 'token-missing'],
  ['a bearer of any case', networkWithToken, { ...read, authorization: onTheWire('bEARER sésame') }],
  ['another token', networkWithToken, { ...read, authorization: 'Bearer sesame' }, 'token-wrong'],
  [
    'a part of the token',
    networkWithToken,
    { ...read, authorization: onTheWire('Bearer sésam') },
    'token-wrong'
  ],
  ['the token without a scheme', networkWithToken, { ...read, authorization: 'sésame' }, 'token-missing'],
  [
    'the token under another scheme',
    networkWithToken,
    { ...read, authorization: 'Digest sésame' },
    'token-missing'
  ],
  ['the password of Basic', networkWithToken, { ...read, ...basic('anybody:sésame') }],
  ['a password with a colon', { ...networkWithToken, token: 'a:b' }, { ...read, ...basic(':a:b') }],
  ['the token as the user of Basic', networkWithToken, { ...read, ...basic('sésame:') }, 'token-wrong'],
  ['Basic without a colon', networkWithToken, { ...read, ...basic('sésame') }, 'token-missing'],
  ['a foreign Host', loopback, { ...read, host: 'evil.example.com:9140' }, 'host-refused'],
  [
    'a foreign Host with the token',
    networkWithToken,
    { ...read, ...bearer, host: 'evil.example' },
    'host-refused'
  ],
  [
    'a Host that hides an address in a name',
    loopback,
    { ...read, host: '127.0.0.1.evil.example' },
    'host-refused'
  ],
  ['an address not in four numbers', loopback, { ...read, host: '0x7f000001' }, 'host-refused'],
  ['an empty Host', loopback, { ...read, host: '' }, 'host-refused'],
  ['a Host with a user', loopback, { ...read, host: 'localhost@evil.example' }, 'host-refused'],
  ['a name in brackets', loopback, { ...read, host: '[localhost]' }, 'host-refused'],
  ['no Host, as HTTP/1.0 allows', loopback, { ...read, host: undefined }],
  ['localhost', loopback, { ...read, host: 'LOCALHOST:1' }],
  ['localhost with the dot of the root', loopback, { ...read, host: 'localhost.' }],
  ['an IPv6 address', loopback, { ...read, host: '[::1]:9140' }],
  ['an IPv6 address without port', loopback, { ...read, host: '[2001:db8::1]' }],
  ["another machine's address: no page can take an address", loopback, { ...read, host: '192.0.2.1' }],
  ["the machine's name", loopback, { ...read, host: 'LB-1.site:9140' }],
  ['a configured name', loopback, { ...read, host: 'balancer.example.com' }],
  ['a name below a configured one', loopback, { ...read, host: 'a.balancer.example.com' }, 'host-refused'],
  ['a whole URL as target', loopback, { ...read, target: 'http://evil.example/api/status' }, 'bad-target'],
  [
    'metrics with metricsToken, no token given',
    { ...withToken, metricsToken: true },
    { ...read, target: '/metrics' },
    'token-missing'
  ],
  [
    'metrics with metricsToken and the token',
    { ...withToken, metricsToken: true },
    { ...read, ...bearer, target: '/metrics?x' }
  ],
  [
    'metricsToken without a token lets nobody in',
    { ...loopback, metricsToken: true },
    { ...read, target: '/metrics' },
    'no-token-set'
  ],
  [
    'metricsToken says nothing of health',
    { ...networkWithToken, metricsToken: true },
    { ...read, target: '/healthz' }
  ],
  ...probes.map((target): Row => [`network without a token: ${target}`, network, { ...read, target }]),
  ...probes.map(
    (target): Row => [`${target} under any name`, loopback, { ...read, target, host: 'pod.cluster' }]
  )
]

for (const [what, admin, asked, refused] of rows) {
  t.test(`${what} is ${refused === undefined ? 'allowed' : `refused: ${refused}`}`, async t => {
    t.equal(createGuard(admin, 'lb-1.site')(asked)?.code, refused)
  })
}

const bound: readonly (readonly [host: string, exposed: boolean])[] = [
  ['127.0.0.1', false],
  ['127.9.9.9', false],
  ['::1', false],
  ['::ffff:127.0.0.1', false],
  ['localhost', false],
  ['0.0.0.0', true],
  ['::', true],
  ['192.0.2.1', true],
  ['fe80::1%eth0', true],
  ['balancer.example.com', true],
  ['127.0.0.1.example.com', true]
]

for (const [host, exposed] of bound) {
  t.test(`a listener bound to ${host} is ${exposed ? '' : 'not '}open to the network`, async t => {
    t.equal(isExposed({ host }), exposed)
  })
}
