import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { hintOf } from '../../src/control/master-watch/hint.ts'
import { createLine } from '../../src/control/master-watch/line.ts'
import { probe } from '../../src/control/master-watch/probe.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { UpstreamSettings } from '../../src/model/settings.ts'
import { createArrivals } from '../../src/shared/arrivals.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import type { CauseKind } from '../../src/upstream/cause.ts'
import { createRoute } from '../../src/upstream/route.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { type Fault, startFault } from '../support/faults.ts'
import { unlessInstalled } from '../support/programs.ts'

type Test = { teardown: (task: () => unknown) => void }
type Start = (t: Test) => Promise<string>

const pki = await createTestPki()
const { upstream } = testConfig(pki, { ca: 'http://127.0.0.1:1', masters: [] }).settings
const strange = await (await createAuthority()).issue({ certname: 'balancer.example.com' })
const client = { cert: strange.chain, key: strange.key, certFile: 'client.pem', keyFile: 'client.key' }

const nowhere = 'http://a..b'

/** One probe of a fresh connection, as a watch makes it. */
async function probeOf(t: Test, origin: string, settings: UpstreamSettings, timeoutMs: number) {
  const arrivals = createArrivals()
  const route = createRoute(() => (origin === nowhere ? [] : ['127.0.0.1']))
  const line = createLine({
    origin,
    timeoutMs: () => timeoutMs,
    upstream: () => settings,
    route,
    runtime: systemRuntime,
    heard: () => arrivals.add(0)
  })
  t.teardown(line.close)
  return probe(
    { isFresh: true, isTrusted: false },
    {
      line,
      path: '/status/v1/simple',
      isSecure: origin.startsWith('https:'),
      arrivals: () => arrivals.count(0),
      hint: () => hintOf(origin, settings, route, systemRuntime)
    }
  )
}

async function listening(t: Test, server: Server, scheme: 'http' | 'https'): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}`
}

const http =
  (listener: RequestListener): Start =>
  t =>
    listening(t, createHttpServer(listener), 'http')
const https =
  (
    options: ServerOptions,
    listener: RequestListener = (_request, response) => response.end('running')
  ): Start =>
  t =>
    listening(
      t,
      createHttpsServer({ cert: pki.server.chain, key: pki.server.key, ...options }, listener),
      'https'
    )
const tcp =
  (onData: (socket: Socket) => void): Start =>
  t =>
    listening(
      t,
      createServer(socket => socket.once('data', () => onData(socket))),
      'http'
    )
const status = (code: number, body: string): Start =>
  http((_request, response) => response.writeHead(code).end(body))
const wantsCertificate: ServerOptions = {
  requestCert: true,
  rejectUnauthorized: true,
  ca: pki.authority.bundle
}

const fault =
  (name: Fault): Start =>
  async t => {
    const place = createServer().listen(0, '127.0.0.1')
    await once(place, 'listening')
    const { port } = place.address() as AddressInfo
    place.close()
    await once(place, 'close')
    await startFault(t, port, name, pki.authority)
    return `https://localhost:${port}`
  }

/** A listener that never runs, and whose backlog is full: the system drops what comes. */
const full: Start = async t => {
  const source = `
    const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const worker = new Worker(source, { eval: true })
  t.teardown(() => worker.terminate())
  const [port] = (await once(worker, 'message')) as [number]
  for (let count = 0; count < 2; count++) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
  }
  return `http://127.0.0.1:${port}`
}

const SHORT_MS = 400
const LONG_MS = 30_000

for (const [what, start, kind, text, timeoutMs = LONG_MS, settings = upstream] of [
  ['refuses connections', fault('refuses connections'), 'refused', /refuses connections \(ECONNREFUSED\)/],
  ['has a name that is not known', async () => nowhere, 'dns', /name is not known/],
  ['takes no connection', full, 'connect-timeout', /took no connection in time/, SHORT_MS],
  [
    'takes a connection and shakes no hands',
    fault('accepts connections and says nothing'),
    'handshake-timeout',
    /did not end the TLS handshake in time/,
    SHORT_MS
  ],
  ['does not answer', http(() => {}), 'timeout', /did not answer in time/, SHORT_MS],
  ['does not answer over TLS', https({}, () => {}), 'timeout', /did not answer in time/, SHORT_MS],
  [
    'resets connections in the handshake',
    fault('resets connections during the handshake'),
    'reset',
    /reset the connection/
  ],
  ['resets connections', tcp(socket => socket.resetAndDestroy()), 'closed', /closed the connection/],
  ['closes connections', tcp(socket => socket.end()), 'closed', /closed the connection/],
  ['shows an expired certificate', fault('shows an expired certificate'), 'tls-verify', /has expired/],
  [
    'shows a certificate for another name',
    fault('shows a certificate for another name'),
    'tls-verify',
    /is for another name/
  ],
  [
    'shows a certificate of another CA',
    fault('shows a certificate of another CA'),
    'tls-verify',
    /of a CA that is not trusted here/
  ],
  ['does not speak TLS', fault('does not speak TLS'), 'not-tls', /does not speak TLS on this port/],
  [
    'speaks TLS where none is asked for',
    async (t: Test) => (await https({})(t)).replace('https', 'http'),
    'tls-wanted',
    /it speaks TLS on this port/
  ],
  [
    'wants a client certificate under TLS 1.3',
    https({ ...wantsCertificate, minVersion: 'TLSv1.3' }),
    'tls-client-certificate',
    /refuses the client certificate of the balancer/
  ],
  [
    'wants a client certificate under TLS 1.2',
    https({ ...wantsCertificate, maxVersion: 'TLSv1.2' }),
    'tls-handshake',
    /wants a client certificate/
  ],
  ['fails', status(500, ''), 'status-5xx', /answered 500/],
  ['says that it starts', status(503, 'starting'), 'status-5xx', /answered 503/],
  ['wants nobody', status(403, ''), 'status-4xx', /answered 403/],
  ['is elsewhere', status(302, ''), 'status-3xx', /answered 302/],
  ['says something else', status(200, 'welcome'), 'body', /did not say that it runs/],
  ['does not speak HTTP', tcp(socket => socket.end('SSH-2.0-x\r\n')), 'not-http', /is not HTTP/]
] as readonly (readonly [string, Start, CauseKind, RegExp, number?, UpstreamSettings?])[])
  t.test(`a master that ${what} is told for ${kind}`, async t => {
    const result = await probeOf(t, await start(t), settings, timeoutMs)
    t.match(result, { healthy: false, kind, cause: text })
    t.notMatch(result, { cause: /127\.0\.0\.1|localhost/ }, 'no address')
  })

for (const version of ['-tls1_2', '-tls1_3'])
  t.test(
    `a master that does not know the CA of our certificate says so, with ${version}`,
    { skip: unlessInstalled('openssl') },
    async t => {
      const directory = t.testdir({
        'cert.pem': pki.server.chain,
        'key.pem': pki.server.key,
        'ca.pem': pki.authority.bundle
      })
      const words = `s_server -accept 127.0.0.1:0 ${version} -Verify 1 -verify_return_error -www`
      const files = '-cert cert.pem -key key.pem -CAfile ca.pem'
      const server = spawn('openssl', `${words} ${files}`.split(' '), { cwd: directory })
      const ended = once(server, 'exit')
      t.teardown(() => {
        server.kill()
        return ended
      })
      let said = ''
      for await (const chunk of server.stdout) {
        said += chunk
        if (/ACCEPT \S+:\d+\n/.test(said)) break
      }
      const port = /ACCEPT \S+:(\d+)\n/.exec(said)?.[1]
      const settings = { ...upstream, tls: { ...upstream.tls, client } }
      const result = await probeOf(t, `https://localhost:${port}`, settings, LONG_MS)
      t.match(result, { kind: 'tls-client-certificate', cause: /refuses the client certificate/ })
    }
  )
