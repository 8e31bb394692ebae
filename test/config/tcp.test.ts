import t from 'tap'
import { isBootKey } from '../../src/config/diff.ts'
import { load, pemFiles, problemsOf, tls } from './fixture.ts'

const site = ({
  tcp = '[{ port: 8141, pool: legacy }]',
  pools = '[legacy]',
  url = 'https://old',
  rest = ''
} = {}) => `${tls}
listen: { tcp: ${tcp} }
ca: { url: "https://ca" }
masters:
  - { name: new, url: "https://new" }
  - { name: old, url: "${url}", pools: ${pools} }
${rest}
`
const files = pemFiles

t.test('a listener for raw TCP leads to a pool of its own', async t => {
  const { boot, settings } = load(t, site(), { files })
  t.same(boot.listen.tcpPorts, [8141])
  t.same(settings.listen.tcp, [{ port: 8141, pool: 'legacy', proxyProtocol: undefined }])
  t.ok(isBootKey('listen.tcp'))
  t.notOk(isBootKey('listen.tcp.8141.pool'))
})

for (const [what, yaml, expected] of [
  [
    'the default pool',
    site({ tcp: '[{ port: 8141, pool: default }]' }),
    /listen\.tcp\[0\]\.pool: is "default", which gets whatever no route takes; must be a pool that gets no HTTP, for who reaches a master by raw TCP can send it the identity headers/
  ],
  [
    'the pool of a route',
    site({ rest: 'routes: [{ class: report, pool: legacy }]' }),
    /listen\.tcp\[0\]\.pool: is "legacy", which a route leads to; must be a pool that gets no HTTP/
  ],
  [
    'a master in both kinds of pools',
    site({ pools: '[default, legacy]' }),
    /masters\[1\]\.pools: has legacy, which listen\.tcp leads to, and default, which gets HTTP; must have one kind only/
  ],
  [
    'the CA',
    site({ url: 'https://ca' }),
    /masters\[1\]\.url: is https:\/\/ca\S*, which is ca\.url and gets HTTP/
  ],
  ['a master without TLS', site({ url: 'http://old' }), /masters\[1\]\.url: .*must begin with https/],
  [
    'a pool that nobody is in',
    site({ tcp: '[{ port: 8141, pool: lgacy }]' }),
    /listen\.tcp\[0\]\.pool: is "lgacy", which no master has among its pools; must be legacy/
  ],
  [
    'the port of the agents',
    site({ tcp: '[{ port: 8140, pool: legacy }]' }),
    /listen\.tcp\[0\]\.port: is 8140, which listen\.port is already/
  ],
  [
    'the port of the operators',
    site({ tcp: '[{ port: 9140, pool: legacy }]' }),
    /listen\.tcp\[0\]\.port: is 9140, which admin\.port is already/
  ],
  [
    'one port twice',
    site({ tcp: '[{ port: 8141, pool: legacy }, { port: 8141, pool: legacy }]' }),
    /listen\.tcp\[1\]\.port: is 8141, which listen\.tcp\[0\]\.port is already/
  ],
  [
    'a master that is told here and not there',
    site({ tcp: '[{ port: 8141, pool: legacy }, { port: 8142, pool: legacy, proxyProtocol: v2 }]' }),
    /listen\.tcp\[1\]\.proxyProtocol: is not what listen\.tcp\[0\] says for the same master old/
  ]
] as const) {
  t.test(`${what} is refused`, async t => {
    t.match(problemsOf(t, yaml, { files }).join('\n'), expected)
  })
}
