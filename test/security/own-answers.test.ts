import type { IncomingMessage, ServerResponse } from 'node:http'
import { Registry } from 'prom-client'
import t from 'tap'
import { createClientErrors } from '../../src/data/accept/client-errors.ts'
import { createConversations } from '../../src/data/accept/conversation.ts'
import { createListener } from '../../src/data/accept/listener.ts'
import { ProxyError, type ReasonCode, reasonCodes } from '../../src/model/errors.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { Settings } from '../../src/model/settings.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { createTestPki } from '../support/balancer.ts'
import { testHistory } from '../support/history.ts'
import { createStarvation } from '../support/starvation.ts'
import { connectRaw, type RawAnswer } from './support/raw-connection.ts'
import { type Scene, startScene } from './support/scene.ts'

type T = Parameters<typeof startScene>[0]

/** Each reason code, provoked on a real connection. A new code needs a case here. */
const cases: Readonly<Record<ReasonCode, (t: T) => Promise<RawAnswer>>> = {
  'bad-request': async t => (await anonymous(await startScene(t), t)).ask('nonsense\r\n\r\n'),
  'bad-path': t => askAnonymously(t, 'GET', '/puppet/v3/../node/x'),
  'bad-method': t => askAnonymously(t, 'TRACE', '/puppet/v3/node/x'),
  'headers-too-large': t => askAnonymously(t, 'GET', `/puppet/v3/node/${'x'.repeat(20_000)}`),
  'request-timeout': askTooSlowly,
  async 'certificate-refused'(t) {
    const scene = await startScene(t)
    const stranger = await (await createTestPki()).authority.issue({ certname: 'agent1' })
    return (await connectRaw(t, scene.pki, scene.app.port, stranger)).ask(get('/puppet/v3/node/x'))
  },
  async 'certificate-required'(t) {
    const scene = await startScene(t, { overrides: { access: { withoutCertificate: 'refuse' } } })
    return (await anonymous(scene, t)).ask(get('/puppet/v3/node/x'))
  },
  'admin-refused': t => askAnonymously(t, 'GET', '/metrics/v2/list'),
  'not-served': t => askAnonymously(t, 'POST', '/RPC2'),
  async 'no-master'(t) {
    const scene = await startScene(t)
    await scene.masters[0]?.kill()
    return (await anonymous(scene, t)).ask(fromModern('/puppet/v3/node/x'))
  },
  async 'revocations-unknown'(t) {
    const crl = { file: undefined, fetch: true, refreshMs: 60_000, expired: 'keep', place: 'x.yaml' } as const
    const scene = await startScene(t, { overrides: { tls: { crl } } })
    const agent = await scene.pki.authority.issue({ certname: 'agent1' })
    return (await connectRaw(t, scene.pki, scene.app.port, agent)).ask(get('/puppet/v3/node/x'))
  },
  async 'too-many-connections'(t) {
    const scene = await startScene(t, { overrides: { listen: { limits: { perCertname: 1 } } } })
    const agent = await scene.pki.authority.issue({ certname: 'agent1' })
    await connectRaw(t, scene.pki, scene.app.port, agent)
    return (await connectRaw(t, scene.pki, scene.app.port, agent)).ask(get('/puppet/v3/node/x'))
  },
  async 'no-connection'(t) {
    const starvation = createStarvation(t)
    const raw = await anonymous(await startScene(t), t)
    await starvation.begin()
    const answer = await raw.ask(fromModern('/puppet/v3/node/x'))
    await starvation.end()
    return answer
  },
  async overloaded(t) {
    let isSlow = false
    const script = (_request: IncomingMessage, response: ServerResponse) => {
      if (!isSlow) response.end()
    }
    const scene = await startScene(t, { jrubies: 1, script, overrides: { queue: { shedAboveMs: 0 } } })
    const node = fromModern('/puppet/v3/node/x')
    await (await anonymous(scene, t)).ask(node)
    isSlow = true
    for (const _ of ['has the JRuby', 'waits']) (await anonymous(scene, t)).ask(node).catch(() => {})
    for (;;) {
      const answer = await (await anonymous(scene, t)).ask(node)
      if (answer.status === 503) return answer
    }
  },
  'queue-full': t => askBehindAnother(t, { limit: 0 }),
  async 'certname-queue-full'(t) {
    const scene = await startScene(t, { jrubies: 1, script: () => {} })
    const agent = await scene.pki.authority.issue({ certname: 'agent1' })
    const connect = () => connectRaw(t, scene.pki, scene.app.port, agent)
    for (let count = 0; count < 1 + 16; count++)
      (await connect()).ask(get('/puppet/v3/node/x')).catch(() => {})
    await scene.masters[0]?.until(({ seen }) => seen.length === 1)
    return (await connect()).ask(get('/puppet/v3/node/x'))
  },
  'queue-timeout': t => askBehindAnother(t, { timeoutMs: 20 }, 'X-Puppet-Version: 8.10.0\r\n'),
  async 'ca-unavailable'(t) {
    const scene = await startScene(t)
    await scene.ca.kill()
    return (await anonymous(scene, t)).ask(fromModern('/puppet-ca/v1/certificate/ca'))
  },
  'master-lost': t =>
    askScripted(t, 'PUT', request => {
      request.socket.destroy()
    }),
  'master-timeout': t => askScripted(t, 'GET', () => {}, 50),
  'master-answer': t =>
    askScripted(t, 'GET', (_request, { socket }) => socket?.end('HTTP/9.9 bogus\r\n\r\n')),
  async 'fan-out-incomplete'(t) {
    const scene = await startScene(t, { masters: 2, overrides: { access: { administrators: ['agent1'] } } })
    await scene.masters[1]?.kill()
    const agent = await scene.pki.authority.issue({ certname: 'agent1' })
    const raw = await connectRaw(t, scene.pki, scene.app.port, agent)
    return raw.ask('DELETE /puppet-admin-api/v1/environment-cache HTTP/1.1\r\nHost: puppet\r\n\r\n')
  },
  async internal(t) {
    let isBroken = false
    const wallClock = () => {
      if (isBroken) throw new Error(`lost the clock of 127.0.0.1:8140 in ${import.meta.filename}`)
      return Date.now()
    }
    const scene = await startScene(t, { options: { runtime: { ...systemRuntime, wallClock } } })
    isBroken = true
    return (await anonymous(scene, t)).ask(get('/puppet/v3/node/x'))
  }
}

/** The only JRuby is taken by a request that is never answered. */
async function askBehindAnother(t: T, queue: Partial<Settings['queue']>, headers = ''): Promise<RawAnswer> {
  const scene = await startScene(t, { jrubies: 1, script: () => {}, overrides: { queue } })
  const [master] = scene.masters
  const first = await anonymous(scene, t)
  first.ask(get('/puppet/v3/node/x')).catch(() => {})
  await master?.until(() => master.seen.length === 1)
  const node = get('/puppet/v3/node/x').replace('\r\n\r\n', `\r\n${headers}\r\n`)
  return (await anonymous(scene, t)).ask(node)
}

t.same(Object.keys(cases).sort(), [...reasonCodes].sort(), 'every code has a case')

for (const [code, provoke] of Object.entries(cases)) {
  t.test(`${code}: one plain sentence, its reason, the request id, and nothing of the inside`, async t => {
    const { status, phrase, headers, body } = await provoke(t)
    const expected = new ProxyError(code as ReasonCode)
    t.equal(status, expected.status)
    t.equal(headers.get('x-puppet-lb-reason'), code)
    t.equal(headers.get('content-type'), 'text/plain; charset=utf-8')
    t.equal(headers.get('content-length'), String(Buffer.byteLength(body)))
    t.match(body, new RegExp(`^${expected.message}(: ([^.]|\\.(?! ))+)?\\. Request [0-9a-z]{5}-0-[0-9a-z]+$`))
    // `puppet ssl` and pluginsync print nothing but the status line.
    t.equal(phrase, body.replace(/\. Request \S+$/, ''), 'the same without its id')
    const told = [...headers].filter(([name]) => name !== 'date')
    t.notMatch([...told, body].join('\n'), inside)
  })
}

/** Addresses, ports, paths of files, names of the runtime's own errors, lines of a stack. */
const inside =
  /\d+\.\d+\.\d+\.\d+|::|localhost|:\d{2,5}\b|\/(work|home|tmp|src|usr|opt|etc)\b|\.(ts|js|pem|key)\b|node:|\bat \S+ \(|\bE[A-Z]{4,}\b|UND_ERR|HPE_|ERR_|Error:|undici|[Ff]astify/

/** Of an agent that is told when to come back, where others would wait. */
function fromModern(path: string): string {
  return get(path).replace('\r\n\r\n', '\r\nX-Puppet-Version: 8.10.0\r\n\r\n')
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
}

function anonymous({ pki, app }: Scene, t: T) {
  return connectRaw(t, pki, app.port)
}

async function askAnonymously(t: T, method: string, path: string): Promise<RawAnswer> {
  const raw = await anonymous(await startScene(t), t)
  return raw.ask(`${method} ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
}

async function askScripted(
  t: T,
  method: string,
  script: (request: IncomingMessage, response: ServerResponse) => void,
  responseTimeoutMs = 60_000
): Promise<RawAnswer> {
  const scene = await startScene(t, { script, overrides: { upstream: { responseTimeoutMs } } })
  const raw = await anonymous(scene, t)
  const what = method === 'PUT' ? 'report' : 'node'
  return raw.ask(`${method} /puppet/v3/${what}/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: 0\r\n\r\n`)
}

/** The listener with less patience than it has in use, which is a minute for a header. */
async function askTooSlowly(t: T): Promise<RawAnswer> {
  const pki = await createTestPki()
  const requestId = () => '00000-0-0'
  const errors = createClientErrors({
    metrics: createTrafficMetrics(new Registry()),
    accessLog: () => {},
    history: testHistory(systemRuntime.now),
    conversations: createConversations(() => {}),
    remoteOf: ({ remoteAddress }) => remoteAddress,
    requestId,
    schedule: systemRuntime.schedule
  })
  const certificates = [{ certFile: '', keyFile: '', cert: pki.server.chain, key: pki.server.key }]
  const tls: Settings['tls'] = {
    certificates,
    profile: 'modern',
    ca: pki.authority.bundle,
    caFile: '',
    crl: undefined
  }
  const listener = await createListener({
    tls,
    requestId,
    onRequest: () => {},
    serve: () => {},
    onClientError: errors.onError,
    onTunnel: errors.onTunnel,
    timeouts: {
      idleMs: 1_000,
      handshakeMs: 1_000,
      headersMs: 20,
      requestMs: 1_000,
      silenceMs: 1_000,
      checkMs: 10
    }
  })
  t.teardown(() => {
    listener.server.closeAllConnections()
    return listener.close()
  })
  const port = await listener.listen({ host: '127.0.0.1', port: 0, shared: false })
  return (await connectRaw(t, pki, port)).ask('GET /puppet/v3/node/x HTTP/1.1\r\nHost: pup')
}
