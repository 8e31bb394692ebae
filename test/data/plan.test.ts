import t from 'tap'
import { pinUseOf } from '../../src/balance/affinity.ts'
import { type MasterPlan, type PlannedRequest, type PlanSettings, planOf } from '../../src/data/http/plan.ts'
import { affinities } from '../../src/model/settings.ts'

const settings: PlanSettings = {
  affinity: 'phase',
  administrators: new Set(['ops.example.com']),
  withoutCertificate: 'forward'
}
const certname = 'web01.example.com'
const remote = '10.0.0.1'
const noPin = { follows: false, pins: false, ends: false }

/** The plan of a request that an agent with a certificate sends, unless `rest` says otherwise. */
function planFor(line: string, rest: Partial<PlannedRequest & PlanSettings> = {}) {
  const [method = '', target = ''] = line.split(' ')
  return planOf(
    { method, target, userAgent: 'Puppet/8.10.0', certname, remote, ...rest },
    { ...settings, ...rest }
  )
}

function masterPlanFor(...request: Parameters<typeof planFor>): MasterPlan {
  const plan = planFor(...request)
  if (plan.action !== 'master') throw new Error(`${request[0]} has the plan ${plan.action}`)
  return plan
}

const request = { method: 'GET', target: '/', userAgent: undefined, certname, remote } as const

for (const method of ['TRACE', 'CONNECT', 'PROPFIND', 'get', ''])
  t.test(`the method "${method}" is refused before anything else is looked at`, async t => {
    t.same(planOf({ ...request, method, target: '/../x' }, settings), {
      action: 'refuse',
      class: 'other',
      code: 'bad-method'
    })
  })

t.test('a path that masters and balancer might read differently is refused with what is wrong', async t => {
  t.match(planFor('GET /puppet/v3/../x'), { action: 'refuse', class: 'other', code: 'bad-path' })
  for (const target of ['/puppet/v3/../x', 'puppet', '/a%2e%2e/%00', '*'])
    t.match(planOf({ ...request, target }, settings), { code: 'bad-path', detail: /^it / }, target)
})

for (const [line, plan] of [
  ['GET /puppet-ca/v1/certificate/ca', { action: 'ca', class: 'ca', waits: true }],
  ['PUT /puppet-ca/v1/certificate_request/web01', { action: 'ca', class: 'ca', waits: true }],
  ['GET /production/certificate_revocation_list/ca', { action: 'ca', class: 'ca', waits: true }],
  ['GET /status/v1/simple/ca', { action: 'ca', class: 'ca', waits: false }],
  ['GET /status/v1/simple', { action: 'pool-status', class: 'status' }]
] as const)
  t.test(`${line} has the plan ${plan.action}, whoever asks`, async t => {
    t.same(planFor(line), plan)
    t.same(planFor(line, { certname: undefined }), plan)
  })

t.test('what a run or an enrolment fails with is waited for, what asks for a state is not', async t => {
  for (const line of [
    'GET /puppet/v3/node/a',
    'POST /puppet/v3/catalog/a',
    'GET /puppet/v3/file_content/modules/a/b',
    'GET /puppet/v3/static_file_content/modules/a/b',
    'HEAD /puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661',
    'PUT /puppet/v3/report/a',
    'GET /production/file_metadata/modules/a/b'
  ])
    t.match(planFor(line), { action: 'master', waits: true }, line)
  t.match(planFor('GET /status/v1/simple/pe-master'), { action: 'master', waits: false })
})

t.test('administration is for administrators with a certificate, and concerns every master', async t => {
  const line = 'DELETE /puppet-admin-api/v1/environment-cache'
  const refused = { action: 'refuse', class: 'admin', code: 'admin-refused' }
  t.same(planFor(line), refused)
  t.same(planFor(line, { certname: undefined }), refused)
  t.same(planFor(line, { certname: 'OPS.example.com' }), refused, 'case counts')
  t.same(planFor(line, { certname: 'ops.example.com' }), { action: 'every-master', class: 'admin' })
  t.same(planFor(line, { certname: 'ops.example.com', administrators: new Set() }), refused)
})

t.test(
  'administration of one process goes to one master, and compiling there queues as catalogs do',
  async t => {
    const certname = 'ops.example.com'
    for (const [line, rank] of [
      ['GET /status/v1/services', undefined],
      ['GET /metrics/v2/list', undefined],
      ['POST /puppet/v4/catalog', 'catalog'],
      ['POST /puppet/v3/compile', 'catalog']
    ] as const) {
      t.match(planFor(line), { action: 'refuse', class: 'admin', code: 'admin-refused' }, line)
      t.match(masterPlanFor(line, { certname }), { class: 'admin', rank, rule: 'policy', pin: noPin }, line)
    }
  }
)

t.test('what cannot be carried is refused as not served, even to administrators', async t => {
  const plan = planFor('POST /RPC2', { certname: 'ops.example.com' })
  t.same(plan, { action: 'refuse', class: 'other', code: 'not-served' })
})

/** A request for a master: class, rank, rule, and what of repeat, defer, follows, pins and ends is true. */
for (const [line, endpointClass, rank, rule, ...is] of [
  ['POST /puppet/v3/catalog/web01', 'catalog', 'catalog', 'policy', 'repeatable', 'deferrable', 'pins'],
  ['GET /puppet/v3/node/web01', 'light', 'light', 'certname', 'repeatable', 'deferrable', 'follows', 'pins'],
  ['GET /puppet/v3/file_metadata/modules/a/b', 'light', 'light', 'certname', 'repeatable', 'follows', 'pins'],
  ['GET /puppet/v3/file_content/modules/a/b', 'light', 'light', 'certname', 'repeatable', 'follows', 'pins'],
  ['PUT /puppet/v3/report/web01', 'report', 'report', 'policy', 'ends'],
  ['GET /puppet/v3/static_file_content/modules/a/b', 'static', undefined, 'policy', 'repeatable']
] as const)
  t.test(`${line} is ${endpointClass} and goes to a master by ${rule}`, async t => {
    const plan = masterPlanFor(line)
    t.match(plan, { class: endpointClass, rank, rule, key: certname })
    const { repeatable, deferrable, pin } = plan
    t.same(
      { repeatable, deferrable, ...pin },
      {
        ...{ repeatable: false, deferrable: false, ...noPin },
        ...Object.fromEntries(is.map(each => [each, true]))
      }
    )
  })

t.test(
  'where runs stay together throughout, a catalog follows its pin and so begins by its name',
  async t => {
    const plan = masterPlanFor('POST /puppet/v3/catalog/web01', { affinity: 'run' })
    t.match(plan, { rule: 'certname', pin: { follows: true, pins: true } })
    const report = masterPlanFor('PUT /puppet/v3/report/web01', { affinity: 'run' })
    t.match(report, { rule: 'certname', pin: { follows: true, ends: true } })
  }
)

t.test('where runs are not kept together, everything goes by the policy', async t => {
  for (const line of ['GET /puppet/v3/node/a', 'POST /puppet/v3/catalog/a', 'PUT /puppet/v3/report/a'])
    t.match(masterPlanFor(line, { affinity: 'none' }), { rule: 'policy', pin: noPin }, line)
})

t.test('the pin of a plan is what the affinity says of its class', async t => {
  for (const affinity of affinities)
    t.same(masterPlanFor('GET /puppet/v3/node/a', { affinity }).pin, pinUseOf(affinity, 'light'))
})

t.test('who showed no certificate has no pin, and goes by the policy and its address', async t => {
  const plan = masterPlanFor('GET /puppet/v3/node/a', { certname: undefined, affinity: 'run' })
  t.match(plan, { rule: 'policy', key: remote, pin: noPin })
  t.equal(masterPlanFor('GET /puppet/v3/node/a', { certname: undefined, remote: undefined }).key, '')
})

t.test('a file’s content goes by its checksum, whoever asks and whatever the affinity', async t => {
  const sum = '0123456789abcdef0123456789abcdef'
  for (const affinity of affinities)
    for (const name of [certname, undefined])
      for (const method of ['GET', 'HEAD', 'PUT']) {
        const line = `${method} /puppet/v3/file_bucket_file/md5/${sum}`
        const plan = masterPlanFor(line, { affinity, certname: name })
        t.match(plan, { class: 'filebucket', rank: 'light', rule: 'content', pin: noPin }, line)
        t.match(plan.key, sum)
      }
})

t.test('the query does not count', async t => {
  const line = 'GET /puppet/v3/node/a'
  t.same(masterPlanFor(`${line}?environment=production`), masterPlanFor(line))
})

t.test(
  'without a certificate only the CA, status and packages are asked, unless others are forwarded',
  async t => {
    const open = [
      'GET /puppet-ca/v1/certificate/ca',
      'PUT /puppet-ca/v1/certificate_request/web02.example.com',
      'GET /production/certificate_revocation_list/ca',
      'GET /status/v1/simple',
      'GET /status/v1/simple/server',
      'GET /status/v1/simple/ca',
      'GET /packages/current/install.bash'
    ]
    const closed = [
      'POST /puppet/v3/catalog/web02.example.com',
      'GET /puppet/v3/node/web02.example.com',
      'PUT /puppet/v3/report/web02.example.com',
      'GET /puppet/v3/file_content/modules/a/b',
      'GET /puppet/v3/static_file_content/modules/a/b',
      'GET /puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661',
      'GET /puppet/v3/environments',
      'GET /production/status/x',
      'GET /anything'
    ]
    const stranger = { certname: undefined, withoutCertificate: 'refuse' } as const
    for (const line of open) t.not(planFor(line, stranger).action, 'refuse', line)
    for (const line of closed) {
      t.match(planFor(line, stranger), { action: 'refuse', code: 'certificate-required' }, line)
      t.equal(planFor(line, { ...stranger, withoutCertificate: 'forward' }).action, 'master', line)
      t.equal(planFor(line, { withoutCertificate: 'refuse' }).action, 'master', line)
    }
  }
)
