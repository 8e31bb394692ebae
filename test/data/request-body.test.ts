import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import t from 'tap'
import { hasBody, RequestBody } from '../../src/data/http/body.ts'

function bodyOf(source: PassThrough, keepBytes: number, onRead: (bytes: number) => void = () => {}) {
  return new RequestBody(source as unknown as IncomingMessage, keepBytes, onRead)
}

/** What a failed attempt leaves behind: a stream nobody reads any more. */
async function readAndDrop(stream: Readable): Promise<string> {
  const [chunk] = await once(stream, 'data')
  stream.destroy()
  return String(chunk)
}

t.test('nothing is read from the agent before a master reads', async t => {
  const source = new PassThrough()
  source.end('facts')
  const body = bodyOf(source, 100)
  const offered = [body.open(), body.open()]
  t.notOk(source.readableFlowing)
  t.equal(await text(offered[1] as Readable), 'facts')
})

t.test('a body can be opened again from its beginning, in the middle and after its end', async t => {
  const source = new PassThrough()
  const body = bodyOf(source, 100)
  source.write('fac')
  t.equal(await readAndDrop(body.open()), 'fac')
  t.ok(body.isKept)
  source.end('ts')
  t.equal(await text(body.open()), 'facts')
  t.equal(await text(body.open()), 'facts')
})

t.test('while no attempt reads, the agent waits', async t => {
  const source = new PassThrough()
  const body = bodyOf(source, 100)
  source.write('a')
  await readAndDrop(body.open())
  source.write('b')
  await new Promise(setImmediate)
  t.ok(source.isPaused())
})

t.test(
  'while its request waits a body is read ahead, up to a bound, and then given from its beginning',
  async t => {
    const source = new PassThrough({ highWaterMark: 1 })
    const body = bodyOf(source, 1024 * 1024)
    let sent = 0
    const more = () => {
      while (sent < 600 && source.write(Buffer.alloc(1024, sent % 256))) sent++
    }
    source.on('drain', more)
    body.readAhead()
    more()
    while (!source.isPaused()) await new Promise(setImmediate)
    t.equal(sent <= 300 && sent >= 250, true, `${sent} KiB`)
    t.ok(body.isKept)
    const whole = buffer(body.open())
    source.end()
    const bytes = await whole
    t.equal(bytes.length % 1024, 0)
    t.ok(bytes.length >= sent * 1024)
    t.equal(bytes[5 * 1024], 5)
  }
)

t.test('a body is kept up to its bound and not beyond', async t => {
  for (const [bytes, kept] of [
    [100, true],
    [101, false]
  ] as const) {
    const source = new PassThrough()
    const body = bodyOf(source, 100)
    source.end(Buffer.alloc(bytes))
    t.equal((await text(body.open())).length, bytes, 'it streams all the same')
    t.equal(body.isKept, kept, `${bytes} bytes`)
  }
})

t.test('a body that may not be kept is not, once its first byte was read', async t => {
  const source = new PassThrough()
  const body = bodyOf(source, 0)
  t.ok(body.isKept, 'it is all with the agent yet')
  source.end('report')
  await text(body.open())
  t.notOk(body.isKept)
})

t.test('what is read is told, and told once', async t => {
  const source = new PassThrough()
  let bytes = 0
  const body = bodyOf(source, 100, count => {
    bytes += count
  })
  source.end('facts')
  await text(body.open())
  await text(body.open())
  t.equal(bytes, 5)
})

t.test('a master that reads slowly makes the agent wait', async t => {
  const source = new PassThrough()
  const body = bodyOf(source, 0)
  const stream = body.open()
  for (let count = 0; count < 64; count++) source.write(Buffer.alloc(16_384))
  stream.read(0)
  await once(source, 'pause')
  t.ok(stream.readableLength <= stream.readableHighWaterMark + 16_384)
})

t.test('an agent that hangs up breaks the body off, whatever of it is still unread', async t => {
  const source = new PassThrough()
  const body = bodyOf(source, 0)
  const stream = body.open()
  source.write('half')
  t.equal(String((await once(stream, 'data'))[0]), 'half')
  source.destroy()
  await t.rejects(once(stream, 'end'), /hung up/)
})

t.test('the framing of a request says whether it has a body', async t => {
  const has = (headers: object) => hasBody({ headers } as IncomingMessage)
  t.ok(has({ 'content-length': '1' }))
  t.ok(has({ 'transfer-encoding': 'chunked' }))
  t.notOk(has({ 'content-length': '0' }))
  t.notOk(has({}))
})
