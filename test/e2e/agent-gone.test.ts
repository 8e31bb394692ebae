import { type EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import t from 'tap'
import { LARGEST_BYTES } from '../../src/data/http/intake.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { connectBreakableAgent, connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }
type Script = (request: IncomingMessage, response: ServerResponse) => void

const pki = await createTestPki()
const catalog = '/puppet/v3/catalog/a.example.com?environment=production'
const gone = { msg: 'request', end: 'agent-gone' }

/** One master that does as told and one that must never be asked. */
async function startScene(
  t: Test,
  script: Script,
  options: { tls?: typeof pki.server; intervalMs?: number; responseTimeoutMs?: number; jrubies?: number } = {}
) {
  const master = await startScriptedMaster(t, script, options)
  const other = await startScriptedMaster(t, (_request, response) => response.end())
  const masters = [
    { name: 'm1', url: master.url },
    { name: 'm2', url: other.url, priority: 1 }
  ]
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: other.url, masters },
    {
      health: { intervalMs: options.intervalMs ?? 3_600_000 },
      upstream: { connectTimeoutMs: 60_000, responseTimeoutMs: options.responseTimeoutMs ?? 60_000 }
    }
  )
  const app = await startBalancer(t, config, { log })
  const inFlight = async () => (await scrape(app.adminPort)).value('puppet_lb_in_flight', { master: 'm1' })
  return { app, master, other, logged, inFlight, agent: connectAgent(t, pki, app.port) }
}

t.test('an agent that hangs up in the middle of its upload frees the master at once', async t => {
  const begun = Promise.withResolvers<IncomingMessage>()
  const { app, agent, logged, inFlight, other } = await startScene(t, request => {
    request.on('error', () => {}).once('data', () => begun.resolve(request))
  })
  const body = new PassThrough()
  // More than is taken into hand before a master is asked.
  const length = LARGEST_BYTES + 1024
  const upload = agent.open({ method: 'POST', path: catalog, headers: { 'content-length': length }, body })
  upload.on('error', () => {})
  body.write(Buffer.alloc(length - 10))
  const request = await begun.promise
  t.equal(await inFlight(), 1)
  const isClosed = closed(request.socket)
  upload.destroy()
  await isClosed
  t.equal(await inFlight(), 0)
  t.match(await logged.line(gone), { status: 499, master: 'm1', attempts: 1, bytesOut: 0 })
  t.equal(other.seen.length, 0)
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_requests_total', { class: 'catalog', master: 'm1', code: '499' }), 1)
})

t.test('an agent that hangs up before its body is in hand is news to no master', async t => {
  const { app, logged, master, other } = await startScene(t, () => {})
  const agent = await connectRawAgent(t, pki, app.port)
  agent.send(`POST ${catalog} HTTP/1.1\r\nHost: puppet\r\nContent-Length: 1000\r\n\r\nhalf of it`)
  agent.socket.destroy()
  t.match(await logged.line(gone), { status: 499, attempts: 0 })
  t.equal(master.seen.length + other.seen.length, 0)
})

for (const pace of ['reads on', 'has stopped reading']) {
  t.test(
    `an agent that ${pace} and hangs up in the middle of its download frees the master at once`,
    async t => {
      const paused = Promise.withResolvers<ServerResponse>()
      const { agent, logged, inFlight } = await startScene(t, (_request, response) => {
        pour(response, () => paused.resolve(response))
      })
      const request = agent.open({ path: '/puppet/v3/file_content/modules/a/large' })
      request.on('error', () => {})
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      if (pace === 'reads on') answer.on('error', () => {}).resume()
      const response = await paused.promise
      t.equal(await inFlight(), 1)
      const isClosed = closed(response)
      answer.destroy()
      await isClosed
      t.equal(await inFlight(), 0)
      const line = await logged.line(gone)
      t.match(line, { status: 200, master: 'm1' })
      t.ok(Number(line.bytesOut) > 0)
    }
  )
}

t.test('an agent whose connection breaks while its catalog is compiled', async t => {
  const asked = Promise.withResolvers<ServerResponse>()
  const { app, logged, inFlight, master, other } = await startScene(t, (request, response) => {
    request.resume().once('end', () => asked.resolve(response))
  })
  const agent = await connectBreakableAgent(t, pki, app.port)
  agent.send(`POST ${catalog} HTTP/1.1\r\nHost: puppet\r\nContent-Length: 5\r\n\r\nfacts`)
  const response = await asked.promise
  agent.breakOff()

  await t.test('is told of at once', async t => {
    t.match(await logged.line(gone), { status: 499, master: 'm1', bytesIn: 5 })
  })
  await t.test('leaves the master charged, for the master does not stop', async t => {
    t.equal(await inFlight(), 1)
    t.notOk(response.destroyed)
  })
  await t.test('until the master answers', async t => {
    const isClosed = closed(response)
    response.end('{}')
    await isClosed
    t.equal(await inFlight(), 0)
    t.equal(logged.lines.filter(line => line.msg === 'request').length, 1)
    t.equal(master.seen.length + other.seen.length, 1)
  })
})

for (const [how, options] of Object.entries({
  'once its master reports that it does nothing': { intervalMs: 20 },
  'after the response timeout when its master says nothing': { responseTimeoutMs: 300 }
})) {
  t.test(`a compile whose answer is lost, and whose agent has left, frees its JRuby ${how}`, async t => {
    const asked = Promise.withResolvers<ServerResponse>()
    const script: Script = (request, response) => {
      if (request.url !== catalog) response.end('served')
      else request.resume().once('end', () => asked.resolve(response))
    }
    const { app, agent, logged, inFlight, other } = await startScene(t, script, { jrubies: 1, ...options })
    const request = agent.open({ method: 'POST', path: catalog, body: 'facts' })
    request.on('error', () => {})
    const isClosed = closed(await asked.promise)
    request.destroy()
    await logged.line(gone)
    const next = await connectAgent(t, pki, app.port).ask({ path: '/puppet/v3/node/b.example.com' })
    t.match(next, { status: 200, body: 'served' })
    await isClosed
    t.equal(await inFlight(), 0)
    t.equal(logged.lines.filter(line => line.msg === 'request').length, 2, 'each is told of once')
    t.equal(other.seen.length, 0, 'and nothing was repeated')
  })
}

t.test('a compile that nobody waits for any more is not repeated when its master dies', async t => {
  const asked = Promise.withResolvers<ServerResponse>()
  const { app, logged, inFlight, other } = await startScene(t, (request, response) => {
    request.resume().once('end', () => asked.resolve(response))
  })
  const agent = await connectBreakableAgent(t, pki, app.port)
  agent.send(`POST ${catalog} HTTP/1.1\r\nHost: puppet\r\nContent-Length: 5\r\n\r\nfacts`)
  const response = await asked.promise
  agent.breakOff()
  await logged.line(gone)
  const isClosed = closed(response)
  response.destroy()
  await isClosed
  t.equal(await inFlight(), 0)
  t.equal(other.seen.length, 0)
})

for (const handshake of ['fails', 'succeeds']) {
  t.test(`an agent that hangs up before a connect that ${handshake} brings no master any work`, async t => {
    const { app, logged, inFlight, master, other } = await startScene(t, () => {}, { tls: pki.server })
    await master.kill()
    const slow = await startSlowTls(t, master.port)
    const agent = await connectBreakableAgent(t, pki, app.port)
    agent.send(`GET ${catalog} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
    const finish = await slow.hello
    t.equal(await inFlight(), 1)
    agent.breakOff()
    t.match(await logged.line(gone), { status: 499, master: 'm1', attempts: 1 })
    finish(handshake === 'succeeds')
    if (handshake === 'succeeds')
      t.equal(await slow.received, '', 'the connection is closed with nothing said')
    else await logged.line({ msg: 'master is ejected', master: 'm1' })
    t.equal(await inFlight(), 0)
    t.equal(other.seen.length, 0)
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_retries_total'), 0)
  })
}

t.test('an agent that hangs up takes those of its requests with it whose turn had not come', async t => {
  const endless = Promise.withResolvers<ServerResponse>()
  const { app, logged, inFlight, master } = await startScene(t, (_request, response) => {
    pour(response, () => endless.resolve(response))
  })
  const raw = await connectRawAgent(t, pki, app.port)
  const targets = ['/puppet/v3/file_content/modules/a/large', catalog, catalog]
  raw.send(targets.map(target => `GET ${target} HTTP/1.1\r\nHost: puppet\r\n\r\n`).join(''))
  const download = await endless.promise
  raw.socket.destroy()
  await closed(download)
  t.match(await logged.line(gone), { status: 200 })
  t.equal(await inFlight(), 0)
  t.equal(master.seen.length, 1, 'nobody has heard of the others')
})

t.test('an agent whose host has vanished is asked for by the system', async t => {
  const { app } = await startScene(t, () => {})
  const { socket } = await connectRawAgent(t, pki, app.port)
  const hex = (port: number | undefined) => `:${(port as number).toString(16).toUpperCase().padStart(4, '0')}`
  const ours = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(hex(app.port)) && remote?.endsWith(hex(socket.localPort)))
  t.match(ours?.[5], /^02:/, "the keep-alive timer of the kernel's table runs")
})

/** A TLS listener whose handshakes wait for the test, and what it then received. */
async function startSlowTls(t: Test, port: number) {
  const hello = Promise.withResolvers<(succeed: boolean) => void>()
  const received = Promise.withResolvers<string>()
  const server = createTlsServer({
    cert: pki.server.chain,
    key: pki.server.key,
    SNICallback: (_name, done) => hello.resolve(succeed => done(succeed ? null : new Error('no'), undefined))
  })
  let text = ''
  server.on('tlsClientError', () => {})
  server.on('connection', socket => socket.once('close', () => received.resolve(text)))
  server.on('secureConnection', socket => {
    socket
      .on('error', () => {})
      .on('data', chunk => {
        text += chunk
      })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { hello: hello.promise, received: received.promise }
}

/** Writes without end, and tells when nobody reads any more. */
function pour(response: ServerResponse, onPause: () => void): void {
  const endless = Readable.from(generate())
  endless.once('pause', onPause)
  response.once('close', () => endless.destroy())
  endless.pipe(response)
}

async function* generate(): AsyncGenerator<Buffer> {
  for (;;) yield Buffer.alloc(65_536)
}

/** However it came about. */
function closed(what: EventEmitter): Promise<void> {
  return new Promise(resolve => what.once('close', () => resolve()))
}
