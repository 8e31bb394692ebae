import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const crl = await pki.authority.crl()
const targets = {
  certificate: [
    '/puppet-ca/v1/certificate/ca',
    '/puppet-ca/v1/certificate/ca?environment=production',
    '/production/certificate/ca'
  ],
  crl: [
    '/puppet-ca/v1/certificate_revocation_list/ca',
    '/puppet-ca/v1/certificate_revocation_list/ca?environment=production',
    '/production/certificate_revocation_list/ca'
  ]
} as const
const [certificateTarget] = targets.certificate
const [crlTarget] = targets.crl
/** How agents of all kinds are told to wait, or wait here. */
const versions = ['3.8.7', '5.5.22', '7.23.0', '8.10.0', undefined]

type Script = (request: IncomingMessage, response: ServerResponse) => void
type Overrides = Parameters<typeof testConfig>[2]

/** Puppet Server's answers: text, a date, no validators. */
function give(texts: { readonly certificate: string; readonly crl: string }): Script {
  return (request, response) => {
    const text = request.url?.includes('certificate_revocation_list') ? texts.crl : texts.certificate
    response.writeHead(200, { 'content-type': 'text/plain;charset=utf-8' }).end(text)
  }
}

/** A balancer with a CA that does what the test says, by now. */
async function startScene(t: Test, overrides: Overrides = {}) {
  const texts = { certificate: pki.authority.bundle, crl }
  let script = give(texts)
  const tls = pki.server
  const ca = await startScriptedMaster(t, (request, response) => script(request, response), { tls })
  const master = await startScriptedMaster(t, (_request, response) => response.end('from a master'), { tls })
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { caCache: true, ...overrides }
  )
  const { log, ...logged } = captureLog()
  const here = config.boot.listen.workers === 0
  const app = await startBalancer(t, config, here ? { log } : {})
  const ask = (path: string, { method = 'GET', headers = {} }: { method?: string; headers?: object } = {}) =>
    connectAgent(t, pki, app.port).ask({ method, path, headers: { ...headers } })
  return {
    ...{ app, ca, config, logged, ask, texts },
    script(next: Script) {
      script = next
    }
  }
}

const alone: Overrides = { listen: { workers: 0 } }

t.test('while the CA is up everybody gets its own answer', async t => {
  const { ask, ca } = await startScene(t, alone)
  const { length } = ca.seen
  for (const path of [...targets.certificate, ...targets.crl]) {
    const { headers, status } = await ask(path)
    t.equal(status, 200)
    t.same([headers.age, headers['x-puppet-lb-stale']], [undefined, undefined])
  }
  t.ok(ca.seen.length >= length + 6)
})

t.test('while it is away every worker answers from the copy, whatever the URL and the agent', async t => {
  const { ask, ca, app } = await startScene(t)
  await ca.kill()
  for (const [kind, text] of [
    ['certificate', pki.authority.bundle],
    ['crl', crl]
  ] as const)
    for (const [index, path] of targets[kind].entries())
      for (const version of versions) {
        const answer = await ask(path, { headers: version ? { 'x-puppet-version': version } : {} })
        t.equal(answer.status, 200, `${index} ${version}`)
        t.equal(answer.body, text)
        t.equal(answer.headers['content-type'], 'text/plain;charset=utf-8')
        t.match(answer.headers.age, /^\d+$/)
        t.equal(answer.headers['x-puppet-lb-stale'], answer.headers.age)
      }
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_ca_copies_total', { document: 'certificate' }), 15)
  t.equal(metrics.value('puppet_lb_ca_copies_total', { document: 'crl' }), 15)
  t.ok((metrics.value('puppet_lb_ca_copy_age_seconds', { document: 'crl' }) ?? -1) >= 0)
  t.equal(metrics.sum('puppet_lb_in_flight'), 0)
})

t.test('HEAD and conditions are honoured, and the log tells a copy from an answer', async t => {
  const { ask, ca, logged } = await startScene(t, alone)
  await ca.kill()
  const head = await ask(crlTarget, { method: 'HEAD' })
  t.match(head, { status: 200, body: '', headers: { 'content-length': String(crl.length) } })
  const tomorrow = new Date(Date.now() + 86_400_000).toUTCString()
  const yesterday = new Date(Date.now() - 86_400_000).toUTCString()
  const fresh = await ask(crlTarget, { headers: { 'if-modified-since': tomorrow } })
  t.match(fresh, { status: 304, body: '' })
  t.equal((await ask(crlTarget, { headers: { 'if-modified-since': yesterday } })).body, crl)
  const entries = await logged.atLeast(3, { end: 'ca-copy' })
  t.match(entries, [
    { status: 200, bytesOut: 0 },
    { status: 304, bytesOut: 0 },
    { status: 200, bytesOut: crl.length }
  ])
})

t.test("the CA's own validators are given on", async t => {
  const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT'
  const scene = await startScene(t, alone)
  scene.script((request, response) => {
    response.setHeader('etag', '"1"').setHeader('last-modified', lastModified)
    // Another one, so that it is taken.
    give({ ...scene.texts, certificate: `# renewed\n${pki.authority.bundle}` })(request, response)
  })
  const read = await scene.ask(certificateTarget)
  t.equal(read.headers.etag, '"1"')
  await copied(scene, 2)
  await scene.ca.kill()
  const { headers } = await scene.ask(certificateTarget)
  t.match(headers, { etag: '"1"', 'last-modified': lastModified })
  t.equal((await scene.ask(certificateTarget, { headers: { 'if-none-match': '"1"' } })).status, 304)
  t.equal((await scene.ask(certificateTarget, { headers: { 'if-none-match': '"2"' } })).status, 200)
})

/** Resolves when the CA's certificates have been copied so often. */
const copied = ({ logged }: Awaited<ReturnType<typeof startScene>>, count: number) =>
  logged.atLeast(count, { msg: 'the CA has given a new document', document: 'certificate' })

for (const [what, fail] of Object.entries<Script>({
  'an error': (_request, response) => response.writeHead(500).end('broken'),
  'that it is busy': (_request, response) => response.writeHead(503, { 'retry-after': '60' }).end('busy'),
  'half a head': (_request, response) => response.socket?.end('HTTP/1.1 200'),
  nothing: request => request.socket.destroy(),
  'what is no HTTP': (_request, response) => response.socket?.end('hello, world\r\n\r\n')
}))
  t.test(`a CA that answers ${what} is asked once, and the copy is given`, async t => {
    const { ask, ca, script } = await startScene(t, alone)
    const { length } = ca.seen
    script(fail)
    for (const version of versions) {
      const answer = await ask(crlTarget, { headers: version ? { 'x-puppet-version': version } : {} })
      t.match([answer.status, answer.body], [200, crl], version ?? 'no version')
      t.equal(answer.headers['retry-after'], undefined)
    }
    t.equal(ca.seen.length - length, versions.length)
  })

t.test('what a CA that is up says of a document is passed on', async t => {
  const { ask, script } = await startScene(t, alone)
  for (const status of [403, 404]) {
    script((_request, response) => response.writeHead(status).end('not for you'))
    t.match(await ask(crlTarget), { status, body: 'not for you' })
  }
})

t.test('other requests for a CA that is away are answered as ever', async t => {
  const { ask, ca } = await startScene(t, alone)
  await ca.kill()
  for (const path of ['/puppet-ca/v1/certificate/web-1', '/puppet-ca/v1/certificate_status/web-1'])
    t.match(await ask(path, { headers: { 'x-puppet-version': '8.10.0' } }), {
      status: 503,
      headers: { 'x-puppet-lb-reason': 'ca-unavailable' }
    })
})

t.test('a new document is kept as soon as an agent was given it', async t => {
  const scene = await startScene(t, alone)
  scene.texts.certificate = `# second\n${pki.authority.bundle}`
  t.match((await scene.ask(certificateTarget)).body, /^# second/)
  await copied(scene, 2)
  await scene.ca.kill()
  t.match((await scene.ask(certificateTarget)).body, /^# second/)
})

t.test('with a state directory the copy is there after a restart, though the CA is not', async t => {
  const state = { directory: t.testdir() }
  const { app, ca, config } = await startScene(t, { state })
  await app.stop()
  await ca.kill()
  const again = await startBalancer(t, config)
  const agent = connectAgent(t, pki, again.port)
  t.equal((await agent.ask({ path: certificateTarget })).body, pki.authority.bundle)
  t.equal((await agent.ask({ path: crlTarget })).body, crl)
})

t.test('without one, or with ca.cache off, there is none', async t => {
  for (const overrides of [{ caCache: false }, {}]) {
    const { app, ca, config, ask } = await startScene(t, { ...overrides, ...alone })
    await ca.kill()
    const headers = { 'x-puppet-version': '8.10.0' }
    if (overrides.caCache === false) t.equal((await ask(crlTarget, { headers })).status, 503)
    await app.stop()
    const again = await startBalancer(t, config)
    t.equal((await connectAgent(t, pki, again.port).ask({ path: crlTarget, headers })).status, 503)
  }
})

t.test('with the CA away a new agent gets both documents, and an enrolled one runs', async t => {
  const ca = await startSimulatedMaster({ name: 'ca-master', ca: pki.authority })
  const master = await startSimulatedMaster({ name: 'm1' })
  for (const each of [ca, master]) t.teardown(() => each.close())
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { caCache: true }
  )
  const app = await startBalancer(t, config)
  await ca.kill()
  const fresh = connectAgent(t, pki, app.port)
  t.equal((await fresh.ask({ path: certificateTarget })).body, pki.authority.bundle)
  t.match((await fresh.ask({ path: crlTarget })).body, /BEGIN X509 CRL/)
  const certname = 'enrolled.example.com'
  const { chain, key } = await pki.authority.issue({ certname })
  const run = await runAgent({
    ...{ host: '127.0.0.1', port: app.port, servername: 'puppet', ca: pki.authority.bundle },
    ...{ identity: { cert: chain, key }, certname, version: '7.23.0', files: 1 }
  })
  t.same([run.exitStatus, run.failure], [2, undefined])
})

t.test('an agent that reads slowly gets all of a long list, a piece at a time', async t => {
  const scene = await startScene(t, alone)
  const long = `# ${'x'.repeat(4 * 1024 * 1024)}\n${pki.authority.bundle}`
  scene.texts.certificate = long
  await scene.ask(certificateTarget)
  await copied(scene, 2)
  await scene.ca.kill()
  const request = connectAgent(t, pki, scene.app.port).open({ path: certificateTarget })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(bytes, long.length)
})
