import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import t from 'tap'
import { hasBody, RequestBody } from '../../src/data/http/body.ts'
import { BODY_PACE, createBodyPace } from '../../src/data/http/body-pace.ts'
import { fakeRuntime } from '../support/runtime.ts'

function bodyOf(source: PassThrough, onRead: (bytes: number) => void = () => {}) {
  const runtime = fakeRuntime()
  const told: string[] = []
  const inHand = Promise.withResolvers<void>()
  const body = new RequestBody(
    source as unknown as IncomingMessage,
    createBodyPace(runtime, () => told.push('too slow')),
    {
      read: onRead,
      inHand() {
        told.push('in hand')
        inHand.resolve()
      },
      dropped: () => told.push('dropped')
    }
  )
  return { body, told, inHand: inHand.promise, runtime }
}

const MIB = 1024 * 1024
const tick = () => new Promise(setImmediate)

/** What a failed attempt leaves behind: a stream nobody reads any more. */
async function readAndDrop(stream: Readable): Promise<string> {
  const [chunk] = await once(stream, 'data')
  stream.destroy()
  return String(chunk)
}

t.test('nothing is read from the agent before a master reads', async t => {
  const source = new PassThrough()
  source.end('facts')
  const { body } = bodyOf(source)
  const offered = [body.open(), body.open()]
  t.notOk(source.readableFlowing)
  t.equal(await text(offered[1] as Readable), 'facts')
})

t.test('a body in hand can be opened again from its beginning, in the middle and after its end', async t => {
  const source = new PassThrough()
  const { body, inHand, told } = bodyOf(source)
  body.takeInHand(MIB)
  source.write('fac')
  await tick()
  source.end('ts')
  await inHand
  t.equal(await readAndDrop(body.open()), 'fac')
  t.ok(body.isKept)
  t.equal(await text(body.open()), 'facts')
  t.equal(await text(body.open()), 'facts')
  t.same(told, ['in hand'])
  body.stopKeeping()
  t.same([body.isKept, told], [false, ['in hand', 'dropped']], 'until it has an answer')
})

t.test('while no attempt reads, the agent waits', async t => {
  const source = new PassThrough()
  const { body } = bodyOf(source)
  source.write('a')
  await readAndDrop(body.open())
  source.write('b')
  await new Promise(setImmediate)
  t.ok(source.isPaused())
})

t.test('of a large body the first part is in hand, the rest waits, and all of it is given once', async t => {
  const source = new PassThrough({ highWaterMark: 1 })
  const { body, inHand, told } = bodyOf(source)
  let sent = 0
  const more = () => {
    while (sent < 600 && source.write(Buffer.alloc(1024, sent % 256))) sent++
  }
  source.on('drain', more)
  body.takeInHand(256 * 1024)
  more()
  await inHand
  await tick()
  t.ok(source.isPaused())
  t.ok(sent <= 300 && sent >= 250, `${sent} KiB`)
  t.ok(body.isKept, 'nobody has had any of it yet')
  const whole = buffer(body.open())
  source.end()
  const bytes = await whole
  t.equal(bytes.length % 1024, 0)
  t.ok(bytes.length >= sent * 1024)
  t.equal(bytes[5 * 1024], 5)
  t.notOk(body.isKept)
  t.equal(told.at(-1), 'dropped')
})

t.test('a body is kept up to its bound and not beyond', async t => {
  for (const [bytes, kept] of [
    [100, true],
    [101, false]
  ] as const) {
    const source = new PassThrough()
    const { body, inHand } = bodyOf(source)
    body.takeInHand(100)
    source.end(Buffer.alloc(bytes))
    await inHand
    t.equal((await text(body.open())).length, bytes, 'it streams all the same')
    t.equal(body.isKept, kept, `${bytes} bytes`)
  }
})

t.test('a body that only streams leaves memory with the master that takes it', async t => {
  const source = new PassThrough()
  const { body, told } = bodyOf(source)
  source.end('certificate request')
  t.ok(body.isKept, 'no master has had any of it yet')
  t.equal(await text(body.open()), 'certificate request')
  t.notOk(body.isKept)
  t.same(told, ['dropped'])
})

t.test('a body that comes too slowly is told of once, and one at the slowest sane rate is not', async t => {
  for (const [bytesPerSecond, isTooSlow] of [
    [BODY_PACE.bytesPerSecond, false],
    [1, true]
  ] as const) {
    const source = new PassThrough()
    const { body, told, runtime } = bodyOf(source)
    body.takeInHand(MIB)
    for (let second = 0; second < 120; second++) {
      source.write(Buffer.alloc(bytesPerSecond))
      await runtime.advance(1_000)
    }
    t.same(told, isTooSlow ? ['too slow'] : [], `${bytesPerSecond} bytes a second`)
  }
})

t.test('silence is too slow after the grace, and not while nobody here reads', async t => {
  const source = new PassThrough()
  const { body, told, runtime } = bodyOf(source)
  await runtime.advance(10 * BODY_PACE.graceMs)
  body.takeInHand(MIB)
  await runtime.advance(BODY_PACE.graceMs - 1)
  t.same(told, [])
  await runtime.advance(1)
  t.same(told, ['too slow'])

  const full = new PassThrough()
  const other = bodyOf(full)
  other.body.takeInHand(10)
  full.write('x'.repeat(20))
  await other.inHand
  await other.runtime.advance(10 * BODY_PACE.graceMs)
  t.same(other.told, ['in hand'], 'its agent is not asked for more')
})

t.test('what nobody wants any more is dropped, and so is what still comes of it', async t => {
  const source = new PassThrough()
  const { body, told, runtime } = bodyOf(source)
  body.takeInHand(MIB)
  source.write('fac')
  await tick()
  body.abandon()
  source.end('ts')
  await runtime.advance(BODY_PACE.graceMs)
  t.same(told, ['dropped'])
})

t.test('what is read is told, and told once', async t => {
  const source = new PassThrough()
  let bytes = 0
  const { body, inHand } = bodyOf(source, count => {
    bytes += count
  })
  body.takeInHand(MIB)
  source.end('facts')
  await inHand
  await text(body.open())
  await text(body.open())
  t.equal(bytes, 5)
})

t.test('a master that reads slowly makes the agent wait', async t => {
  const source = new PassThrough()
  const { body } = bodyOf(source)
  const stream = body.open()
  for (let count = 0; count < 64; count++) source.write(Buffer.alloc(16_384))
  stream.read(0)
  await once(source, 'pause')
  t.ok(stream.readableLength <= stream.readableHighWaterMark + 16_384)
})

t.test('an agent that hangs up breaks the body off, whatever of it is still unread', async t => {
  const source = new PassThrough()
  const { body } = bodyOf(source)
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
