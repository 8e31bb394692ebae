import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { connectAgent, type Question } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { faults, startFault } from '../support/faults.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const HOUR_MS = 3_600_000
const CONNECT_TIMEOUT_MS = 100
/** After which any ejection is over. */
const LONGEST_EJECTION_MS = 66_000

const pki = await createTestPki()
const facts = Buffer.alloc(200_000, 'facts ')
const catalog = '/puppet/v3/catalog/a.example.com?environment=production'
const questions: Readonly<Record<string, () => Question>> = {
  'a GET': () => ({ path: '/puppet/v3/file_metadata/modules/a/b' }),
  'a catalog': () => ({
    method: 'POST',
    path: catalog,
    headers: { 'content-length': facts.length },
    body: facts
  }),
  'a catalog in chunks': () => ({ method: 'POST', path: catalog, body: new PassThrough().end(facts) }),
  'a report': () => ({
    method: 'PUT',
    path: '/puppet/v3/report/a.example.com',
    headers: { 'content-length': facts.length },
    body: facts
  }),
  'a file for the filebucket, in chunks': () => ({
    method: 'PUT',
    path: '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661',
    body: new PassThrough().end(facts)
  })
}

for (const fault of faults) {
  t.test(`when the first master ${fault}`, async t => {
    const first = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
    const second = await startScriptedMaster(
      t,
      async (request, response) => response.end(hash(await buffer(request))),
      { tls: pki.server }
    )
    const runtime = fakeRuntime()
    const { log, ...logged } = captureLog()
    const config = testConfig(
      pki,
      {
        ca: second.url,
        masters: [
          { name: 'first', url: first.url },
          { name: 'second', url: second.url, priority: 1 }
        ]
      },
      { upstream: { connectTimeoutMs: CONNECT_TIMEOUT_MS }, health: { intervalMs: HOUR_MS } }
    )
    const app = await startBalancer(t, config, { runtime, log })
    // It was up when it was asked last.
    await first.kill()
    const connection = await startFault(t, first.port, fault, pki.authority)
    const agent = connectAgent(t, pki, app.port)

    let round = 0
    for (const [what, question] of Object.entries(questions)) {
      await t.test(`${what} goes to the second one, and the agent notices nothing`, async t => {
        const connected = fault === 'accepts connections and says nothing' ? connection() : undefined
        const asked = agent.ask(question())
        if (connected) {
          await connected
          await runtime.advance(CONNECT_TIMEOUT_MS)
        }
        const answer = await asked
        t.equal(answer.status, 200)
        t.equal(answer.body, hash(question().body ? facts : Buffer.alloc(0)))
        round++
        const requests = await logged.atLeast(2 * round - 1, { msg: 'request' })
        t.match(requests.at(-1), { master: 'second', attempts: 2, status: 200, end: 'complete' })
        const metrics = await scrape(app.adminPort)
        t.equal(metrics.value('puppet_lb_retries_total', { reason: 'connect-failed' }), round)
        t.equal(metrics.value('puppet_lb_master_state', { master: 'first', state: 'ejected' }), 1)
        t.equal(metrics.value('puppet_lb_in_flight', { master: 'first' }), 0)
      })
      await t.test('the next request is not sent there first', async t => {
        t.equal((await agent.ask(question())).status, 200)
        const requests = await logged.atLeast(2 * round, { msg: 'request' })
        t.match(requests.at(-1), { master: 'second', attempts: 1 })
      })
      // Once its time is over the master is given work again, so that each request meets the fault.
      await runtime.advance(LONGEST_EJECTION_MS)
    }
    t.equal(logged.lines.filter(line => line.msg === 'master is ejected').length, round)
  })
}

t.test('a master that died leaves its idle connections behind, which no report is lost to', async t => {
  const first = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const second = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const masters = [
    { name: 'first', url: first.url },
    { name: 'second', url: second.url, priority: 1 }
  ]
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: second.url, masters }, { health: { intervalMs: HOUR_MS } })
  )
  const agents = await Promise.all(
    Array.from({ length: 4 }, async (_, index) =>
      connectAgent(t, pki, app.port, await pki.authority.issue({ certname: `agent${index}.example.com` }))
    )
  )
  const path = '/puppet/v3/report/a.example.com'
  const askAll = async () => {
    const answers = await Promise.all(agents.map(each => each.ask({ method: 'PUT', path, body: 'report' })))
    return answers.map(answer => answer.status)
  }
  t.same(await askAll(), [200, 200, 200, 200])
  t.equal(first.seen.length, 4)
  await first.kill()
  t.same(await askAll(), [200, 200, 200, 200])
  t.equal(second.seen.length, 4)
})

t.test(
  'a name that all masters share is asked of their certificates, by probes and requests alike',
  async t => {
    const shared = await pki.authority.issue({ certname: 'compile.example.com' })
    const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: shared })
    const config = testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { upstream: { tls: { serverName: 'compile.example.com' } as never } }
    )
    const app = await startBalancer(t, config)
    t.equal((await connectAgent(t, pki, app.port).ask({ path: catalog })).status, 200)
    t.equal(master.seen[0]?.servername, 'compile.example.com')
    t.same(master.seen[0]?.header('host'), [`compile.example.com:${master.port}`])
  }
)

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
