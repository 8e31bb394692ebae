import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { connectAgent, type Question } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const catalog = '/puppet/v3/catalog/a.example.com?environment=production'

/** Two masters, `first` of which gets each request whole and dies over it, and one more; each sees what it got. */
async function startScene(t: Test, { dying = 1 } = {}) {
  const got: { master: string; method: string | undefined; body: string }[] = []
  const kills: (() => Promise<void>)[] = []
  const masters = await Promise.all(
    ['first', 'second', 'third'].map(async (name, priority) => {
      const master = await startScriptedMaster(t, async (request, response) => {
        got.push({ master: name, method: request.method, body: hash(await buffer(request)) })
        if (priority < dying) await kills[priority]?.()
        else response.end(name)
      })
      kills[priority] = master.kill
      return { name, url: master.url, priority }
    })
  )
  const ca = await startScriptedMaster(t, (request, response) => {
    got.push({ master: 'ca', method: request.method, body: '' })
    response.destroy()
  })
  const { log, ...logged } = captureLog()
  const app = await startBalancer(t, testConfig(pki, { ca: ca.url, masters }), { log })
  return { app, got, logged, agent: connectAgent(t, pki, app.port) }
}

t.test('what a master answers with no HTTP is asked of another one, but for a report', async t => {
  const first = await startRawMaster(t, ({ socket }) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  const second = await startScriptedMaster(t, (_request, response) => response.end('second'))
  const masters = [first, second].map(({ url }, priority) => ({ name: `m${priority}`, url, priority }))
  const app = await startBalancer(t, testConfig(pki, { ca: second.url, masters }))
  const agent = connectAgent(t, pki, app.port)
  t.match(await agent.ask({ method: 'POST', path: catalog, body: facts(10) }), {
    status: 200,
    body: 'second'
  })
  const report = await agent.ask({ method: 'PUT', path: '/puppet/v3/report/a.example.com', body: '{}' })
  t.match(report, { status: 502, headers: { 'x-puppet-lb-reason': 'master-answer' } })
  t.equal(first.connectionCount(), 2)
  t.equal(second.seen.length, 1)
  t.equal((await scrape(app.adminPort)).value('puppet_lb_retries_total', { reason: 'master-answer' }), 1)
})

const repeated: Readonly<Record<string, () => Question>> = {
  'a catalog with its facts': () => ({
    method: 'POST',
    path: catalog,
    headers: { 'content-length': 500_000 },
    body: facts(500_000)
  }),
  'a catalog with its facts in chunks': () => ({
    method: 'POST',
    path: catalog,
    body: new PassThrough().end(facts(500_000))
  }),
  'a catalog with facts of just 1 MiB': () => ({
    method: 'POST',
    path: catalog,
    headers: { 'content-length': 1_048_576 },
    body: facts(1_048_576)
  }),
  'a catalog with 6 MB of facts': () => ({
    method: 'POST',
    path: catalog,
    headers: { 'content-length': 6_000_000 },
    body: facts(6_000_000)
  }),
  'a file': () => ({ path: '/puppet/v3/file_content/modules/a/b' }),
  'the metadata of a file, by HEAD': () => ({ method: 'HEAD', path: '/puppet/v3/file_metadata/modules/a/b' })
}
for (const [what, question] of Object.entries(repeated)) {
  t.test(`${what} is asked of another master when the first one dies over it`, async t => {
    const { app, got, logged, agent } = await startScene(t)
    const answer = await agent.ask(question())
    t.equal(answer.status, 200)
    t.same(
      got.map(each => each.master),
      ['first', 'second']
    )
    t.equal(got[0]?.body, got[1]?.body, 'the body is the same')
    t.equal(got[1]?.method, question().method ?? 'GET')
    t.match(await logged.line({ msg: 'request' }), { master: 'second', attempts: 2, end: 'complete' })
    t.equal((await scrape(app.adminPort)).value('puppet_lb_retries_total', { reason: 'master-lost' }), 1)
  })
}

const sentOnce: Readonly<Record<string, () => Question>> = {
  'a catalog with more than 1 MiB of facts in chunks': () => ({
    method: 'POST',
    path: catalog,
    body: new PassThrough().end(facts(1_048_577))
  }),
  'a report': () => ({ method: 'PUT', path: '/puppet/v3/report/a.example.com', body: 'report' }),
  facts: () => ({ method: 'PUT', path: '/puppet/v3/facts/a.example.com', body: 'facts' }),
  'a file for the filebucket': () => ({
    method: 'PUT',
    path: '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661',
    body: 'a'
  }),
  'an old agent’s report': () => ({ method: 'PUT', path: '/production/report/a.example.com', body: 'report' })
}
for (const [what, question] of Object.entries(sentOnce)) {
  t.test(`${what} is not sent twice; the agent hears that the master was lost`, async t => {
    const { app, got, logged, agent } = await startScene(t)
    const answer = await agent.ask({ ...question() })
    t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'master-lost' } })
    t.match(answer.body, /cannot be repeated safely: it closed the connection\. Request [\w-]+$/)
    t.notOk('retry-after' in answer.headers)
    t.same(
      got.map(each => each.master),
      ['first']
    )
    t.match(await logged.line({ msg: 'request' }), { attempts: 1, status: 502, end: 'master-lost' })
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_retries_total'), 0)
  })
}

t.test('a catalog that has cost two masters their lives is not given to a third', async t => {
  const { got, agent } = await startScene(t, { dying: 2 })
  const answer = await agent.ask({ method: 'POST', path: catalog, body: 'facts' })
  t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'master-lost' } })
  t.same(
    got.map(each => each.master),
    ['first', 'second']
  )
})

t.test(
  'a master that dies during the upload costs nothing: the next one gets the body from its beginning',
  async t => {
    const got = Promise.withResolvers<void>()
    const first = await startScriptedMaster(t, request =>
      request.once('data', () => void first.kill().then(got.resolve))
    )
    const second = await startScriptedMaster(t, async (request, response) => {
      response.end(hash(await buffer(request)))
    })
    const masters = [
      { name: 'first', url: first.url },
      { name: 'second', url: second.url, priority: 1 }
    ]
    const app = await startBalancer(t, testConfig(pki, { ca: second.url, masters }))
    const all = facts(600_000)
    const request = connectAgent(t, pki, app.port).open({ method: 'POST', path: catalog, body: all })
    const answered = once(request, 'response')
    await got.promise
    const [response] = (await answered) as [IncomingMessage]
    t.equal((await buffer(response)).toString(), hash(all))
  }
)

t.test('the CA is asked once, and nobody else is', async t => {
  const { got, agent } = await startScene(t, { dying: 0 })
  for (const question of [
    { path: '/puppet-ca/v1/certificate/ca' },
    { method: 'PUT', path: '/puppet-ca/v1/certificate_request/a.example.com', body: 'csr' },
    { path: '/production/certificate_revocation_list/ca' }
  ]) {
    const before = got.length
    const answer = await agent.ask(question)
    t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'master-lost' } }, question.path)
    t.same(
      got.slice(before).map(each => each.master),
      ['ca'],
      question.path
    )
  }
})

function facts(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'facts of some machine ')
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
