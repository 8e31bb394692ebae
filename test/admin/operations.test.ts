import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Agent, request } from 'undici'
import { type Operate, type OperationReport, UnknownMasterError } from '../../src/model/operation.ts'
import { startScene, status } from './scene.ts'

type Test = { teardown: (task: () => unknown) => void }

const mark = { 'x-puppet-lb': '1' }
const report: OperationReport = {
  done: ['alpha drains'],
  masters: status.masters.slice(0, 1),
  warnings: ['one']
}

/** An admin listener that notes what it is asked to do. */
async function setUp(t: Test, operate: Operate = async () => report, admin = {}) {
  const asked: Parameters<Operate>[] = []
  const scene = await startScene(t, {
    admin,
    deps: {
      operate(...args) {
        asked.push(args)
        return operate(...args)
      }
    }
  })
  const post = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${scene.origin}${path}`, {
      method: 'POST',
      ...init,
      headers: { ...mark, ...init.headers }
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }
  return { ...scene, asked, post }
}

t.test('each operation is asked for by its path, and answered with its report', async t => {
  const { post, asked } = await setUp(t)
  for (const action of ['drain', 'undrain', 'maint'] as const) {
    const { status, text } = await post(`/api/masters/alpha/${action}`)
    t.equal(status, 200)
    t.strictSame(JSON.parse(text), report)
    t.same(asked.at(-1), ['alpha', { action }, 'over TCP, from 127.0.0.1'])
  }
})

t.test('a name comes percent-encoded and may be anything', async t => {
  const { post, asked } = await setUp(t)
  for (const name of ['rr/192.0.2.50', 'm.example.com:8140', 'a b', 'ü', 'rr/2001:db8::1', 'x'.repeat(300)]) {
    t.equal((await post(`/api/masters/${encodeURIComponent(name)}/drain`)).status, 200)
    t.equal(asked.at(-1)?.[0], name)
  }
  t.equal((await post('/api/masters/rr/1/drain')).status, 404, 'a bare slash parts the path')
})

t.test(
  'a weight is a whole number up to a million, or its default, whatever the content type says',
  async t => {
    const { post, asked } = await setUp(t)
    for (const [body, weight] of [
      ['{"weight":0}', 0],
      [' { "weight" : 1000000 } ', 1_000_000],
      ['{"weight":"default"}', 'default'],
      ['{"weight":null}', 'default']
    ] as const) {
      for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
        t.equal((await post('/api/masters/alpha/weight', { body, headers })).status, 200, body)
        t.same(asked.at(-1)?.[1], { action: 'weight', weight })
      }
    }
  }
)

t.test('anything else is 400 with what is allowed, and nothing is done', async t => {
  const { post, asked } = await setUp(t)
  const bodies = [
    ...['{"weight":-1}', '{"weight":1000001}', '{"weight":1.5}', '{"weight":"5"}', '{"weight":true}'],
    ...[
      '{}',
      '[]',
      '5',
      'null',
      '"default"',
      '{"weight":1,"mode":"maint"}',
      'weight=5',
      '{"weight":1e999}',
      '{'
    ]
  ]
  for (const body of [...bodies, undefined]) {
    t.match(
      await post('/api/masters/alpha/weight', { ...(body !== undefined && { body }) }),
      {
        status: 400,
        text: 'the body must be { "weight": N }, N being a whole number from 0 to 1000000 or "default"\n'
      },
      body ?? 'no body'
    )
  }
  t.equal((await post('/api/masters/alpha/weight', { body: ' '.repeat(2 ** 21) })).status, 413)
  t.same(asked, [])
})

t.test('a master that there is not is 404 with a sentence and a code', async t => {
  const { post } = await setUp(t, async name => {
    throw new UnknownMasterError(`there is no master "${name}"`)
  })
  const { status, text, headers } = await post('/api/masters/omega/maint')
  t.equal(status, 404)
  t.equal(text, 'there is no master "omega"\n')
  t.equal(headers.get('x-puppet-lb-reason'), 'unknown-master')
})

t.test('what cannot be done is 500 with a sentence', async t => {
  const { post } = await setUp(t, async () => {
    throw new Error('there is no room')
  })
  t.match(await post('/api/masters/alpha/drain'), { status: 500, text: 'there is no room\n' })
})

t.test('through the socket the asker is the socket', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socketPath = join(folder, 'admin.sock')
  const { asked } = await setUp(t, undefined, { socket: socketPath })
  const dispatcher = new Agent({ connect: { socketPath } })
  t.teardown(() => dispatcher.destroy())
  const { statusCode, body } = await request('http://localhost/api/masters/alpha/drain', {
    method: 'POST',
    dispatcher
  })
  await body.dump()
  t.equal(statusCode, 200)
  t.same(asked, [['alpha', { action: 'drain' }, 'over the Unix socket']])
})
