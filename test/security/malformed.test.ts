import { once } from 'node:events'
import tls from 'node:tls'
import t from 'tap'
import { LINGER_MS } from '../../src/data/http/respond.ts'
import { captureLog } from '../support/log-lines.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const head = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n'

for (const [what, bytes] of [
  ['one long header', `${head}X-Long: ${'a'.repeat(20_000)}\r\n\r\n`],
  [
    'many headers',
    `${head}${Array.from({ length: 2_000 }, (_, index) => `X-${index}: abc\r\n`).join('')}\r\n`
  ],
  ['a long target', `GET /puppet/v3/node/x?${'a'.repeat(20_000)} HTTP/1.1\r\nHost: puppet\r\n\r\n`],
  ['a header that goes on long after the answer', `${head}X-Long: ${'a'.repeat(500_000)}`]
] as const) {
  t.test(`too large is 431 with a reason, and the client can read it: ${what}`, async t => {
    const { app, reached, pki } = await startScene(t)
    const raw = await connectRaw(t, pki, app.port)
    const answer = await raw.ask(bytes)
    t.equal(answer.status, 431)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'headers-too-large')
    t.equal(answer.headers.get('connection'), 'close')
    t.match(answer.body, /^The headers of this request are too large\. Request \S+$/)
    await raw.untilClosed()
    t.same(reached(), [])
  })
}

t.test('what a large certificate and a Puppet agent need together passes', async t => {
  const { app, reached, pki } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  const answer = await raw.ask(`${head}X-Authentication: ${'a'.repeat(4_000)}\r\n\r\n`)
  t.equal(answer.status, 200)
  t.equal(reached().length, 1)
})

t.test('an expectation nobody knows is left unmet and stays here', async t => {
  const { app, masters, pki } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  const answer = await raw.ask(`${head}Expect: a-miracle\r\n\r\n`)
  t.equal(answer.status, 200)
  t.same(masters[0]?.seen[0]?.header('expect'), [])
})

t.test('nonsense is 400 with a reason, and the log knows it by the id in the answer', async t => {
  const log = captureLog()
  const { app, pki } = await startScene(t, { options: { log: log.log } })
  const raw = await connectRaw(t, pki, app.port)
  const answer = await raw.ask('nonsense\r\n\r\n')
  t.equal(answer.status, 400)
  t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-request')
  const [, id] =
    answer.body.match(/^This is not an HTTP request the load balancer understands\. Request (\S+)$/) ?? []
  t.ok(id)
  t.match(await log.line({ id }), { status: 400, end: 'bad-request', remote: '127.0.0.1' })
})

t.test('a body that breaks its framing is told and logged as its own request', async t => {
  const log = captureLog()
  const { app, pki } = await startScene(t, {
    options: { log: log.log },
    script: request => request.resume()
  })
  const raw = await connectRaw(t, pki, app.port)
  const answer = await raw.ask(
    'POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nnonsense\r\n'
  )
  t.equal(answer.status, 400)
  const id = answer.body.split(' ').at(-1)
  t.match(await log.line({ id }), { path: '/puppet/v3/catalog/x', status: 400, end: 'bad-request' })
  t.equal(log.lines.filter(line => line.id === id).length, 1)
})

t.test('a client that will not hang up after nonsense is cut off', async t => {
  let cut = () => {}
  const runtime = {
    now: () => performance.now(),
    wallClock: () => Date.now(),
    random: () => 0,
    // Nothing in this test waits for any other timer.
    schedule(delayMs: number, task: () => void) {
      if (delayMs === LINGER_MS) cut = task
      return () => {}
    }
  }
  const { app, pki } = await startScene(t, { options: { runtime } })
  const socket = tls.connect({
    host: '127.0.0.1',
    port: app.port,
    ca: pki.authority.bundle,
    servername: 'puppet',
    allowHalfOpen: true
  } as tls.ConnectionOptions)
  t.teardown(() => socket.destroy())
  const ended = once(socket, 'end')
  socket.resume().write('nonsense\r\n\r\n')
  await ended
  cut()
  let isCut = false
  socket.on('error', () => {
    isCut = true
  })
  // The first byte on a connection that is gone is answered with a reset, which the next one meets.
  for (let tries = 0; !isCut && tries < 100; tries++) {
    await new Promise(resolve => socket.write('more nonsense', resolve))
  }
  t.ok(isCut)
})

t.test('a failed handshake or a connection without a request is no request in the log', async t => {
  const log = captureLog()
  const { app, pki } = await startScene(t, { options: { log: log.log } })
  const failed = tls.connect({
    host: '127.0.0.1',
    port: app.port,
    ca: [],
    servername: 'puppet',
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0'
  })
  await once(failed, 'error')
  const idle = await connectRaw(t, pki, app.port)
  idle.socket.end()
  await idle.untilClosed()
  const raw = await connectRaw(t, pki, app.port)
  await raw.ask(`${head}\r\n`)
  await log.line({ msg: 'request' })
  t.equal(log.lines.filter(line => line.msg === 'request').length, 1)
})
