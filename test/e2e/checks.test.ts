import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect } from 'node:tls'
import t from 'tap'
import { connectRaw } from '../security/support/raw-connection.ts'
import { startScene } from '../security/support/scene.ts'
import { createTestPki } from '../support/balancer.ts'
import { startHaproxy, unlessHaproxy } from '../support/haproxy.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startRelay } from '../support/relay.ts'

/** What a balancer in front asks to find out whether this one is there. */
const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })

/** Whose masters hold what they are asked, and have one JRuby each. */
async function setUp(t: Parameters<typeof startScene>[0]) {
  const log = captureLog()
  const scene = await startScene(t, {
    pki,
    jrubies: 1,
    script: () => {},
    overrides: { access: { withoutCertificate: 'refuse' } },
    options: { log: log.log }
  })
  const handshakes = async (result: string) =>
    (await scrape(scene.app.adminPort)).value('puppet_lb_tls_handshakes_total', { result })
  return { ...scene, ...log, handshakes }
}

/** A whole handshake, behind which all that came before has been dealt with. */
async function enter(t: Parameters<typeof startScene>[0], port: number) {
  const raw = await connectRaw(t, pki, port, identity)
  t.teardown(() => raw.socket.destroy())
  await raw.ask('OPTIONS * HTTP/1.1\r\nHost: puppet\r\n\r\n')
  return raw
}

t.test('connects that close without a byte are no failed handshakes', async t => {
  const { app, handshakes, lines } = await setUp(t)
  for (let count = 0; count < 40; count++) {
    const tcp = createConnection({ host: '127.0.0.1', port: app.port })
    await once(tcp, 'connect')
    if (count % 2 === 0) tcp.resetAndDestroy()
    else tcp.end()
    await once(tcp.resume(), 'close')
  }
  await enter(t, app.port)
  t.equal(await handshakes('success'), 1)
  for (const result of ['failure', 'abandoned']) t.equal(await handshakes(result), undefined, result)
  t.same(
    lines.filter(({ level }) => level === 'warn' || level === 'error'),
    []
  )
})

t.test('a handshake that its client gives up in the middle is told from one that fails', async t => {
  const { app, handshakes, lines } = await setUp(t)
  // The client that Node has does not say why it goes; one of before TLS 1.2 finds no version in common.
  const stranger = connect({ host: '127.0.0.1', port: app.port, ca: [] })
  await once(stranger, 'error')
  const old = connect({
    ...{ host: '127.0.0.1', port: app.port, rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
  } as const)
  await once(old, 'error')
  await enter(t, app.port)
  t.same([await handshakes('abandoned'), await handshakes('failure'), await handshakes('success')], [1, 1, 1])
  t.same(
    lines.filter(({ level }) => level === 'warn' || level === 'error'),
    []
  )
})

for (const [end, keeps] of [
  ['\r\n', false],
  ['Connection: keep-alive\r\n\r\n', true]
] as const) {
  const how = keeps ? 'on a connection that is kept' : 'on a connection of its own'
  t.test(`HTTP/1.0 may ask for the state of the pool, without a certificate, ${how}`, async t => {
    const { app, reached } = await setUp(t)
    for (const [method, body] of [
      ['GET', 'running'],
      ['HEAD', '']
    ]) {
      const raw = await connectRaw(t, pki, app.port)
      raw.send(`${method} /status/v1/simple HTTP/1.0\r\n${end}`)
      const text = await raw.until(all => all.includes('\r\n\r\n') && all.endsWith(`\r\n\r\n${body}`))
      t.match(text, /^HTTP\/1\.1 200 /)
      t.match(text, keeps ? /\r\nconnection: keep-alive\r\n/i : /\r\nconnection: close\r\n/i)
      if (!keeps) t.equal(await raw.untilClosed(), text)
      else if (method === 'GET') t.equal((await raw.ask(`GET / HTTP/1.0\r\n\r\n`)).body, text && 'running')
    }
    t.same(reached(), [])
  })
}

t.test(
  'what stands in front is answered while every JRuby is busy, and knows when no master is left',
  async t => {
    const { app, masters, reached } = await setUp(t)
    const busy = await connectRaw(t, pki, app.port, identity)
    busy.send('POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: 2\r\n\r\nok')
    await masters[0]?.until(({ seen }) => seen.length === 1)
    const front = await connectRaw(t, pki, app.port)
    const keep = 'Connection: keep-alive\r\n\r\n'
    const answer = await front.ask(`OPTIONS / HTTP/1.0\r\n${keep}`)
    t.match(answer, { status: 200, body: 'running' })
    t.match(answer.headers.get('allow'), /GET/)
    t.match(await front.ask(`GET / HTTP/1.0\r\n${keep}`), { status: 200, body: 'running' })
    t.equal((await front.ask(`OPTIONS * HTTP/1.0\r\n${keep}`)).status, 204)
    t.same(reached(), ['POST /puppet/v3/catalog/x'])
    await masters[0]?.kill()
    const raw = await connectRaw(t, pki, app.port, identity)
    let status = 200
    // Each answer is a later look.
    while (status === 200) status = (await raw.ask(`OPTIONS / HTTP/1.0\r\n${keep}`)).status
    t.equal(status, 503)
  }
)

// Its TCP check answers the system's SYN-ACK with a reset, so that nobody hears of it.
for (const [what, settings] of [
  ['a TLS hello', ['option ssl-hello-chk']],
  ['a whole handshake', ['check-ssl verify none']],
  ['OPTIONS /', ['option httpchk', 'check-ssl verify none']]
] as const) {
  t.test(`HAProxy's check by ${what} passes and is no fault`, { skip: unlessHaproxy }, async t => {
    const { app, handshakes, lines } = await setUp(t)
    const relay = await startRelay(t, app.port)
    const option = settings.filter(each => each.startsWith('option'))
    const ssl = settings.filter(each => each.startsWith('check-ssl')).join('')
    const { port } = await startHaproxy(t, [
      'mode tcp',
      ...option,
      `server lb 127.0.0.1:${app.port} check port ${relay.port} inter 1s rise 1 fall 1 ${ssl}`
    ])
    await relay.ended(2)
    const agent = await connectRaw(t, pki, port, identity)
    t.equal((await agent.ask('GET /status/v1/simple HTTP/1.1\r\nHost: puppet\r\n\r\n')).body, 'running')
    // HAProxy's own hello offers SSL 3.0 alone.
    t.equal((await handshakes('failure')) !== undefined, what === 'a TLS hello')
    t.same(
      lines.filter(({ level }) => level === 'warn' || level === 'error'),
      []
    )
  })
}

t.test('a listener of both families tells an IPv4 agent by its IPv4 address', async t => {
  const log = captureLog()
  const { app } = await startScene(t, {
    pki,
    overrides: { listen: { host: '::' } },
    options: { log: log.log }
  })
  for (const host of ['127.0.0.1', '::1']) {
    const raw = await connectRaw(t, pki, app.port, identity, { host })
    const answer = await raw.ask('GET /puppet-admin-api/v1/x HTTP/1.1\r\nHost: puppet\r\n\r\n')
    const [, id = ''] = /Request (\S+)$/.exec(answer.body) ?? []
    t.match(await log.line({ msg: 'request', id }), { remote: host })
    const why = await fetch(`http://127.0.0.1:${app.adminPort}/api/why/${id}`)
    t.match(await why.json(), { remote: host })
    raw.send('nonsense\r\n\r\n')
    t.match(await log.line({ msg: 'request', end: 'bad-request', remote: host }), { status: 400 })
  }
})
