import t from 'tap'
import { ca, load, minimal, problemsOf, settingsOf, tls } from './fixture.ts'

const file = 'puppet-lb.yaml'
const twoPools = `${tls}
${ca}
masters:
  - { name: a, url: "https://a:8140" }
  - { name: b, url: "https://b:8140", pools: [site-b, reports] }
`
const withRoutes = (...routes: string[]) =>
  `${twoPools}routes:\n${routes.map(each => `  - ${each}\n`).join('')}`
/** What is wrong with one route, which is on line 7. */
const problemsWith = (t: Parameters<typeof problemsOf>[0], route: string) => problemsOf(t, withRoutes(route))
const warningsOf = (t: Parameters<typeof problemsOf>[0], yaml: string) =>
  load(t, yaml).warnings.flatMap(text =>
    text.includes('tls.crl') ? [] : [text.replace(/^.*puppet-lb/, 'puppet-lb')]
  )

t.test('a route says what it is about, one value or a list of each, with its line', async t => {
  const { routes } = settingsOf(
    t,
    withRoutes(
      '{ certname: "*.dmz.example.com", extension: { pp_datacenter: b, 1.3.6.1.4.1.34380.1.2.7: [x, y] }, pool: site-b }',
      '{ class: [report], environment: canary, pool: reports, otherwise: default }'
    )
  )
  t.match(routes, [
    {
      certnames: ['*.dmz.example.com'],
      extensions: [
        { name: 'pp_datacenter', oid: '1.3.6.1.4.1.34380.1.1.19', values: ['b'] },
        { name: '1.3.6.1.4.1.34380.1.2.7', oid: '1.3.6.1.4.1.34380.1.2.7', values: ['x', 'y'] }
      ],
      classes: [],
      environments: [],
      pool: 'site-b',
      place: /puppet-lb\.yaml:7$/
    },
    { certnames: [], extensions: [], classes: ['report'], environments: ['canary'], otherwise: 'default' }
  ])
})

const classes = 'catalog, light, report, static, filebucket, status, admin, other'
const wrong: readonly (readonly [route: string, problem: string])[] = [
  [
    '{ pool: dmz }',
    ':7:13 routes[0].pool: is "dmz", which no master has among its pools; must be one of default, site-b, reports'
  ],
  [
    '{ pool: site-b, otherwise: dmz }',
    ':7:32 routes[0].otherwise: is "dmz", which no master has among its pools; must be one of default, site-b, reports'
  ],
  [
    '{ pool: site-b, otherwise: site-b }',
    ':7:32 routes[0].otherwise: is "site-b", which is pool as well; must be another one'
  ],
  [
    '{ class: report }',
    ':7:5 routes[0].pool: is missing, must be the name of a pool: 1 to 64 letters, digits, dots, hyphens or underscores'
  ],
  [
    '{ class: ca, pool: default }',
    `:7:14 routes[0].class: is "ca", which is never routed, for certificates have one authority; must be one of ${classes}`
  ],
  [
    '{ class: [light, reports], pool: default }',
    `:7:22 routes[0].class[1]: is "reports", must be one of ${classes}`
  ],
  [
    '{ class: [], pool: default }',
    ':7:14 routes[0].class: is an empty list, must be a class, or a list of them'
  ],
  [
    '{ certname: a/b, pool: default }',
    ':7:17 routes[0].certname: is "a/b", must be a certname, without slash, in which * is any text'
  ],
  [
    '{ environment: [a-b], pool: default }',
    ':7:21 routes[0].environment[0]: is "a-b", must be the name of an environment: letters, digits and underscores'
  ],
  [
    '{ extension: { pp_datacentre: b }, pool: default }',
    ':7:20 routes[0].extension.pp_datacentre: is not a known extension, did you mean pp_datacenter?'
  ],
  [
    '{ extension: { 1.3..6: b }, pool: default }',
    ':7:20 routes[0].extension.1.3..6: is no OID, must be numbers with dots, such as 1.3.6.1.4.1.34380.1.2.1'
  ],
  [
    '{ extension: { 3.1.2: b }, pool: default }',
    ':7:20 routes[0].extension.3.1.2: is no OID, must be numbers with dots, such as 1.3.6.1.4.1.34380.1.2.1'
  ],
  [
    '{ extension: { pp_cli_auth: true }, pool: default }',
    ':7:33 routes[0].extension.pp_cli_auth: is true, must be a text, in quotes where YAML takes it for something else, or a list of them'
  ],
  [
    '{ extension: {}, pool: default }',
    ':7:7 routes[0].extension: is a group of keys, must be a group of extensions with their values, such as pp_datacenter: b'
  ],
  ['{ certnames: a, pool: default }', ':7:7 routes[0].certnames: is not a known key, did you mean certname?'],
  [
    'site-b',
    ':7:5 routes[0]: is "site-b", must be a group of the keys certname, extension, class, environment, pool, otherwise'
  ]
]
for (const [route, problem] of wrong) {
  t.test(`${route} is no route`, async t => {
    t.same(problemsWith(t, route), [`${file}${problem}`])
  })
}

t.test('a name of an extension that is wrong is told beside a value that is', async t => {
  t.match(problemsWith(t, '{ extension: { pp_cli_auth: true, pp_rol: web }, pool: default }'), [
    /extension\.pp_cli_auth: is true/,
    /extension\.pp_rol: is not a known extension, did you mean pp_role\?/
  ])
})

t.test('an extension that has no likeness to any is told all there are', async t => {
  t.match(problemsWith(t, '{ extension: { datacenter-of-mine: b }, pool: default }'), [
    /extension\.datacenter-of-mine: is not a known extension, must be an OID or one of pp_uuid, .* pp_cli_auth$/
  ])
})

t.test('a master is in one pool at least, in each once, and all in eight at most', async t => {
  const masters = (...pools: string[]) =>
    `${tls}\n${ca}\nmasters:\n${pools.map((each, index) => `  - { name: m${index}, url: "https://m${index}", pools: ${each} }\n`).join('')}`
  t.same(problemsOf(t, masters('[]')), [
    `${file}:4:43 masters[0].pools: is an empty list, must be a list of at least one pool`
  ])
  t.same(problemsOf(t, masters('[default, a, a]')), [
    `${file}:4:56 masters[0].pools[2]: is "a" once more; a pool must be there once only`
  ])
  t.same(problemsOf(t, masters('[default, a, b, c]', '[d, e, f, g]', '[g, h]')), [
    `${file}:6:47 masters[2].pools[1]: is "h", one pool too many beside default, a, b, c, d, e, f, g; there may be 8`
  ])
})

const everyPool = ['{ class: report, pool: reports }', '{ environment: b, pool: site-b }']
t.test('routes that lead everywhere are worth no warning', async t => {
  t.same(warningsOf(t, withRoutes(...everyPool)), [])
  t.same(warningsOf(t, minimal()), [])
})

t.test('a route behind one that takes all its requests is worth a warning', async t => {
  const warned = (...routes: string[]) => warningsOf(t, withRoutes(...everyPool, ...routes)).length
  t.same(warningsOf(t, withRoutes(...everyPool, '{ pool: default }', '{ class: catalog, pool: site-b }')), [
    'puppet-lb.yaml:10:5 routes[3]: is never reached: routes[2] before it takes every request; should be moved up, or left out'
  ])
  t.equal(
    warned(
      '{ certname: "*.example.com", pool: site-b }',
      '{ certname: ["*.DMZ.Example.com"], pool: reports }'
    ),
    1
  )
  t.equal(
    warned('{ certname: "*.dmz.example.com", pool: site-b }', '{ certname: "*.example.com", pool: reports }'),
    0
  )
  t.equal(warned('{ class: report, environment: a, pool: site-b }'), 1)
  t.equal(warned('{ class: [report, catalog], pool: site-b }'), 0)
  t.equal(
    warned(
      '{ extension: { pp_role: [a, b] }, pool: site-b }',
      '{ extension: { pp_role: a, pp_zone: z }, pool: reports }'
    ),
    1
  )
  t.equal(
    warned(
      '{ extension: { pp_role: a, pp_zone: z }, pool: site-b }',
      '{ extension: { pp_role: a }, pool: reports }'
    ),
    0
  )
})

t.test('a pool that nothing leads to, or in which nobody takes work, is worth a warning', async t => {
  t.same(warningsOf(t, twoPools), [
    'puppet-lb.yaml:5:46 masters[1].pools: names the pool site-b, which no route leads to; its masters get nothing by it',
    'puppet-lb.yaml:5:46 masters[1].pools: names the pool reports, which no route leads to; its masters get nothing by it'
  ])
  const idle = withRoutes(...everyPool).replace('pools: [site-b', 'weight: 0, pools: [site-b')
  t.match(warningsOf(t, idle), [
    / masters\[1\]\.weight: is 0 as that of every master of the pool site-b/,
    /reports/
  ])
})

t.test('a default pool without a master is worth a warning, unless a route takes everything', async t => {
  const nobody = withRoutes(...everyPool).replace(
    'url: "https://a:8140"',
    'url: "https://a:8140", pools: [site-b]'
  )
  t.match(warningsOf(t, nobody), [/ routes: leaves the pool default without a master/])
  t.same(warningsOf(t, `${nobody}  - { pool: site-b }\n`), [])
})
