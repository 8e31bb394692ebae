import { once } from 'node:events'
import { createGunzip, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import type { AnswerHeaders, AttemptListener } from '../../src/data/http/attempt.ts'
import { createCodeSightings, LOOK_MS, TELL_MS } from '../../src/data/http/code-sightings.ts'
import type { Exchange } from '../../src/data/http/exchange.ts'
import { HEAD_BYTES } from '../../src/data/http/head-of-body.ts'
import type { CodeSighting } from '../../src/model/code.ts'
import type { Master } from '../../src/model/master.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const [m1, m2] = masters({ m1: 1, m2: 1 }) as [Master, Master]
const named = '/puppet/v3/catalog/a.example.com?environment=production'

interface Catalog {
  readonly url?: string
  readonly master?: Master
  readonly class?: Exchange['class']
  readonly status?: number
  readonly version?: string
  readonly headers?: AnswerHeaders
  readonly body?: Buffer
}

/** What is told of catalogs that pass, and what their agents get. */
function setUp({ broken = false } = {}) {
  const runtime = fakeRuntime()
  const told: CodeSighting[] = []
  const defects: unknown[] = []
  const sighted = createCodeSightings({
    now: runtime.now,
    tell(sighting) {
      if (broken) throw new Error('broken')
      told.push(sighting)
    },
    onDefect: error => defects.push(error)
  })

  /** Lets a catalog pass in chunks of a kibibyte; its body as the agent gets it. */
  function pass({
    url = named,
    master = m1,
    status = 200,
    version = 'v1',
    headers = {},
    ...rest
  }: Catalog = {}) {
    const got: Buffer[] = []
    const plain: AttemptListener = {
      head: () => true,
      data: chunk => got.push(chunk),
      complete() {},
      ended() {},
      defect(error) {
        throw error
      }
    }
    const exchange = { class: rest.class ?? 'catalog', request: { url } } as Exchange
    const listener = sighted(plain, exchange, master)
    const body = rest.body ?? catalog(version)
    listener.head(status, undefined, headers)
    for (let at = 0; at < body.length; at += 1_024) listener.data(body.subarray(at, at + 1_024), {} as never)
    listener.complete()
    return Buffer.concat(got)
  }

  return {
    runtime,
    told,
    defects,
    pass,
    isUntouched: (of: Catalog) => sighted({} as never, { class: of.class } as Exchange, m1)
  }
}

function catalog(version: string, { environment = 'production', tags = 3_000 } = {}): Buffer {
  return Buffer.from(
    JSON.stringify({
      tags: Array.from({ length: tags }, (_, i) => `t${i}`),
      version,
      code_id: null,
      environment,
      resources: []
    })
  )
}

/** Once whatever is being unpacked in other threads is there: behind it in their queue. */
async function unpacked(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const gunzip = createGunzip()
    gunzip.end(gzipSync('x'))
    gunzip.resume()
    await once(gunzip, 'end')
  }
}

t.test('a master and an environment are looked at once in ten seconds', async t => {
  const { runtime, told, pass } = setUp()
  pass()
  pass({ version: 'v2' })
  pass({ master: m2, version: 'v2' })
  pass({ url: '/puppet/v3/catalog/a?environment=dev', body: catalog('v3', { environment: 'dev' }) })
  await runtime.advance(LOOK_MS)
  pass({ version: 'v4' })
  t.same(
    told.map(({ masterId, environment, version, askedAtMs }) => [masterId, environment, version, askedAtMs]),
    [
      [m1.id, 'production', 'v1', 0],
      [m2.id, 'production', 'v2', 0],
      [m1.id, 'dev', 'v3', 0],
      [m1.id, 'production', 'v4', LOOK_MS]
    ]
  )
})

t.test('one that stays the same is told once in a minute', async t => {
  const { runtime, told, pass } = setUp()
  for (let ms = 0; ms <= TELL_MS; ms += LOOK_MS) {
    pass()
    await runtime.advance(LOOK_MS)
  }
  t.same(
    told.map(({ askedAtMs }) => askedAtMs),
    [0, TELL_MS]
  )
})

t.test('where the line of the request names no environment, each second one is looked at', async t => {
  const { runtime, told, pass } = setUp()
  const url = '/puppet/v3/catalog/a.example.com'
  for (const environment of ['production', 'dev', 'test']) {
    pass({ url, body: catalog('v1', { environment }) })
    await runtime.advance(environment === 'production' ? 500 : 1_000)
  }
  t.same(
    told.map(({ environment }) => environment),
    ['production', 'test']
  )
})

t.test('nothing but catalogs that were given is looked at', async t => {
  const { told, pass, isUntouched } = setUp()
  for (const other of ['light', 'report', 'ca'] as const) {
    t.same(isUntouched({ class: other }), {}, 'not even its listener is another one')
    pass({ class: other })
  }
  pass({ status: 404 })
  pass({ body: Buffer.of(0x8a, 0xa7) })
  pass({ master: m2, headers: { 'content-encoding': 'br' } })
  t.same(told, [])
})

t.test('packed or not, its agent gets every byte', async t => {
  const { told, pass } = setUp()
  for (const [index, [encoding, packed]] of (
    [
      [undefined, (whole: Buffer) => whole],
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['gzip', (whole: Buffer) => gzipSync(whole).fill(0xff, 10, 200)]
    ] as const
  ).entries()) {
    const body = packed(catalog(`v${index}`))
    const url = `/puppet/v3/catalog/a.example.com?environment=e${index}`
    t.ok(pass({ url, body, headers: { 'content-encoding': encoding } }).equals(body))
    await unpacked()
  }
  t.same(
    told.map(({ version }) => version),
    ['v0', 'v1', 'v2'],
    'and one that is damaged tells nothing'
  )
})

t.test('of a catalog, and of what is unpacked of it, no more than the head is looked at', async t => {
  const { told, pass } = setUp()
  const beyond = catalog('v1', { tags: HEAD_BYTES / 4 })
  t.ok(beyond.indexOf('"version"') > HEAD_BYTES)
  pass({ body: beyond })
  pass({ master: m2, body: gzipSync(beyond), headers: { 'content-encoding': 'gzip' } })
  await unpacked()
  t.same(told, [])
})

t.test('a defect of the reading is told, and the catalog goes on', async t => {
  const { pass, defects } = setUp({ broken: true })
  t.ok(pass().equals(catalog('v1')))
  const packed = gzipSync(catalog('v1'))
  t.ok(pass({ master: m2, body: packed, headers: { 'content-encoding': 'gzip' } }).equals(packed))
  await unpacked()
  t.match(defects, [{ message: 'broken' }, { message: 'broken' }])
})

t.test('the name of the master is not taken for a version', async t => {
  const { told, pass } = setUp()
  pass({ version: 'm1-4f1c' })
  pass({ master: m2, version: 'real-2-4f1c', headers: { 'x-puppet-compiler-name': 'real-2.example.com' } })
  t.same(
    told.map(({ version }) => version),
    ['*-4f1c', '*-4f1c']
  )
})
