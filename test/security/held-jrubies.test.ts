import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { BODY_PACE } from '../../src/data/http/body-pace.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScene } from './support/scene.ts'

type T = Parameters<typeof startScene>[0]

const HOUR_MS = 3_600_000
const MIB = 1024 ** 2
const pki = await createTestPki()
const healthy = await pki.authority.issue({ certname: 'healthy.example.com' })
const enrolled = await pki.authority.issue({ certname: 'enrolled.example.com' })
const head =
  'POST /puppet/v3/catalog/x?environment=production HTTP/1.1\r\nHost: puppet\r\nContent-Length: 1000\r\n\r\n'

/** Masters that answer when they have read everything, and a way to wait until one has read so much. */
function createReaders() {
  let bytes = 0
  let look = () => {}
  return {
    script(request: IncomingMessage, response: ServerResponse) {
      bytes = 0
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        look()
      })
      request.once('end', () => response.end('{}'))
    },
    received(count: number) {
      const { promise, resolve } = Promise.withResolvers<void>()
      look = () => {
        if (bytes >= count) resolve()
      }
      look()
      return promise
    }
  }
}

/** Masters with two JRubies in all unless it is said otherwise, and a healthy agent whose catalogs must come. */
async function setUp(
  t: T,
  withoutCertificate: 'refuse' | 'forward' = 'refuse',
  { masters, jrubies } = { masters: 2, jrubies: 1 }
) {
  const runtime = fakeRuntime()
  const { script, received } = createReaders()
  const overrides = { access: { withoutCertificate }, health: { intervalMs: HOUR_MS } }
  const scene = await startScene(t, { pki, masters, jrubies, script, overrides, options: { runtime } })
  const agent = connectAgent(t, pki, scene.app.port, healthy)
  return {
    ...scene,
    runtime,
    received,
    /** So many connections that each begin a catalog and send nothing of its body. */
    begin(count: number, identity?: typeof healthy): Promise<RawAgent[]> {
      return Promise.all(
        Array.from({ length: count }, async () => {
          const raw = await connectRawAgent(t, pki, scene.app.port, identity)
          raw.send(head)
          return raw
        })
      )
    },
    async run() {
      for (const [method, what, body] of [
        ['GET', 'node', undefined],
        ['POST', 'catalog', 'f'.repeat(100_000)],
        ['PUT', 'report', '{}']
      ] as const) {
        const path = `/puppet/v3/${what}/healthy.example.com?environment=production`
        const { status } = await agent.ask({ method, path, ...(body && { body }) })
        if (status !== 200) throw new Error(`${what} was answered ${status}`)
      }
    }
  }
}

t.test('eight strangers that announce a body and send none are refused at once', async t => {
  const { begin, run, reached } = await setUp(t)
  const strangers = await begin(8)
  await run()
  for (const stranger of strangers)
    t.match(await stranger.until('\r\n\r\n'), /^HTTP\/1\.1 403 .*certificate-required/s)
  t.equal(reached().length, 3, 'and no master has heard of them')
})

for (const [who, identity, rule] of [
  ['strangers, who are forwarded,', undefined, 'forward'],
  ['connections of one enrolled agent', enrolled, 'refuse']
] as const)
  t.test(`${who} that send no body keep no JRuby, and are told after a while`, async t => {
    const { begin, run, reached, runtime } = await setUp(t, rule)
    const silent = await begin(32, identity)
    for (let count = 0; count < 5; count++) await run()
    t.equal(reached().length, 5 * 3, 'no master has heard of them')
    await runtime.advance(BODY_PACE.graceMs)
    for (const each of silent) t.match(await each.until('\r\n\r\n'), /^HTTP\/1\.1 408 .*request-timeout/s)
    await run()
  })

t.test('bodies that drip keep no JRuby either, nor do they go on for ever', async t => {
  const { begin, run, reached, runtime } = await setUp(t)
  const dripping = await begin(48, enrolled)
  for (let second = 0; second <= BODY_PACE.graceMs / 1000; second++) {
    for (const each of dripping) each.send('x')
    if (second % 10 === 0) await run()
    await runtime.advance(1_000)
  }
  t.equal(reached().length, 3 * 3, 'no master has heard of them')
  for (const each of dripping) t.match(await each.until('\r\n\r\n'), /^HTTP\/1\.1 408 /)
})

t.test(
  'a body that is long and falls silent has its JRuby for no longer than any other, however much came',
  async t => {
    const { run, runtime, app, received } = await setUp(t)
    const raw = await connectRawAgent(t, pki, app.port, enrolled)
    raw.send(head.replace('1000', `${9 * MIB}`))
    raw.send(Buffer.alloc(2 * MIB))
    await received(2 * MIB)
    await runtime.advance(BODY_PACE.graceMs)
    t.match(await raw.until('\r\n\r\n'), /^HTTP\/1\.1 408 /)
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_in_flight'), 0)
    await run()
  }
)

t.test('of bodies that have not come to their end, one of a certname has a JRuby', async t => {
  const { run, app, received } = await setUp(t, 'refuse', { masters: 1, jrubies: 3 })
  const begin = async () => {
    const raw = await connectRawAgent(t, pki, app.port, enrolled)
    raw.send(head.replace('1000', `${9 * MIB}`))
    raw.send(Buffer.alloc(2 * MIB))
    return raw
  }
  const first = await begin()
  await received(2 * MIB)
  const second = await begin()
  while ((await scrape(app.adminPort)).sum('puppet_lb_queue_depth') !== 1);
  await run()
  first.socket.destroy()
  await received(2 * MIB)
  second.send(Buffer.alloc(7 * MIB))
  t.match(await second.until('\r\n\r\n'), /^HTTP\/1\.1 200 /, 'the next one has its turn')
})
