import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const path = '/puppet/v3/catalog/a.example.com?environment=production'
/** Longest wait at a catalog while nobody serves. */
const LONGEST_AWAY_MS = 300_000
const csr = '/puppet-ca/v1/certificate_request/a.example.com'

t.test('when no master is left', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { health: { intervalMs: 3_600_000 } }
  )
  const runtime = fakeRuntime()
  const app = await startBalancer(t, config, { runtime, log })
  const agent = connectAgent(t, pki, app.port)
  await master.kill()
  const modern = { 'x-puppet-version': '8.10.0' }

  await t.test('the agent gets 503 and a sentence', async t => {
    const answer = await agent.ask({ path, headers: modern })
    t.match(answer, {
      status: 503,
      headers: { 'x-puppet-lb-reason': 'no-master', 'content-type': 'text/plain; charset=utf-8' },
      body: /^No Puppet master can serve this request now: it refuses connections\. Request [\w-]+$/
    })
    t.match(await logged.line({ msg: 'request' }), { attempts: 1, status: 503, end: 'no-master' })
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.value('puppet_lb_shed_total', { reason: 'no-master' }), 1)
    t.equal(metrics.sum('puppet_lb_retries_total'), 0, 'nothing was tried a second time')
  })

  const versions: Readonly<Record<string, boolean>> = {
    '8.10.0': true,
    '7.26.0': true,
    '7.23.0': false,
    '6.17.0': false,
    '5.3.0': false,
    '4.10.13': false,
    '3.8.7': false,
    '2.7.26': false,
    unknown: false,
    none: false
  }
  const those = (understand: boolean) => Object.keys(versions).filter(each => versions[each] === understand)
  const ask = (version: string) =>
    connectAgent(t, pki, app.port).ask({
      path,
      headers: version === 'none' ? {} : { 'x-puppet-version': version }
    })
  for (const version of those(true)) {
    await t.test(`an agent of version ${version} is told when to come back`, async t => {
      const { status, headers } = await ask(version)
      t.equal(status, 503)
      t.match(headers['retry-after'], /^([5-9]|[12]\d|30)$/)
    })
  }
  await t.test('the others wait, and are not told to come back then', async t => {
    const waiting = those(false)
    const asked = waiting.map(ask)
    const depth = async () => (await scrape(app.adminPort)).sum('puppet_lb_queue_depth')
    while ((await depth()) !== waiting.length);
    await runtime.advance(LONGEST_AWAY_MS)
    for (const [index, answer] of (await Promise.all(asked)).entries()) {
      t.equal(answer.status, 503, String(waiting[index]))
      t.equal(answer.headers['retry-after'], undefined)
      t.match(answer.body, /^No Puppet master can serve this request now/)
    }
    t.equal(await depth(), 0)
  })

  await t.test('agents are not told to come back all at once', async t => {
    const told = new Set<string | undefined>()
    for (let count = 0; count < 40; count++) {
      const { headers } = await agent.ask({ path, headers: modern })
      told.add(String(headers['retry-after']))
    }
    t.ok(told.size >= 10, `${told.size} different times`)
  })
})

t.test('when the CA cannot be reached, compile masters do not stand in for it', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  await ca.kill()
  const { log, ...logged } = captureLog()
  const config = testConfig(pki, { ca: ca.url, masters: [{ name: 'm1', url: master.url }] })
  const app = await startBalancer(t, config, { log })
  const answer = await connectAgent(t, pki, app.port).ask({
    method: 'PUT',
    path: csr,
    headers: { 'content-type': 'text/plain', 'x-puppet-version': '8.10.0' },
    body: 'csr'
  })
  t.match(answer, {
    status: 503,
    headers: { 'x-puppet-lb-reason': 'ca-unavailable', 'retry-after': /^\d+$/ },
    body: /^The Puppet CA cannot be reached now: it refuses connections\. Request [\w-]+$/
  })
  t.equal(master.seen.length, 0)
  t.match(await logged.line({ msg: 'request' }), { class: 'ca', attempts: 1, end: 'ca-unavailable' })
  t.equal((await scrape(app.adminPort)).value('puppet_lb_shed_total', { reason: 'ca-unavailable' }), 1)
})

t.test('a master that takes longer than responseTimeout costs 504, and is not asked again', async t => {
  const master = await startScriptedMaster(t, request => request.resume())
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    {
      ca: master.url,
      masters: [
        { name: 'm1', url: master.url },
        { name: 'm2', url: master.url }
      ]
    },
    { upstream: { responseTimeoutMs: 50 } }
  )
  const app = await startBalancer(t, config, { log })
  const answer = await connectAgent(t, pki, app.port).ask({ method: 'POST', path, body: 'facts' })
  t.match(answer, {
    status: 504,
    headers: { 'x-puppet-lb-reason': 'master-timeout' },
    body: /did not answer in time\. Request [\w-]+$/
  })
  t.equal(master.seen.length, 1)
  t.match(await logged.line({ msg: 'request' }), { attempts: 1, status: 504, end: 'master-timeout' })
  t.equal((await scrape(app.adminPort)).sum('puppet_lb_in_flight'), 0)
})

t.test('a master that falls silent in the middle of its answer breaks it off', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.write('{'))
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { upstream: { responseTimeoutMs: 50 } }
  )
  const app = await startBalancer(t, config, { log })
  await t.rejects(connectAgent(t, pki, app.port).ask({ path }))
  t.match(await logged.line({ msg: 'request' }), { status: 200, end: 'master-timeout' })
})
