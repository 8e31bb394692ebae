import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { startRawMaster } from '../support/raw-master.ts'
import { connectRaw } from './support/raw-connection.ts'

/** What agents may send in other forms than they do, and the only form in which a master sees it. */
const pki = await createTestPki()
const heads: string[] = []
const bodies: string[] = []
/** Answers whatever comes, and keeps it byte for byte. */
const master = await startRawMaster(t, async ({ socket, text, until, forget }) => {
  for (;;) {
    const all = await until('\r\n\r\n')
    const end = all.indexOf('\r\n\r\n') + 4
    const head = all.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    const isChunked = /transfer-encoding: chunked/i.test(head)
    await until(bytes => (isChunked ? bytes.endsWith('0\r\n\r\n') : bytes.length >= end + length))
    heads.push(head)
    bodies.push(text().slice(end))
    forget()
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  }
})
const app = await startBalancer(
  t,
  testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] }, { listen: { workers: 0 } })
)
const seen = { method: 'GET', target: '/puppet/v3/node/x' }
const line = (all: string) => all.slice(0, all.indexOf('\r\n'))

async function ask(t: Parameters<typeof connectRaw>[0], bytes: string) {
  heads.length = 0
  bodies.length = 0
  const raw = await connectRaw(t, pki, app.port)
  return { raw, answer: await raw.ask(bytes) }
}

const refusals = async () => (await scrape(app.adminPort)).sum('puppet_lb_requests_total', { code: '400' })

const host = 'Host: puppet\r\n'
const chunks = '2\r\nok\r\n0\r\n\r\n'
const next = `GET /puppet/v3/node/next HTTP/1.1\r\n${host}\r\n`

for (const [what, bytes] of [
  ['two blanks behind the method', `GET  ${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['two blanks in front of the version', `GET ${seen.target}  HTTP/1.1\r\n${host}\r\n`],
  ['empty lines in front', `\r\n\r\nGET ${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['a whole URL', `GET https://puppet:8140${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['a whole URL with another host', `GET HTTP://elsewhere.example.com${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['HTTP/1.0', `GET ${seen.target} HTTP/1.0\r\n\r\n`],
  ['an expectation in HTTP/1.0', `GET ${seen.target} HTTP/1.0\r\nExpect: 100-continue\r\n\r\n`],
  [
    'a request for another protocol',
    `GET ${seen.target} HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`
  ]
] as const) {
  t.test(`${what} is made what a master knows`, async t => {
    const { answer } = await ask(t, bytes)
    t.equal(answer.status, 200)
    t.same(heads.map(line), [`GET ${seen.target} HTTP/1.1`])
    t.notMatch(heads[0], /elsewhere|upgrade|expect|h2c/i)
    t.equal(heads[0]?.match(/^host:/gim)?.length, 1)
  })
}

for (const [what, bytes] of [
  ['no version', `GET ${seen.target}\r\n${host}\r\n`],
  ['no version, nor anything else', `GET ${seen.target}\r\n\r\n`],
  ['HTTP/0.9', `GET ${seen.target} HTTP/0.9\r\n${host}\r\n`],
  ['RTSP/1.0', `GET ${seen.target} RTSP/1.0\r\n${host}\r\n`],
  ['RTSP/1.0 with two blanks', `GET  ${seen.target}  RTSP/1.0\r\n${host}\r\n`],
  ['RTSP/1.0 behind an empty line', `\r\nPOST ${seen.target} RTSP/1.0\r\n${host}\r\n`],
  ['RTSP/1.1', `GET ${seen.target} RTSP/1.1\r\n${host}\r\n`],
  ['RTSP/2.0', `GET ${seen.target} RTSP/2.0\r\n${host}\r\n`],
  ['a question of RTSP', `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n`],
  ['RTSP in HTTP', `GET ${seen.target} RTSP/1.0\r\nX-A: GET ${seen.target} HTTP/1.0\r\n\r\n`],
  ['a method of RTSP', `DESCRIBE rtsp://puppet/x RTSP/1.0\r\nCSeq: 1\r\n\r\n`],
  ['a method of RTSP in HTTP', `DESCRIBE ${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['a method that RTSP does not know', `PUT ${seen.target} RTSP/1.0\r\n${host}\r\n`],
  ['ICE/1.0', `SOURCE ${seen.target} ICE/1.0\r\n${host}\r\n`],
  ['ICE/1.0 with a method of HTTP', `GET ${seen.target} ICE/1.0\r\n${host}\r\n`],
  ['SIP', `OPTIONS sip:a@puppet SIP/2.0\r\nVia: SIP/2.0/TLS a\r\n\r\n`],
  ['SIP with a path', `GET ${seen.target} SIP/2.0\r\n${host}\r\n`],
  ['a protocol that nobody knows', `GET ${seen.target} PUPPET/1.1\r\n${host}\r\n`],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['the preface of HTTP/2, not whole', 'PRI * HTTP/2.0\r\n\r\n'],
  ['HTTP/1.2', `GET ${seen.target} HTTP/1.2\r\n${host}\r\n`],
  ['HTTP/2.0', `GET ${seen.target} HTTP/2.0\r\n${host}\r\n`],
  ['the version in small letters', `GET ${seen.target} http/1.1\r\n${host}\r\n`],
  ['a tab behind the method', `GET\t${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['a tab in front of the version', `GET ${seen.target}\tHTTP/1.1\r\n${host}\r\n`],
  ['a blank behind the version', `GET ${seen.target} HTTP/1.1 \r\n${host}\r\n`],
  ['a blank in front', ` GET ${seen.target} HTTP/1.1\r\n${host}\r\n`],
  ['a line feed alone', `GET ${seen.target} HTTP/1.1\n${host}\r\n`],
  ['a NUL in the target', `GET ${seen.target}\0 HTTP/1.1\r\n${host}\r\n`],
  ['no target', `GET  HTTP/1.1\r\n${host}\r\n`],
  ['codings in HTTP/1.0', `POST ${seen.target} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`],
  [
    'codings in HTTP/1.0 whose connection is to stay',
    `POST ${seen.target} HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
  ],
  [
    'a coding before chunked',
    `POST ${seen.target} HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n${chunks}`
  ],
  [
    'a coding before chunked, in two headers',
    `POST ${seen.target} HTTP/1.1\r\n${host}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`
  ],
  [
    'an empty coding before chunked',
    `POST ${seen.target} HTTP/1.1\r\n${host}Transfer-Encoding: ,chunked\r\n\r\n${chunks}`
  ],
  [
    'a coding that is not chunked',
    `GET ${seen.target} HTTP/1.1\r\n${host}Transfer-Encoding: identity\r\n\r\n`
  ]
] as const) {
  t.test(`${what} is refused, and the connection ends with that`, async t => {
    const before = await refusals()
    const { raw, answer } = await ask(t, bytes + next)
    t.equal(answer.status, 400)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-request')
    t.equal(answer.headers.get('connection'), 'close')
    t.equal(await raw.untilClosed(), '', 'one answer, and nothing behind it')
    t.same(heads, [])
    t.equal((await refusals()) - before, 1, 'counted once')
  })
}

for (const [what, header] of [
  ['a blank', 'pup pet'],
  ['a path', 'puppet/x'],
  ['a user', 'a@puppet'],
  ['two names', 'puppet, elsewhere'],
  ['letters beyond ASCII', 'pupp\xe9t'],
  ['a port that is none', 'puppet:8140x']
] as const) {
  t.test(`a host with ${what} is refused`, async t => {
    const { answer } = await ask(t, `GET ${seen.target} HTTP/1.1\r\nHost: ${header}\r\n\r\n`)
    t.equal(answer.status, 400)
    t.same(heads, [])
  })
}

for (const header of ['puppet', 'puppet:8140', '[::1]:8140', '192.0.2.1', 'a_b.example.com.', '']) {
  t.test(`the host "${header}" is a host`, async t => {
    t.equal((await ask(t, `GET ${seen.target} HTTP/1.1\r\nHost: ${header}\r\n\r\n`)).answer.status, 200)
  })
}

t.test('what stands behind a request for another protocol is never taken for a request', async t => {
  const upgrade = `GET ${seen.target} HTTP/1.1\r\n${host}Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n`
  const { raw, answer } = await ask(
    t,
    `${upgrade}POST /puppet/v3/catalog/x HTTP/1.1\r\n${host}Content-Length: 999\r\n\r\n`
  )
  raw.send(next)
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('connection'), 'close')
  t.equal(await raw.untilClosed(), '')
  t.same(heads.map(line), [`GET ${seen.target} HTTP/1.1`])
})

t.test('an upgrade that its connection does not know of is none', async t => {
  const { raw } = await ask(t, `GET ${seen.target} HTTP/1.1\r\n${host}Upgrade: h2c\r\n\r\n`)
  t.equal((await raw.ask(next)).status, 200)
})

t.test('OPTIONS * is answered here', async t => {
  const { raw, answer } = await ask(t, `OPTIONS * HTTP/1.1\r\n${host}\r\n`)
  t.equal(answer.status, 204)
  t.match(answer.headers.get('allow'), /GET.*POST/)
  t.same(heads, [])
  t.equal((await raw.ask(next)).status, 200, 'and the connection goes on')
})

t.test('a method that is not carried is told with those that are', async t => {
  const { answer } = await ask(t, `TRACE ${seen.target} HTTP/1.1\r\n${host}\r\n`)
  t.equal(answer.status, 405)
  t.match(answer.headers.get('allow'), /GET.*POST/)
})

for (const method of ['QUERY', 'M-SEARCH', 'PROPFIND', 'SOURCE'])
  t.test(`so is ${method}, which libraries know more of`, async t => {
    const { raw, answer } = await ask(t, `${method} ${seen.target} HTTP/1.1\r\n${host}\r\n`)
    t.equal(answer.status, 405)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-method')
    t.same(heads, [])
    t.equal((await raw.ask(next)).status, 200, 'and the connection goes on')
  })

t.test('trailers and chunk extensions stay here', async t => {
  const body = '2;a=b;c="d"\r\nok\r\n0;last\r\nX-Sum: 1\r\nX-Client-DN: CN=root\r\n\r\n'
  const { raw, answer } = await ask(
    t,
    `POST /puppet/v3/catalog/x HTTP/1.1\r\n${host}Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
  )
  t.equal(answer.status, 200)
  t.notMatch(heads.join(), /trailer|x-sum|x-client-dn/i)
  t.notMatch(bodies.join(), /x-sum|x-client-dn|;/i)
  t.equal((await raw.ask(next)).status, 200, 'and the connection goes on')
})

for (const trailer of ['Content-Length: 5', 'Transfer-Encoding: chunked', 'X T: 1']) {
  t.test(`a trailer that speaks of framing or is none is refused: ${trailer}`, async t => {
    const body = `2\r\nok\r\n0\r\n${trailer}\r\n\r\n`
    const { raw, answer } = await ask(
      t,
      `POST /puppet/v3/catalog/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${body}`
    )
    t.equal(answer.status, 400)
    await raw.untilClosed()
    t.same(heads, [])
  })
}

t.test('chunk extensions without end are refused', async t => {
  const { answer } = await ask(
    t,
    `POST /puppet/v3/catalog/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(40_000)}\r\nok\r\n0\r\n\r\n`
  )
  t.equal(answer.status, 400)
  t.same(heads, [])
})

t.test('an agent that waits for leave to send its body gets it', async t => {
  heads.length = 0
  const raw = await connectRaw(t, pki, app.port)
  raw.send(`POST /puppet/v3/catalog/x HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`)
  await raw.until('HTTP/1.1 100 Continue\r\n\r\n')
  raw.send('ok')
  await raw.until('HTTP/1.1 200 OK')
  t.same(bodies.at(-1), 'ok')
  t.notMatch(heads[0], /expect/i)
})

t.test('RTSP is refused behind requests of HTTP as well', async t => {
  const { raw, answer } = await ask(t, next)
  t.equal(answer.status, 200)
  t.equal((await raw.ask(`GET ${seen.target} RTSP/1.0\r\n${host}\r\n${next}`)).status, 400)
  t.equal(await raw.untilClosed(), '')
  t.equal(heads.length, 1)
})

t.test('what only speaks of RTSP is HTTP', async t => {
  const rtsp = `GET ${seen.target} RTSP/1.0`
  const { answer } = await ask(t, `GET ${seen.target} HTTP/1.0\r\nX-A: RTSP/1.0\r\nX-B: ${rtsp}\r\n\r\n`)
  t.equal(answer.status, 200)
  t.same(heads.map(line), [`GET ${seen.target} HTTP/1.1`])
})

t.test('a connection of HTTP/1.0 is kept when that is asked for, and closed otherwise', async t => {
  const old = `GET ${seen.target} HTTP/1.0\r\n`
  const kept = await ask(t, `${old}Connection: keep-alive\r\n\r\n`)
  t.equal(kept.answer.headers.get('connection'), 'keep-alive')
  t.equal((await kept.raw.ask(`${old}\r\n`)).headers.get('connection'), 'close')
  t.equal(await kept.raw.untilClosed(), '')
})
