import { createInterface } from 'node:readline'
import t from 'tap'
import { Agent, request } from 'undici'
import { HEARTBEAT_MS, streamEvents } from '../../src/admin/events.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import { maxEventStreams } from '../../src/model/descriptors.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScene } from './scene.ts'

type Test = { teardown: (task: () => unknown) => void }

/** Reads a stream of events line by line, as they come. */
async function read(t: Test, origin: string, headers: Readonly<Record<string, string>> = {}) {
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const answer = await request(`${origin}/api/events`, { headers, dispatcher })
  answer.body.on('error', () => {})
  const lines = createInterface({ input: answer.body })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value as string | undefined
  return {
    status: answer.statusCode,
    type: answer.headers['content-type'],
    /** The next line that is not empty; `undefined` at the end. */
    async line() {
      for (;;) {
        const line = await next()
        if (line !== '') return line
      }
    },
    leave: () => answer.body.destroy()
  }
}

const text = 'the configuration was read again'

t.test('the last events come first, then each as it happens', async t => {
  const { origin, events } = await startScene(t)
  events.add({ kind: 'reload', text })
  const stream = await read(t, origin)
  t.equal(stream.status, 200)
  t.equal(stream.type, 'text/event-stream')
  t.equal(await stream.line(), ': still here')
  t.equal(await stream.line(), 'id: 1@2026-01-01T00:00:00.000Z')
  t.equal(
    await stream.line(),
    `data: {"id":1,"at":"2026-01-01T00:00:00.000Z","kind":"reload","text":"${text}"}`
  )
  events.add({ kind: 'master-down', text: 'm1 is down:\nno answer', master: 'm1' })
  t.equal(await stream.line(), 'id: 2@2026-01-01T00:00:00.000Z')
  t.match(JSON.parse((await stream.line())?.slice('data: '.length) ?? ''), {
    id: 2,
    text: 'm1 is down:\nno answer',
    master: 'm1'
  })
})

t.test('who comes back says what it had last and gets the rest', async t => {
  const { origin, events } = await startScene(t)
  for (let count = 0; count < 3; count++) events.add({ kind: 'reload', text })
  for (const [last, first] of [
    ['2@2026-01-01T00:00:00.000Z', 3],
    ['2', 3],
    ['2@2025-12-31T00:00:00.000Z', 1],
    ['77', 1],
    ['anything', 1]
  ] as const) {
    const stream = await read(t, origin, { 'last-event-id': last })
    await stream.line()
    t.match(await stream.line(), new RegExp(`^id: ${first}@`), `after ${last}`)
  }
})

t.test('a comment says now and then that the connection lives', async t => {
  const { origin, runtime } = await startScene(t)
  const stream = await read(t, origin)
  t.equal(await stream.line(), ': still here')
  await runtime.advance(HEARTBEAT_MS)
  t.equal(await stream.line(), ': still here')
  await runtime.advance(HEARTBEAT_MS)
  t.equal(await stream.line(), ': still here')
})

t.test('the streams end when the listener closes', async t => {
  const { origin, close } = await startScene(t)
  const stream = await read(t, origin)
  await stream.line()
  const end = stream.line().catch(() => undefined)
  await close()
  t.equal(await end, undefined)
})

t.test('more readers than there may be are told so, and a place that one left is taken again', async t => {
  const { origin } = await startScene(t)
  const streams = await Promise.all(Array.from({ length: maxEventStreams }, () => read(t, origin)))
  t.ok(streams.every(({ status }) => status === 200))
  t.equal((await read(t, origin)).status, 503)
  streams[0]?.leave()
  let again = 503
  while (again === 503) again = (await read(t, origin)).status
  t.equal(again, 200)
})

t.test('a reader that reads nothing is let go instead of filling memory', async t => {
  const events = createEventLog(() => 0)
  const stream = streamEvents(events, undefined, fakeRuntime())
  let added = 0
  for (; added < 100_000 && !stream.destroyed; added++) events.add({ kind: 'reload', text })
  t.ok(stream.destroyed)
  t.ok(stream.readableLength < 300 * 1024, `${stream.readableLength} bytes after ${added} events`)
})

t.test('a stream that ended neither listens nor beats any more', async t => {
  let timers = 0
  const schedule = () => {
    timers++
    return () => timers--
  }
  let listeners = 0
  const subscribe = () => {
    listeners++
    return () => listeners--
  }
  const stream = streamEvents({ add() {}, recent: () => [], subscribe }, undefined, { schedule })
  t.same([timers, listeners], [1, 1])
  stream.destroy()
  t.same([timers, listeners], [0, 0])
})
