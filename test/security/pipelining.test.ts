import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

type T = Parameters<typeof startScene>[0]

const get = (name: string) => `GET /puppet/v3/file_content/modules/${name} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const post = (framing: string) => `POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\n${framing}\r\n`
/** Answered by the balancer itself. */
const status = 'GET /status/v1/simple HTTP/1.1\r\nHost: puppet\r\n\r\n'
const nonsense = 'nonsense\r\n\r\n'

for (const [what, bytes] of [
  ['nonsense', nonsense],
  ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a head that is too large', `GET / HTTP/1.1\r\nX-Long: ${'a'.repeat(20_000)}`]
] as const) {
  t.test(`${what} behind requests under way is told after their answers, and never within one`, async t => {
    const { app, pki, script } = await startHolding(t)
    const raw = await connectRaw(t, pki, app.port)
    raw.send(get('streams') + get('waits'))
    const [first] = await script.until(1)
    first?.writeHead(200, { 'content-length': 10 }).write('first')
    await raw.until('first')
    raw.send(bytes)
    // The balancer has read that, as far as it reads it, once it answers a later connection.
    await (await connectRaw(t, pki, app.port)).ask(status)
    first?.end(' last')
    const [, second] = await script.until(2)
    second?.end('second')
    const all = await raw.untilClosed()
    const [one, two, three, ...more] = all.split(/(?=HTTP\/1\.1 )/)
    t.match(one, /^HTTP\/1\.1 200 .*\r\n\r\nfirst last$/s)
    t.match(two, /^HTTP\/1\.1 200 .*second/s)
    t.match(three, /^HTTP\/1\.1 4(00|31) .*Connection: close.*Request \S+$/s)
    t.same(more, [])
  })
}

t.test('what is no request is counted and logged once, beside the requests before it', async t => {
  const log = captureLog()
  const { app, pki } = await startScene(t, { options: { log: log.log } })
  const raw = await connectRaw(t, pki, app.port)
  raw.send(get('a') + get('b') + nonsense + nonsense)
  await raw.untilClosed()
  const { sum } = await scrape(app.adminPort)
  t.equal(sum('puppet_lb_requests_total', { code: '200' }), 2)
  t.equal(sum('puppet_lb_requests_total', { code: '400' }), 1)
  t.same(
    log.lines
      .filter(({ msg }) => msg === 'request')
      .map(({ status }) => Number(status))
      .sort(),
    [200, 200, 400]
  )
})

t.test('thousands of requests at once are all served, however the agent reads', async t => {
  const { app, pki } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  const many = 1_500
  raw.socket.pause()
  raw.send(status.repeat(many))
  // The answers fill every buffer on the way before the first of them is read.
  await (await connectRaw(t, pki, app.port)).ask(status)
  raw.socket.resume()
  const all = await raw.until(text => count(text, /running/g) === many)
  t.equal(count(all, /HTTP\/1\.1 200 /g), many)
  t.equal(count(all, /HTTP\/1\.1 /g), many)
  const { sum } = await scrape(app.adminPort)
  t.equal(sum('puppet_lb_requests_total', { class: 'status', code: '200' }), many + 1)
  t.equal(sum('puppet_lb_requests_total', { code: '400' }), 0)
})

t.test(
  'a body that breaks off behind a request under way is told in its turn, and reaches nobody',
  async t => {
    const { app, pki, script, reached } = await startHolding(t)
    const raw = await connectRaw(t, pki, app.port)
    raw.send(`${get('slow')}${post('Transfer-Encoding: chunked\r\n')}4\r\nbody\r\n`)
    const [first] = await script.until(1)
    raw.send(nonsense)
    await (await connectRaw(t, pki, app.port)).ask(status)
    first?.end('first')
    const all = await raw.untilClosed()
    t.match(all, /^HTTP\/1\.1 200 .*first.*HTTP\/1\.1 400 This is not an HTTP request.*Request \S+$/s)
    t.equal(count(all, /HTTP\/1\.1 /g), 2)
    t.same(
      reached().filter(line => line.startsWith('POST')),
      []
    )
  }
)

t.test(
  'a body that breaks off while it is answered cuts that answer, and its master hears of it',
  async t => {
    const { app, pki, script } = await startHolding(t)
    const raw = await connectRaw(t, pki, app.port)
    // Of a body longer than this the rest goes to its master while it comes.
    const begin = 'x'.repeat(0x110000)
    raw.send(`${post('Transfer-Encoding: chunked\r\n')}110000\r\n${begin}\r\n`)
    const [only] = await script.until(1)
    const gone = once(only as ServerResponse, 'close')
    only?.writeHead(200, { 'content-length': 100 }).write('begun')
    await raw.until('begun')
    raw.send(nonsense)
    const all = await raw.untilClosed()
    t.match(all, /^HTTP\/1\.1 200 .*begun$/s)
    await gone
    t.notOk(only?.req.complete)
  }
)

for (const [what, request] of [
  ['says it is the last', get('last').replace('Host', 'Connection: close\r\nHost')],
  ['is of HTTP/1.0', get('last').replace('1.1', '1.0')]
] as const) {
  t.test(`bytes behind a request that ${what} are not read, and do no harm to its answer`, async t => {
    const { app, pki, script, reached } = await startHolding(t)
    const raw = await connectRaw(t, pki, app.port)
    raw.send(request + get('behind') + nonsense)
    const [first] = await script.until(1)
    first?.end('whole')
    const all = await raw.untilClosed()
    t.match(all, /^HTTP\/1\.1 200 .*whole/s)
    t.equal(count(all, /HTTP\/1\.1 /g), 1)
    t.same(reached(), ['GET /puppet/v3/file_content/modules/last'])
    const { sum } = await scrape(app.adminPort)
    t.equal(sum('puppet_lb_requests_total'), 1)
  })
}

t.test('leave to send a body never stands within an answer', async t => {
  const { app, pki, script } = await startHolding(t)
  const raw = await connectRaw(t, pki, app.port)
  raw.send(`${get('slow')}${post('Expect: 100-continue\r\nContent-Length: 4\r\n')}body`)
  const [first] = await script.until(1)
  first?.end('first')
  const [, second] = await script.until(2)
  second?.writeHead(200, { 'content-length': 6 }).end('second')
  const all = await raw.until('second')
  t.match(
    all,
    /\r\n\r\nfirst(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 [^\r]*\r\n([^\r]+\r\n)*\r\nsecond$/
  )
})

t.test('a tunnel is refused with a sentence, and nothing behind it is read', async t => {
  const { app, pki, reached } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  const answer = await raw.ask(`CONNECT puppet:8140 HTTP/1.1\r\nHost: puppet\r\n\r\n${get('behind')}`)
  t.equal(answer.status, 405)
  t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-method')
  t.equal(await raw.untilClosed(), '')
  t.same(reached(), [])
})

t.test(
  'a tunnel behind a request under way ends the connection, and that request is accounted for',
  async t => {
    const log = captureLog()
    const { app, pki, script } = await startHolding(t, log)
    const raw = await connectRaw(t, pki, app.port)
    raw.send(get('a') + get('b') + get('c'))
    await script.until(1)
    raw.send('CONNECT puppet:8140 HTTP/1.1\r\nHost: puppet\r\n\r\n')
    t.equal(await raw.untilClosed(), '')
    t.equal((await log.atLeast(1, { msg: 'request', status: 499 })).length, 1)
    t.equal((await (await connectRaw(t, pki, app.port)).ask(status)).status, 200)
  }
)

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0
}

/** A scene whose master answers only when the test says so. */
async function startHolding(t: T, log = captureLog()) {
  const held: ServerResponse[] = []
  const waiting = new Set<() => void>()
  const scene = await startScene(t, {
    options: { log: log.log },
    script(request, response) {
      request.on('error', () => {}).resume()
      held.push(response)
      for (const look of waiting) look()
    }
  })
  const script = {
    /** The responses of the master's first requests, by their names. */
    until(many: number) {
      const { promise, resolve } = Promise.withResolvers<ServerResponse[]>()
      const order = (response: ServerResponse) =>
        script.names.findIndex(name => response.req.url?.includes(name))
      const look = () => {
        if (held.length >= many) resolve([...held].sort((a, b) => order(a) - order(b)))
      }
      waiting.add(look)
      look()
      return promise
    },
    names: ['streams', 'slow', 'last', 'waits', 'catalog']
  }
  return { ...scene, script }
}
