import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const line = 'POST /puppet/v3/catalog/x HTTP/1.1\r\n'
const smuggled = 'GET /puppet-admin-api/v1/environment-cache HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** Requests over whose end two servers could disagree, or which are no HTTP/1.1 at all. */
const malformed: Readonly<Record<string, string>> = {
  'two lengths that differ': `${line}Host: puppet\r\nContent-Length: 4\r\nContent-Length: 60\r\n\r\nbody`,
  'two lengths that agree': `${line}Host: puppet\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody`,
  'a list of lengths': `${line}Host: puppet\r\nContent-Length: 4, 4\r\n\r\nbody`,
  'a length with a sign': `${line}Host: puppet\r\nContent-Length: +4\r\n\r\nbody`,
  'a negative length': `${line}Host: puppet\r\nContent-Length: -1\r\n\r\nbody`,
  'a hexadecimal length': `${line}Host: puppet\r\nContent-Length: 0x4\r\n\r\nbody`,
  'a length beyond 64 bits': `${line}Host: puppet\r\nContent-Length: 18446744073709551620\r\n\r\nbody`,
  'a length and chunks': `${line}Host: puppet\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks and a length': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${line}Host: puppet\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'chunked before another coding': `${line}Host: puppet\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'an unknown coding': `${line}Host: puppet\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'two codings in two headers': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n`,
  'a blank before the colon': `${line}Host: puppet\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'a blank before the first header': `${line} Host: puppet\r\nContent-Length: 4\r\n\r\nbody`,
  'a folded header': `${line}Host: puppet\r\nX-Client-DN: a\r\n CN=root\r\nContent-Length: 4\r\n\r\nbody`,
  'a folded transfer coding': `${line}Host: puppet\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  'a line that ends with a line feed alone': `${line}Host: puppet\nContent-Length: 4\r\n\r\nbody`,
  'a carriage return alone': `${line}Host: puppet\r\nX-A: 1\rX-Client-Verify: SUCCESS\r\nContent-Length: 4\r\n\r\nbody`,
  'a NUL in a value': `${line}Host: puppet\r\nX-A: 1\0\r\nContent-Length: 4\r\n\r\nbody`,
  'a header without a colon': `${line}Host: puppet\r\nTransfer-Encoding chunked\r\n\r\n0\r\n\r\n`,
  'a header without a name': `${line}Host: puppet\r\n: chunked\r\n\r\n0\r\n\r\n`,
  'a chunk size that is no number': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n`,
  'a chunk size with a prefix': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n`,
  'a chunk longer than it says': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n`,
  'a chunk size line that ends with a line feed': `${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n`,
  'an unknown version': 'GET /puppet/v3/node/x HTTP/1.7\r\nHost: puppet\r\n\r\n',
  'no version': 'GET /puppet/v3/node/x\r\nHost: puppet\r\n\r\n',
  'another protocol': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'an unknown method': 'FETCH /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n',
  'a blank in the target': 'GET /puppet/v3/node/x y HTTP/1.1\r\nHost: puppet\r\n\r\n'
}

for (const [what, bytes] of Object.entries(malformed)) {
  t.test(`refused with 400 and closed, and what hides behind it is not read: ${what}`, async t => {
    const { app, pki, arrived, completed } = await startNoting(t)
    const raw = await connectRaw(t, pki, app.port)
    const answer = await raw.ask(bytes + smuggled)
    t.equal(answer.status, 400)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-request')
    t.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8')
    t.equal(await raw.untilClosed(), '', 'one answer and no more')
    t.same(completed, [], 'no master has a whole request')
    t.notOk(arrived.some(request => request.includes('environment-cache')))
  })
}

for (const [what, hosts] of [
  ['no host', ''],
  ['two hosts', 'Host: puppet\r\nHost: elsewhere\r\n'],
  ['the same host twice', 'Host: puppet\r\nhOST: puppet\r\n']
] as const) {
  t.test(`refused with 400, since servers might choose differently: ${what}`, async t => {
    const { app, pki, arrived } = await startNoting(t)
    const raw = await connectRaw(t, pki, app.port)
    const answer = await raw.ask(`GET /puppet/v3/node/x HTTP/1.1\r\n${hosts}\r\n`)
    t.equal(answer.status, 400)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'bad-request')
    t.same(arrived, [])
  })
}

t.test('a body that breaks its own framing never looks complete to a master', async t => {
  const { app, pki, completed, broken } = await startNoting(t)
  const raw = await connectRaw(t, pki, app.port)
  // Longer than what is taken into hand before a master is asked.
  const begin = 'x'.repeat(0x110000)
  raw.send(`${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\n110000\r\n${begin}\r\n`)
  await broken.started
  raw.send('nonsense\r\n')
  await broken.seen
  t.same(completed, [])
  t.match(await raw.untilClosed(), /^HTTP\/1.1 400 /)
})

t.test('a body that breaks its own framing while it is taken into hand reaches nobody', async t => {
  const { app, pki, arrived } = await startNoting(t)
  const raw = await connectRaw(t, pki, app.port)
  raw.send(`${line}Host: puppet\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nnonsense\r\n`)
  t.match(await raw.untilClosed(), /^HTTP\/1.1 400 /)
  t.same(arrived, [])
})

for (const method of ['GET', 'HEAD', 'DELETE', 'POST', 'PUT', 'PATCH', 'OPTIONS']) {
  t.test(`what a ${method} carries as its body stays its body`, async t => {
    const { app, pki, arrived, completed } = await startNoting(t)
    const raw = await connectRaw(t, pki, app.port)
    const target = '/puppet/v3/node/x'
    for (const framed of [
      `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
    ]) {
      await raw.ask(`${method} ${target} HTTP/1.1\r\nHost: puppet\r\n${framed}`)
    }
    // On the connection to the master that the other two used.
    await raw.ask('GET /puppet/v3/node/last HTTP/1.1\r\nHost: puppet\r\n\r\n')
    t.same(arrived, [`${method} ${target}`, `${method} ${target}`, 'GET /puppet/v3/node/last'])
    t.same(completed, [smuggled, smuggled, ''])
  })
}

/** A scene whose master notes what begins, what was complete with which body, and what broke off. */
async function startNoting(t: Parameters<typeof startScene>[0]) {
  const arrived: string[] = []
  const completed: string[] = []
  const headers: string[] = []
  const started = Promise.withResolvers<void>()
  const seen = Promise.withResolvers<void>()
  async function script(request: IncomingMessage, response: ServerResponse) {
    arrived.push(`${request.method} ${request.url}`)
    headers.push(...request.rawHeaders)
    let body = ''
    request.setEncoding('latin1').on('data', (chunk: string) => {
      body += chunk
      started.resolve()
    })
    request.on('error', () => seen.resolve())
    await once(request, 'end')
    completed.push(body)
    response.end()
  }
  const scene = await startScene(t, {
    // A request that breaks off is noted by its error and not answered.
    script: (request, response) => void script(request, response).catch(() => {})
  })
  return { ...scene, arrived, completed, headers, broken: { started: started.promise, seen: seen.promise } }
}
