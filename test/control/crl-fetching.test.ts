import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { questionTimeoutMs } from '../../src/control/revocation/ca-question.ts'
import { createListFetching } from '../../src/control/revocation/fetching.ts'
import { type OpenListStream, readStream } from '../../src/control/revocation/reader.ts'
import type { Reading } from '../../src/control/revocation/reading.ts'
import { createRounds } from '../../src/control/revocation/rounds.ts'
import { createRevocationWatch } from '../../src/control/revocation/watch.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const HOUR_MS = 3_600_000
const date = 'Thu, 26 Nov 2026 12:00:00 GMT'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A CA over plain HTTP, a fake clock, and lists that are known by their text. */
async function startScene(t: Test, first: Answer) {
  let answer = first
  const asked: IncomingMessage['headers'][] = []
  const opened: Reading[] = []
  const server = createServer((request, response) => {
    asked.push(request.headers)
    answer(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const runtime = fakeRuntime()
  const openStream: OpenListStream = task => {
    opened.push(task)
    const pieces: Uint8Array[] = []
    return {
      write: bytes => pieces.push(bytes),
      async end() {
        const digest = Buffer.concat(pieces).toString()
        return digest === task.knownDigest ? undefined : { digest, lists: [] }
      },
      cancel: () => {}
    }
  }
  const { fetch } = createListFetching({ runtime, openStream })
  const { upstream } = testConfig(pki, { masters: [] }).settings
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const task = { ca: { url, addresses: ['127.0.0.1'] }, upstream, caBundle: '', directory: undefined }
  return {
    ...{ asked, opened, runtime, server },
    answerBy: (next: Answer) => {
      answer = next
    },
    fetch: (knownDigest?: string) => fetch({ ...task, knownDigest })
  }
}

const give =
  (text: string, headers: Record<string, string> = { date }): Answer =>
  response =>
    response.writeHead(200, headers).end(text)

t.test('by what the CA is asked again: what it said itself, or the date of its answer', async t => {
  const cases = [
    [{ date }, { 'if-modified-since': 'Thu, 26 Nov 2026 11:59:00 GMT' }],
    [
      { date, 'last-modified': 'Tue, 24 Nov 2026 12:00:00 GMT' },
      { 'if-modified-since': 'Tue, 24 Nov 2026 12:00:00 GMT' }
    ],
    [
      { date, etag: '"a"' },
      { 'if-none-match': '"a"', 'if-modified-since': 'Thu, 26 Nov 2026 11:59:00 GMT' }
    ],
    [{ date: 'yesterday' }, { 'if-none-match': undefined, 'if-modified-since': undefined }]
  ] as const
  for (const [headers, expected] of cases) {
    const { fetch, asked } = await startScene(t, give('one', headers))
    const { lists, accept } = await fetch()
    t.equal(lists?.digest, 'one')
    await accept()
    await fetch('one')
    t.match(asked[1], expected)
  }
})

t.test('what was refused, or is known no more, is asked for whole', async t => {
  const { fetch, asked } = await startScene(t, give('one'))
  const refused = await fetch()
  await refused.refuse()
  const taken = await fetch()
  await taken.accept()
  await fetch('another')
  for (const headers of asked) t.equal(headers['if-modified-since'], undefined)
})

t.test(
  'after an hour it is asked for whole in any case: a file at the CA may be new and look old',
  async t => {
    const { fetch, asked, runtime, answerBy } = await startScene(t, give('one'))
    await (await fetch()).accept()
    answerBy(response => response.writeHead(304).end())
    t.equal((await fetch('one')).lists, undefined)
    await runtime.advance(HOUR_MS)
    answerBy(give('one'))
    t.equal((await fetch('one')).lists, undefined)
    answerBy(give('two'))
    t.equal((await fetch('one')).lists?.digest, 'two')
    t.same(
      asked.map(headers => headers['if-modified-since'] !== undefined),
      [false, true, false, true]
    )
  }
)

t.test('304 to a question without a condition is no answer', async t => {
  const { fetch } = await startScene(t, response => response.writeHead(304).end())
  await t.rejects(fetch(), { name: 'NoLists', kind: 'status-3xx' })
})

for (const [what, begin] of Object.entries({
  nothing: () => {},
  'a list without end': (response: ServerResponse) => response.write('-')
})) {
  t.test(`a CA that answers ${what} is given up after its time`, async t => {
    const there = Promise.withResolvers<void>()
    const { fetch, runtime, server } = await startScene(t, response => {
      begin(response)
      there.resolve()
    })
    const closed = new Promise(resolve => server.once('connection', socket => socket.once('close', resolve)))
    const given = t.rejects(fetch(), {
      name: 'NoLists',
      kind: 'timeout',
      message: 'it took the connection and did not answer in time'
    })
    await there.promise
    await runtime.advance(questionTimeoutMs)
    await given
    await closed
  })
}

const task = {
  caBundle: pki.authority.bundle,
  nowMs: Date.now(),
  knownDigest: undefined,
  keepAs: undefined
}
const entriesOf = (read: Awaited<ReturnType<ReturnType<OpenListStream>['end']>>) =>
  read?.lists.reduce((sum, { entries }) => sum + entries, 0)

t.test('the thread that reads long lists ends with them, or when they are given up', async t => {
  // Text may stand before a list.
  const long = Buffer.from(`${'a word\n'.repeat(10_000)}${await pki.authority.crl({ revoked: ['0A'] })}`)
  const begin = () => {
    const exit = new Promise(resolve => {
      process.once('worker', worker => worker.once('exit', resolve))
    })
    return { stream: readStream(task), exit }
  }
  const whole = begin()
  for (const piece of [long.subarray(0, 100), long.subarray(100, 69_000), long.subarray(69_000)])
    whole.stream.write(piece)
  t.equal(entriesOf(await whole.stream.end()), 1)
  await whole.exit
  const half = begin()
  half.stream.write(long.subarray(0, 69_000))
  half.stream.cancel()
  await half.exit
  const refused = begin()
  refused.stream.write(long.subarray(0, 69_000))
  await t.rejects(refused.stream.end(), { name: 'CrlError', message: 'holds no revocation list' })
  await refused.exit
})

t.test('short lists are read without one', async t => {
  const noThread = () => t.fail('a thread')
  process.once('worker', noThread)
  t.teardown(() => process.off('worker', noThread))
  const list = Buffer.from(await pki.authority.crl({ revoked: ['0A'] }))
  const directory = t.testdir()
  const keepAs = join(directory, 'new', 'list.pem')
  const stream = readStream({ ...task, keepAs })
  for (const piece of [list.subarray(0, 100), list.subarray(100)]) stream.write(piece)
  const read = await stream.end()
  t.equal(entriesOf(read), 1)
  t.same(readFileSync(keepAs), list)
  const again = readStream({ ...task, knownDigest: read?.digest })
  again.write(list)
  t.equal(await again.end(), undefined, 'the same ones')
  await t.rejects(readStream(task).end(), { name: 'CrlError', message: 'holds no revocation list' })
})

t.test('rounds never overlap, and one that is asked for meanwhile is the one under way', async t => {
  const runtime = fakeRuntime()
  let begun = 0
  let end = (_delayMs: number | undefined) => {}
  const rounds = createRounds(() => {
    begun++
    return new Promise(resolve => {
      end = resolve
    })
  }, runtime)
  const first = rounds.now()
  t.equal(rounds.now(), first)
  rounds.wait(0)
  await runtime.advance(1_000)
  t.equal(begun, 1)
  end(500)
  await first
  await runtime.advance(499)
  t.equal(begun, 1)
  await runtime.advance(1)
  t.equal(begun, 2)
  end(undefined)
  await runtime.advance(10_000)
  t.equal(begun, 2)
  rounds.wait(10)
  rounds.stop()
  await runtime.advance(10)
  t.equal(begun, 2)
})

t.test(
  'the CA is asked up to a fifth before its time, by the dice of each balancer, and never after it',
  async t => {
    const refreshMs = 60_000
    /** How long it waits for the next time, when it has asked once. */
    async function waitsBy(dice: number): Promise<number | undefined> {
      const list = await pki.authority.crl()
      const server = createServer((_request, response) => response.end(list))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const clock = fakeRuntime({ wallClockMs: Date.now() })
      const delays: number[] = []
      const { upstream } = testConfig(pki, { masters: [] }).settings
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const watch = createRevocationWatch({
        runtime: {
          ...clock,
          random: () => dice,
          schedule(delayMs, task) {
            delays.push(delayMs)
            return clock.schedule(delayMs, task)
          }
        },
        log: captureLog().log,
        events: { add: () => {} },
        publish: () => {},
        readFile: () => t.fail('there is no file') as never,
        openStream: readStream,
        from: () => ({ ca: { url, addresses: ['127.0.0.1'] }, upstream })
      })
      t.teardown(() => {
        server.close()
        server.closeAllConnections()
        return watch.stop()
      })
      const crl = { file: undefined, fetch: true, refreshMs, expired: 'keep', place: 'f:1:1' } as const
      watch.adopt(await watch.prepare({ ca: pki.authority.bundle, crl }))
      await watch.begin()
      t.match(watch.current(), { entries: 0 }, 'it has asked')
      return delays.at(-1)
    }
    t.equal(await waitsBy(0), refreshMs)
    t.equal(await waitsBy(0.5), 0.9 * refreshMs)
    t.equal(Math.round((await waitsBy(0.999)) ?? 0), Math.round(refreshMs * (1 - 0.2 * 0.999)))
  }
)
