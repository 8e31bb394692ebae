import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { run, unlessInstalled } from '../support/programs.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const stranger = await createTestPki()
const certname = 'recognisable.example.com'
const identity = await pki.authority.issue({ certname })
const foreign = await stranger.authority.issue({ certname })

/** A balancer that has served one of everything. */
async function serveSomething(t: Test, workers: number) {
  const master = await startScriptedMaster(t, (request, response) => {
    response.writeHead(request.url?.includes('broken') ? 500 : 200).end('{}')
  })
  const ca = await startScriptedMaster(t, (_request, response) => response.writeHead(404).end('no'))
  const { log, ...logged } = captureLog()
  const masters = [
    { name: 'm1', url: master.url },
    { name: 'm2', url: master.url, priority: 1 }
  ]
  const app = await startBalancer(t, testConfig(pki, { ca: ca.url, masters }, { listen: { workers } }), {
    log
  })
  const agent = connectAgent(t, pki, app.port, identity)
  const anonymous = connectAgent(t, pki, app.port)
  for (let count = 0; count < 3; count++) await agent.ask({ path: `/puppet/v3/node/${certname}` })
  await agent.ask({ method: 'POST', path: `/puppet/v3/catalog/${certname}`, body: 'facts' })
  await agent.ask({ method: 'PUT', path: `/puppet/v3/report/${certname}`, body: 'report' })
  await agent.ask({ path: '/production/catalog/broken' })
  await anonymous.ask({ path: '/puppet-ca/v1/certificate/ca' })
  await anonymous.ask({ path: '/metrics/v2/list' })
  await anonymous.ask({ path: '/status/v1/simple' })
  await anonymous.ask({ path: '/puppet/v3/%2e%2e/secret' })
  await connectAgent(t, pki, app.port, foreign).ask({ path: `/puppet/v3/node/${certname}` })
  return { app, logged, metrics: await scrape(app.adminPort) }
}

for (const workers of [0, 2]) {
  t.test(`after known traffic, with ${workers} workers`, async t => {
    const { app, metrics } = await serveSomething(t, workers)

    await t.test('requests are counted by class, master and code', async t => {
      const counted = [...metrics.text.matchAll(/^puppet_lb_requests_total\{(.*)\} (\d+)$/gm)]
      t.same(
        Object.fromEntries(
          counted.map(([, labels = '', value]) => [labels.replaceAll('"', ''), Number(value)])
        ),
        {
          'class=light,master=m1,code=200': 3,
          'class=catalog,master=m1,code=200': 1,
          'class=report,master=m1,code=200': 1,
          'class=catalog,master=m1,code=500': 1,
          'class=ca,master=ca,code=404': 1,
          'class=admin,master=,code=403': 1,
          'class=status,master=,code=200': 1,
          'class=other,master=,code=400': 1,
          'class=other,master=,code=403': 1
        }
      )
    })
    await t.test('so are their durations', async t => {
      t.equal(metrics.value('puppet_lb_request_duration_seconds_count', { class: 'light' }), 3)
      t.equal(metrics.value('puppet_lb_request_duration_seconds_bucket', { class: 'light', le: '+Inf' }), 3)
      t.equal(metrics.value('puppet_lb_request_duration_seconds_bucket', { class: 'light', le: '600' }), 3)
      t.equal(
        metrics.value('puppet_lb_upstream_duration_seconds_count', { class: 'catalog', master: 'm1' }),
        2
      )
      t.equal(
        metrics.value('puppet_lb_upstream_duration_seconds_count', { class: 'status', master: '' }),
        undefined
      )
    })
    await t.test('and connections by what became of them', async t => {
      t.equal(metrics.value('puppet_lb_tls_handshakes_total', { result: 'success' }), 3)
      t.equal(metrics.value('puppet_lb_client_verify_total', { result: 'success' }), 1)
      t.equal(metrics.value('puppet_lb_client_verify_total', { result: 'none' }), 1)
      t.equal(metrics.value('puppet_lb_client_verify_total', { result: 'failed' }), 1)
    })
    await t.test('the masters’ states are told', async t => {
      for (const master of ['m1', 'm2', 'ca']) {
        t.equal(metrics.value('puppet_lb_master_up', { master }), 1)
        t.equal(metrics.value('puppet_lb_master_state', { master, state: 'up' }), 1)
        t.equal(metrics.value('puppet_lb_master_state', { master, state: 'down' }), 0)
        t.equal(metrics.value('puppet_lb_in_flight', { master }), 0)
      }
    })
    await t.test('and when certificates end', async t => {
      const inYears = (seconds = 0) => (seconds * 1000 - Date.now()) / (365 * 86_400_000)
      const name = 'puppet_lb_certificate_not_after_timestamp_seconds'
      t.equal(Math.round(inYears(metrics.value(name, { cert: 'server' }))), 5)
      t.equal(Math.round(inYears(metrics.value(name, { cert: 'ca-1' }))), 15)
      t.equal(metrics.value('puppet_lb_config_reloads_total', { result: 'success' }), 1)
    })
    await t.test('no label tells who asked, or for what', async t => {
      t.notMatch(metrics.text, /recognisable|example|secret|\/puppet/)
      const labels = new Set([...metrics.text.matchAll(/[{,](\w+)="/g)].map(match => match[1]))
      t.same([...labels].toSorted(), [
        'cert',
        'class',
        'code',
        'fault',
        'le',
        'master',
        'mode',
        'result',
        'source',
        'state',
        'version',
        'window',
        'within'
      ])
    })
    await t.test('promtool has nothing to complain about', { skip: unlessInstalled('promtool') }, async t => {
      const { status, stdout, stderr } = run('promtool', ['check', 'metrics'], metrics.text)
      t.same({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
    })
    await t.test('they come in the format Prometheus asks for, and are not to be cached', async t => {
      const { headers } = await fetch(`http://127.0.0.1:${app.adminPort}/metrics`)
      t.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
      t.equal(headers.get('cache-control'), 'no-store')
    })
  })
}

t.test(
  'with nothing served yet promtool has nothing to complain about',
  { skip: unlessInstalled('promtool') },
  async t => {
    const master = await startScriptedMaster(t, (_request, response) => response.end())
    const app = await startBalancer(
      t,
      testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
    )
    const { text } = await scrape(app.adminPort)
    const { status, stdout, stderr } = run('promtool', ['check', 'metrics'], text)
    t.same({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  }
)

t.test('the capacity of every master is told', async t => {
  const learnt = await startScriptedMaster(t, (_request, response) => response.end(), { jrubies: 7 })
  const silent = await startRawMaster(t, () => {})
  const masters = [
    { name: 'learnt', url: learnt.url },
    { name: 'configured', url: learnt.url, capacity: 3 },
    { name: 'silent', url: silent.url }
  ]
  const app = await startBalancer(t, testConfig(pki, { ca: learnt.url, masters }))
  const { value } = await scrape(app.adminPort)
  const capacityOf = (master: string) => value('puppet_lb_capacity', { master })
  t.equal(capacityOf('learnt'), 7, 'what it says itself')
  t.equal(capacityOf('configured'), 3, 'whatever it says')
  t.equal(capacityOf('silent'), 4, 'when nothing is known')
  t.equal(capacityOf('ca'), undefined, 'the CA is given nothing that needs a JRuby')
})

t.test('a handshake that fails is counted', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const { status } = await fetch(`http://127.0.0.1:${app.port}/`).catch(() => ({ status: 0 }))
  t.equal(status, 0, 'HTTP where TLS is spoken')
  t.equal((await scrape(app.adminPort)).value('puppet_lb_tls_handshakes_total', { result: 'failure' }), 1)
})

t.test('every request has one line in the access log that tells all of it', async t => {
  const { logged } = await serveSomething(t, 0)
  const lines = await logged.atLeast(11, { msg: 'request' })
  const catalog = lines.find(line => line.class === 'catalog' && line.status === 200)
  const { id, durationMs, upstreamMs, queueMs, time, candidates, tried, ...rest } = catalog ?? { msg: '' }
  // The log of these tests is more than `debug`.
  t.match(candidates, [{ master: 'm1', open: 0 }])
  t.match(tried, [{ master: 'm1', end: 'complete' }])
  t.same(rest, {
    level: 'info',
    remote: '127.0.0.1',
    certname,
    method: 'POST',
    path: `/puppet/v3/catalog/${certname}`,
    class: 'catalog',
    master: 'm1',
    attempts: 1,
    bytesIn: 5,
    bytesOut: 2,
    status: 200,
    end: 'complete',
    rule: 'least-loaded',
    msg: 'request'
  })
  t.match(id, /^[0-9a-z]{5}-0-[0-9a-z]+$/)
  t.ok(Number(durationMs) >= Number(upstreamMs) + Number(queueMs) - 0.2 && Number(upstreamMs) > 0)
  t.equal(new Set(lines.map(line => line.id)).size, 11, 'ids differ')
  t.same(
    lines
      .filter(line => line.end !== 'complete')
      .map(({ status, end, master, attempts }) => [status, end, master, attempts]),
    [
      [403, 'admin-refused', '', 0],
      [400, 'bad-path', '', 0],
      [403, 'certificate-refused', '', 0]
    ]
  )
  t.same(
    lines.filter(line => line.certname === undefined).map(line => line.class),
    ['ca', 'admin', 'status', 'other', 'other'],
    'who is not verified has no name'
  )
})

t.test('the access log leaves the query out, in which old agents send their facts', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const { log, ...logged } = captureLog()
  const config = testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  const app = await startBalancer(t, config, { log })
  const raw = await connectRawAgent(t, pki, app.port)
  raw.send('GET /production/catalog/a?facts=secret HTTP/1.1\r\nHost: puppet\r\nAuthorization: secret\r\n\r\n')
  await raw.until('\r\n\r\n')
  t.equal((await logged.line({ msg: 'request' })).path, '/production/catalog/a')
  t.notMatch(JSON.stringify(logged.lines), /secret/)
})
