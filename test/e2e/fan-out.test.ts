import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type Fault, startFault } from '../support/faults.ts'
import { captureLog } from '../support/log-lines.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const operator = await pki.authority.issue({ certname: 'operator.example.com' })
const path = '/puppet-admin-api/v1/environment-cache?environment=production'
const flush = { method: 'DELETE', path }

/** Three masters, the second of which answers `status` and the third of which takes no new work. */
async function startScene(t: Test, status = 204) {
  const start = (code: number) =>
    startScriptedMaster(t, (_request, response) => response.writeHead(code).end())
  const [one, two, three, ca] = [await start(204), await start(status), await start(204), await start(204)]
  const { log, ...logged } = captureLog()
  const masters = [
    { name: 'one', url: one.url },
    { name: 'two', url: two.url, priority: 1 },
    { name: 'three', url: three.url, weight: 0 }
  ]
  const config = testConfig(pki, { ca: ca.url, masters }, { access: { administrators: [operator.certname] } })
  const app = await startBalancer(t, config, { log })
  return { masters: [one, two, three], ca, app, logged, agent: connectAgent(t, pki, app.port, operator) }
}

t.test('the environment cache is flushed on every master, whatever its weight and tier', async t => {
  const { masters, ca, logged, agent } = await startScene(t)
  t.match(await agent.ask(flush), { status: 204, body: '' })
  for (const { seen } of masters) {
    t.match(seen, [{ method: 'DELETE', url: path }])
    t.same(seen[0]?.header('x-client-dn'), [`CN=${operator.certname}`])
  }
  t.equal(ca.seen.length, 0)
  t.match(await logged.line({ msg: 'request' }), {
    class: 'admin',
    attempts: 3,
    status: 204,
    end: 'complete'
  })
})

t.test('when one of them did not do it, the operator is told which', async t => {
  const { masters, logged, agent } = await startScene(t, 500)
  await masters[0]?.kill()
  const answer = await agent.ask(flush)
  t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'fan-out-incomplete' } })
  const said = /done on three; not on one \(it refuses connections\), two \(answered 500\)\. Request [\w-]+$/
  t.match(answer.body, said)
  t.notMatch(answer.body, /127\.0\.0\.1/)
  t.match(await logged.line({ msg: 'request' }), { status: 502, end: 'fan-out-incomplete' })
})

const causes: Readonly<Partial<Record<Fault, string>>> = {
  'shows an expired certificate': 'its certificate has expired',
  'shows a certificate for another name': 'its certificate is for another name',
  'shows a certificate of another CA':
    'its certificate is of a CA that is not trusted here (upstream.tls.ca)',
  'does not speak TLS': 'it does not speak TLS on this port',
  'accepts connections and says nothing': 'it took the connection and did not end the TLS handshake in time'
}
t.test('and each with its cause', async t => {
  const done = () => startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const good = await done()
  const bad = await Promise.all(
    Object.entries(causes).map(async ([fault, cause], index) => {
      const { port, url, kill } = await done()
      await kill()
      await startFault(t, port, fault as Fault, pki.authority)
      return { name: `m${index}`, url, cause }
    })
  )
  const masters = [...bad, { name: 'good', url: good.url }].map(({ name, url }) => ({ name, url }))
  const config = testConfig(
    pki,
    { ca: good.url, masters },
    {
      listen: { workers: 0 },
      access: { administrators: [operator.certname] },
      upstream: { connectTimeoutMs: 2_000 }
    }
  )
  const app = await startBalancer(t, config)
  const { body } = await connectAgent(t, pki, app.port, operator).ask(flush)
  const told = bad.map(({ name, cause }) => `${name} (${cause})`).join(', ')
  t.ok(body.includes(`: done on good; not on ${told}. Request `), body)
})

t.test('nobody else may, and then nothing reaches a master', async t => {
  const { masters, app } = await startScene(t)
  const agent = await pki.authority.issue({ certname: 'agent.example.com' })
  for (const identity of [agent, undefined]) {
    const answer = await connectAgent(t, pki, app.port, identity).ask(flush)
    t.match(answer, { status: 403, headers: { 'x-puppet-lb-reason': 'admin-refused' } })
  }
  t.same(
    masters.map(({ seen }) => seen.length),
    [0, 0, 0]
  )
})

t.test('a body that comes with it is left out, and the connection stays in step', async t => {
  const { masters, agent } = await startScene(t)
  const headers = { 'content-length': 3 }
  t.match(await agent.ask({ ...flush, headers, body: 'abc' }), { status: 204 })
  t.same(
    masters.map(({ seen }) => seen[0]?.header('content-length')),
    [[], [], []]
  )
  t.match(await agent.ask(flush), { status: 204 })
})

t.test('a master in maintenance is not asked, and told as one that did not do it', async t => {
  const { masters, app, agent } = await startScene(t)
  t.equal((await operatorOf(app).run('maint', 'three')).code, 0)
  const answer = await agent.ask(flush)
  t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'fan-out-incomplete' } })
  t.match(answer.body, /done on one, two; not on three \(in maintenance\)\. Request [\w-]+$/)
  t.equal(masters[2]?.seen.length, 0)
})
