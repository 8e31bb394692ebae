import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { always, startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const catalogPath = '/puppet/v3/catalog/a.example.com?environment=production'
const csrPath = '/puppet-ca/v1/certificate_request/a.example.com?environment=production'

t.test('a body on its way to a master', async t => {
  /** Says what it got: how it was framed, and its hash. */
  const master = await startScriptedMaster(t, async (request, response) => {
    response.setHeader('x-content-type', request.headers['content-type'] ?? 'none')
    response.setHeader('x-length', request.headers['content-length'] ?? 'none')
    response.setHeader('x-encoding', request.headers['transfer-encoding'] ?? 'none')
    response.end(hash(await buffer(request)))
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const agent = connectAgent(t, pki, app.port)

  for (const type of [
    'application/x-www-form-urlencoded',
    'application/json',
    'text/pson',
    'text/plain',
    'application/x-msgpack',
    ';;; no type at all',
    undefined
  ]) {
    await t.test(`passes with the Content-Type ${type}`, async t => {
      const body = randomBytes(100_000)
      const answer = await agent.ask({
        method: 'POST',
        path: catalogPath,
        headers: { 'content-length': body.length, ...(type !== undefined && { 'content-type': type }) },
        body
      })
      t.match(answer, { status: 200, body: hash(body) })
      t.match(answer.headers, {
        'x-content-type': type ?? 'none',
        'x-length': '100000',
        'x-encoding': 'none'
      })
    })
  }

  await t.test('passes with its length when it is in hand, however the agent sends it', async t => {
    const body = new PassThrough()
    const asked = agent.ask({ method: 'PUT', path: '/puppet/v3/report/a.example.com', body })
    body.write('a')
    body.end('bc')
    const answer = await asked
    t.equal(answer.body, hash(Buffer.from('abc')))
    t.match(answer.headers, { 'x-encoding': 'none', 'x-length': '3' })
  })

  await t.test('passes with any method, and so does none', async t => {
    for (const method of ['GET', 'DELETE', 'PUT', 'POST']) {
      const { body } = await agent.ask({
        method,
        path: catalogPath,
        headers: { 'content-length': 3 },
        body: 'abc'
      })
      t.equal(body, hash(Buffer.from('abc')), `${method} with a body`)
      const empty = await agent.ask({ method, path: catalogPath, headers: { 'content-length': 0 } })
      t.equal(empty.body, hash(Buffer.alloc(0)), `${method} without`)
    }
  })

  await t.test('passes although it is more than Fastify would take, as fast as the master reads', async t => {
    const csr = randomBytes(2 * 1024 * 1024)
    const answer = await agent.ask({
      method: 'PUT',
      path: csrPath,
      headers: { 'content-type': 'text/plain', 'content-length': csr.length },
      body: csr
    })
    t.match(answer, { status: 200, body: hash(csr) })
  })

  await t.test('after Expect: 100-continue, which does not reach the master', async t => {
    const raw = await connectRawAgent(t, pki, app.port)
    raw.send(`PUT ${csrPath} HTTP/1.1\r\nHost: puppet\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n`)
    t.equal(await raw.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
    raw.send('abc')
    t.match(await raw.until(hash(Buffer.from('abc'))), /\r\n\r\nHTTP\/1\.1 200 /)
    t.same(master.seen.at(-1)?.header('expect'), [])
  })

  await t.test('its trailers are left behind and harm nothing', async t => {
    const raw = await connectRawAgent(t, pki, app.port)
    const head = `PUT ${csrPath} HTTP/1.1\r\nHost: puppet\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n`
    raw.send(`${head}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`)
    t.match(await raw.until(hash(Buffer.from('abc'))), /^HTTP\/1\.1 200 /)
    t.same(master.seen.at(-1)?.header('x-sum'), [])
  })
})

t.test('a text/plain request for a certificate is not held until it is complete', async t => {
  const begun = Promise.withResolvers<IncomingMessage>()
  const master = await startScriptedMaster(t, (request, response) => {
    request.once('data', () => begun.resolve(request))
    request.on('end', () => response.end()).resume()
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const body = new PassThrough()
  const request = connectAgent(t, pki, app.port).open({
    method: 'PUT',
    path: csrPath,
    headers: { 'content-type': 'text/plain', 'content-length': 2_000_000 },
    body
  })
  const answered = once(request, 'response')
  body.write(Buffer.alloc(1_000_000))
  t.notOk((await begun.promise).complete, 'the master reads while the agent still has the rest')
  body.end(Buffer.alloc(1_000_000))
  const [response] = (await answered) as [IncomingMessage]
  t.equal(response.statusCode, 200)
  response.resume()
})

t.test('an answer’s body', async t => {
  const bodies: Readonly<Record<string, Buffer>> = {
    '/puppet/v3/file_content/modules/a/gzip': gzipSync('x'.repeat(100_000)),
    '/puppet/v3/file_content/modules/a/binary': randomBytes(300_000),
    '/puppet/v3/file_content/modules/a/empty': Buffer.alloc(0)
  }
  const master = await startScriptedMaster(t, (request, response) => {
    const [path = '', framing] = (request.url ?? '').split('?')
    const body = bodies[path] ?? Buffer.alloc(0)
    if (path.endsWith('gzip')) response.setHeader('content-encoding', 'gzip')
    if (framing === 'length') response.setHeader('content-length', body.length)
    response.flushHeaders()
    for (let at = 0; at < body.length; at += 50_000) response.write(body.subarray(at, at + 50_000))
    response.end()
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const agent = connectAgent(t, pki, app.port)

  for (const [path, body] of Object.entries(bodies)) {
    for (const framing of ['length', 'chunked']) {
      await t.test(`${path} with ${framing} comes byte for byte`, async t => {
        const answer = await agent.ask({ path: `${path}?${framing}`, headers: { 'accept-encoding': 'gzip' } })
        t.equal(hash(answer.bytes), hash(body))
        t.equal(answer.headers['content-encoding'], path.endsWith('gzip') ? 'gzip' : undefined)
        t.equal(answer.headers['content-length'], framing === 'length' ? String(body.length) : undefined)
      })
    }
  }

  await t.test('to an HTTP/1.0 client comes without chunks and ends with the connection', async t => {
    const raw = await connectRawAgent(t, pki, app.port)
    raw.send('GET /puppet/v3/file_content/modules/a/binary?chunked HTTP/1.0\r\n\r\n')
    const [head = '', ...rest] = (await raw.end).split('\r\n\r\n')
    t.match(head, /^HTTP\/1\.1 200 /)
    t.notMatch(head, /transfer-encoding/i)
    t.equal(
      hash(Buffer.from(rest.join('\r\n\r\n'), 'latin1')),
      hash(bodies['/puppet/v3/file_content/modules/a/binary'] as Buffer)
    )
  })
})

t.test('an answer’s trailers are left behind and harm nothing', async t => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'
  const master = await startRawMaster(t, always(chunked))
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const agent = connectAgent(t, pki, app.port)
  for (const round of [1, 2]) {
    const { status, body, headers } = await agent.ask({ path: catalogPath })
    t.match({ status, body }, { status: 200, body: 'abc' }, `round ${round}`)
    t.equal(headers.trailer, undefined)
  }
  t.equal(master.connectionCount(), 1)
})

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
