import t from 'tap'
import { concernsOf } from '../../../src/admin/page/view/concerns.js'
import { headlineOf, titleOf } from '../../../src/admin/page/view/headline.js'
import type { Status } from '../../../src/model/status.ts'
import { idle, manyMasters, overviewOf } from '../overview.ts'
import { roomy, status } from '../scene.ts'

const alpha = status.masters[0] as Status['masters'][0]
const well: Status = {
  ...status,
  masters: manyMasters(3, alpha),
  queue: { light: 0, report: 0, catalog: 0 },
  certificates: [{ role: 'server', notAfter: '2026-06-01T00:00:00.000Z', source: '/tls/cert.pem' }],
  reload: { ...status.reload, needsRestart: [] },
  kept: []
}
const texts = (over: Partial<Status>, rest: Parameters<typeof overviewOf>[1] = {}) =>
  concernsOf(overviewOf({ ...well, ...over }, rest)).map(({ level, text }) => `${level}: ${text}`)

t.test('there is nothing to say of a balancer that is well', async t => {
  t.same(texts({}), [])
  const wanted = { ...alpha, mode: 'maint' as const, state: 'unknown' as const, cause: 'in maintenance' }
  t.same(texts({ masters: [alpha, wanted] }), [], 'nor of a master that an operator took out')
})

t.test('a master that is out is named with its cause; of many the first five', async t => {
  const down = { ...alpha, state: 'down' as const, cause: 'ECONNREFUSED' }
  t.same(texts({ masters: [down, { ...alpha, name: 'beta' }] }), ['bad: alpha is down: ECONNREFUSED.'])
  const many = texts({ masters: manyMasters(60, down) })
  t.equal(many.length, 6)
  t.equal(many.at(-1), 'bad: 55 more masters are out.')
})

for (const [what, over, told] of [
  [
    'a CA that is down',
    { ca: { ...well.ca, state: 'down', cause: 'EHOSTUNREACH' } },
    /^bad: The CA is down: EHOSTUNREACH/
  ],
  [
    'a certificate that ends this month',
    { certificates: [{ role: 'server', notAfter: '2026-01-20T00:00:00.000Z', source: 'f' }] },
    /^warn: The certificate server ends in 18 days/
  ],
  [
    'one that has ended',
    { certificates: [{ role: 'server', notAfter: '2025-12-20T00:00:00.000Z', source: 'f' }] },
    /^bad: The certificate server has ended/
  ],
  [
    'a revocation list that ends this month',
    { certificates: [{ role: 'crl', notAfter: '2026-01-20T00:00:00.000Z', source: 'f' }] },
    /^warn: The revocation list ends in 18 days/
  ],
  [
    'our own certificate',
    { ownCertificate: { state: 'revoked', cause: 'the list names it' } },
    /^bad: .*revoked: the list names it/
  ],
  [
    'a late list that counts',
    { crl: { ...(well.crl as NonNullable<Status['crl']>), late: 'keep' } },
    /^warn: The revocation list is out of date/
  ],
  [
    'a late list that does not',
    { crl: { ...(well.crl as NonNullable<Status['crl']>), late: 'refuse' } },
    /^bad: .*are refused/
  ],
  [
    'a reload that was refused',
    { reload: { ...well.reload, ok: false, problems: ['lb.yaml:3:1 tls: is missing'] } },
    /^warn: The last reload was refused: lb.yaml:3:1/
  ],
  [
    'keys that want a restart',
    { reload: { ...well.reload, needsRestart: ['listen.port'] } },
    /^warn: Only a restart applies listen.port/
  ],
  [
    'more catalogs waiting than JRubies',
    { queue: { ...well.queue, catalog: 37 } },
    /^warn: 37 catalogs wait for 36 JRubies/
  ],
  [
    'a pool that is full',
    {
      capacity: [
        { ...roomy, utilization: 0.99, headroomAgents: -1_200 },
        { ...roomy, pool: 'dmz' }
      ]
    },
    /^warn: The pool default is full: 99 % of 16 JRubies, 1,200 agents too many/
  ],
  [
    'code that differs for longer than a deployment takes',
    {
      code: [
        { environment: 'production', versions: 2, differsSince: '2026-01-01T12:10:00.000Z', masters: [] },
        { environment: 'test', versions: 2, differsSince: '2026-01-01T12:30:00.000Z', masters: [] }
      ]
    },
    /^warn: Masters serve 2 versions of production since 2026-01-01 12:10:00 UTC/
  ]
] as const satisfies readonly (readonly [string, Partial<Status>, RegExp])[])
  t.test(`${what} is told`, async t => {
    t.match(texts(over), [told])
  })

t.test('a pool without a master that is up is told, though nobody of it is in trouble', async t => {
  const queue = { light: 1, report: 0, catalog: 4 }
  const pools = [
    { name: 'default', up: 2, queue },
    { name: 'dmz', up: 0, queue }
  ]
  const kept = { ...alpha, name: 'kept', pools: ['dmz'], mode: 'maint' as const }
  t.same(texts({ masters: [alpha, kept], pools }), ['bad: No master of the pool dmz is up and in service.'])
  const none = pools.map(pool => ({ ...pool, up: 0 }))
  const { length } = texts({ masters: [kept], pools: none }, { notReady: 'no master can serve' })
  t.equal(length, 1, 'that nobody serves says it all')
})

t.test('a certificate of a CA beside which its renewal stands is no concern, whenever it ends', async t => {
  const old = { role: 'ca-1', notAfter: '2025-12-20T00:00:00.000Z', source: 'ca.pem' }
  t.equal(texts({ certificates: [old] }).length, 1, 'alone it is one')
  t.same(texts({ certificates: [{ ...old, renewed: true }] }), [])
})

t.test('catalogs that fail are told once they are many', async t => {
  const work = (catalogs: number, failedShare: number) =>
    texts({}, { work: [idle, { ...idle, catalogs, failedShare }, idle] })
  t.same(work(200, 0.25), ['warn: 25 % of the catalogs of master-1 fail.'])
  t.same(work(4, 0.25), [])
  t.same(work(200, 0.01), [])
})

for (const [what, of, told] of [
  [
    'all of a quiet site fail',
    [10, 10, 10].map(catalogs => ({ catalogs, failedShare: 1 })),
    ['bad: 100 % of the last 30 catalogs failed.']
  ],
  [
    'two of three masters fail all',
    [
      { catalogs: 30, failedShare: 1 },
      { catalogs: 30, failedShare: 1 },
      { catalogs: 30, failedShare: 0 }
    ],
    [
      'bad: 67 % of the last 90 catalogs failed.',
      'warn: 100 % of the catalogs of master-0 fail.',
      'warn: 100 % of the catalogs of master-1 fail.'
    ]
  ],
  [
    'one master fails the few it gets',
    [
      { catalogs: 6, failedShare: 1 },
      { catalogs: 90, failedShare: 0 },
      { catalogs: 90, failedShare: 0 }
    ],
    ['warn: 100 % of the catalogs of master-0 fail.']
  ],
  ['one agent has a broken manifest', [{ catalogs: 2, failedShare: 1 }, {}, {}], []]
] as const)
  t.test(`${what}: that is told`, async t => {
    t.same(texts({}, { work: of.map(each => ({ ...idle, ...each })) }), told)
  })

for (const [what, of, told] of [
  ['slow', [2_000, 9_000, 2_200], ['warn: master-1 takes 9.0 s for a catalog, others of its pools 2.0 s.']],
  ['slow, of two', [9_000, 2_000], ['warn: master-0 takes 9.0 s for a catalog, others of its pools 2.0 s.']],
  ['a little slower', [2_000, 5_000, 2_200], []],
  ['slower by nothing that anybody feels', [10, 90, 10], []]
] as const)
  t.test(`a master that is ${what} is told ${told.length > 0 ? 'of' : 'nothing of'}`, async t => {
    const work = of.map(p50Ms => ({
      ...idle,
      ...{ catalogs: 40, failedShare: 0, compile: { p50Ms, p99Ms: 3 * p50Ms } }
    }))
    t.same(texts({ masters: manyMasters(of.length, alpha) }, { work }), told)
    const [own, ...others] = work.map(each => ({ ...each, catalogs: 5 }))
    t.same(
      texts({ masters: manyMasters(of.length, alpha) }, { work: [own as never, ...others] }),
      [],
      'few say nothing'
    )
  })

t.test('masters of other pools have other agents, and may take longer', async t => {
  const work = [2_000, 9_000].map(p50Ms => ({
    ...idle,
    ...{ catalogs: 40, failedShare: 0, compile: { p50Ms, p99Ms: p50Ms } }
  }))
  const masters = manyMasters(2, alpha).map((master, index) => ({ ...master, pools: [`pool-${index}`] }))
  t.same(texts({ masters }, { work }), [])
})

t.test('where most catalogs fail, the first line does not say that agents are served', async t => {
  const work = well.masters.map(() => ({ ...idle, catalogs: 10, failedShare: 0.9 }))
  const view = overviewOf(well, { work })
  t.equal(headlineOf(view), 'Agents are answered, but 90 % of their catalogs fail')
  t.match(titleOf(view), /^⚠ /)
})

t.test('of code that differs the masters are named that most do not go with', async t => {
  const masters = (versions: readonly (string | null)[]) =>
    versions.map((version, index) => ({ name: `m${index}`, version, since: '', seen: '' }))
  const code = (...versions: (string | null)[]) =>
    texts({
      code: [
        {
          environment: 'production',
          versions: 2,
          differsSince: '2026-01-01T12:10:00.000Z',
          masters: masters(versions)
        }
      ]
    })
  t.match(code('new', 'old', 'new', null), [/12:10:00 UTC; other than most: m1\.$/])
  t.match(code('new', 'old'), [/12:10:00 UTC\.$/], 'of two nobody knows who is right')
})

t.test(
  'agents that are refused for their certificates are told, and first where nobody else is served',
  async t => {
    const refused = { certificates: 300, limits: 0 }
    const text = '300 requests of the last 10 minutes had a certificate that is refused.'
    const work = well.masters.map(() => ({ ...idle, catalogs: 500, failedShare: 0 }))
    t.same(texts({}, { refused, work }), [`warn: ${text}`])
    t.match(headlineOf(overviewOf(well, { refused, work })), /^Agents are served by/)
    t.same(texts({}, { refused }), [`bad: ${text}`])
    t.equal(headlineOf(overviewOf(well, { refused })), 'Most agents are refused for their certificates')
    t.match(titleOf(overviewOf(well, { refused })), /^⚠ /)
    t.same(texts({}, { refused: { certificates: 6, limits: 0 } }), [], 'one that was revoked is one')
  }
)

t.test('a limit that is met again and again is told', async t => {
  t.same(texts({}, { refused: { certificates: 0, limits: 40 } }), [
    'warn: 40 connections of the last 10 minutes were refused at a limit.'
  ])
})

t.test('what is bad comes before what is not', async t => {
  const all = texts(
    { queue: { ...well.queue, catalog: 99 }, reload: { ...well.reload, needsRestart: ['listen.port'] } },
    { notReady: 'no master can serve' }
  )
  t.equal(all[0], 'bad: Not ready: no master can serve.')
  t.equal(all.length, 3)
})

t.test('a list that is late is told once, and as no certificate', async t => {
  const crl = { ...(well.crl as NonNullable<Status['crl']>), late: 'refuse' as const }
  const certificates = [{ role: 'crl', notAfter: '2025-12-20T00:00:00.000Z', source: 'f' }]
  t.same(texts({ crl, certificates }), [
    'bad: The revocation list is out of date: the agents of its CA are refused.'
  ])
})

t.test('a log that cannot be written is told elsewhere than in the log', async t => {
  t.same(texts({ log: { fault: 'ENOSPC', linesLost: 1 } }), [
    'warn: The log cannot be written or opened anew (ENOSPC); 1 line lost so far.'
  ])
  t.same(texts({ log: { fault: null, linesLost: 7 } }), [], 'not once it can')
})
