import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import type { AdminBoot } from '../../src/model/settings.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

/** Who can take masters out of service can stop every agent: so nobody may who is not an operator. */

const pki = await createTestPki()
const token = 'a-token-of-some-length'
const bearer = { authorization: `Bearer ${token}` }
const mark = { 'x-puppet-lb': '1' }
const paths = [
  ...['drain', 'undrain', 'maint', 'weight'].map(action => `/api/masters/m1/${action}`),
  '/api/environments/production/deployed',
  '/api/masters/no-such-master/drain',
  '/api/masters/m1%2F1/maint'
]

async function startScene(t: Test, admin: Partial<AdminBoot> = {}) {
  const start = () => startScriptedMaster(t, (_request, response) => response.end())
  const [ca, m1] = [await start(), await start()]
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: m1.url }] },
    { admin, listen: { workers: 0 } }
  )
  const app = await startBalancer(t, config)
  const post = async (path: string, headers: Record<string, string>, host = '127.0.0.1') => {
    const {
      statusCode,
      body,
      headers: answered
    } = await request(`http://${host}:${app.adminPort}${path}`, {
      method: 'POST',
      headers,
      body: '{"weight":0}'
    })
    return { status: statusCode, text: await body.text(), reason: answered['x-puppet-lb-reason'] }
  }
  /** Nothing is known to an operator of what was tried. */
  const isUntouched = async () => {
    t.match(app.status().masters, [{ name: 'm1', mode: 'active', weight: 1 }])
    t.same(app.status().kept, [])
    t.equal(m1.seen.length, 0, 'nor was it told to flush anything')
  }
  return { app, post, isUntouched }
}

t.test('a web page cannot change what masters are wanted for', async t => {
  const { post, isUntouched } = await startScene(t)
  for (const path of paths) {
    for (const headers of [
      {},
      { origin: 'https://evil.example.com', 'content-type': 'text/plain' },
      { origin: 'https://evil.example.com', 'content-type': 'application/x-www-form-urlencoded' },
      { 'sec-fetch-mode': 'no-cors', 'content-type': 'application/json' },
      { 'x-puppet-lb': 'true' }
    ])
      t.match(await post(path, headers), { status: 403, reason: 'header-missing' }, path)
    t.match(
      await post(path, { ...mark, host: 'evil.example.com' }),
      { status: 403, reason: 'host-refused' },
      'nor one that has the balancer answer to its own name'
    )
  }
  await isUntouched()
})

t.test('no method but POST does anything, with a body or a query that says so', async t => {
  const { app, isUntouched } = await startScene(t)
  for (const path of paths) {
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const { statusCode, body } = await request(
        `http://127.0.0.1:${app.adminPort}${path}?_method=POST&weight=0`,
        { method, headers: { ...mark, 'x-http-method-override': 'POST' } }
      )
      await body.dump()
      t.equal(statusCode, 405, `${method} ${path}`)
    }
  }
  await isUntouched()
})

t.test('with a token set it is needed on loopback too', async t => {
  const { post, isUntouched } = await startScene(t, { token })
  for (const path of paths) {
    t.match(await post(path, mark), { status: 401, reason: 'token-missing' })
    t.match(await post(path, { ...mark, authorization: 'Bearer another-token-of-it' }), {
      status: 401,
      reason: 'token-wrong'
    })
    t.match(await post(path, bearer), { status: 403, reason: 'header-missing' }, 'and replaces no header')
  }
  await isUntouched()
  t.equal((await post('/api/masters/m1/drain', { ...mark, ...bearer })).status, 200)
})

t.test('off loopback everybody is refused without a token, and so are those who do not know it', async t => {
  const open = await startScene(t, { host: '0.0.0.0' })
  const closed = await startScene(t, { host: '0.0.0.0', token })
  const address = Object.values(networkInterfaces())
    .flatMap(each => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  for (const host of ['127.0.0.1', ...(address === undefined ? [] : [address])]) {
    for (const path of paths) {
      t.match(await open.post(path, mark, host), { status: 403, reason: 'no-token-set' }, host)
      t.match(await closed.post(path, mark, host), { status: 401, reason: 'token-missing' }, host)
    }
  }
  await open.isUntouched()
  await closed.isUntouched()
})

t.test('the socket may, and is its owner’s alone', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socketPath = join(folder, 'admin.sock')
  const { app } = await startScene(t, { socket: socketPath, token })
  t.equal(statSync(socketPath).mode & 0o777, 0o600)
  const dispatcher = new Agent({ connect: { socketPath } })
  t.teardown(() => dispatcher.destroy())
  const { statusCode, body } = await request('http://localhost/api/masters/m1/maint', {
    method: 'POST',
    dispatcher
  })
  await body.dump()
  t.equal(statusCode, 200)
  t.match(app.status().masters, [{ mode: 'maint' }])
})

t.test(
  'what is kept over a restart is its owner’s alone, and a link that somebody laid there is not followed',
  async t => {
    const directory = t.testdir({
      elsewhere: 'not to be touched',
      state: { 'overlay.json.new': t.fixture('symlink', '../elsewhere') }
    })
    chmodSync(join(directory, 'elsewhere'), 0o644)
    const start = () => startScriptedMaster(t, (_request, response) => response.end())
    const [ca, m1] = [await start(), await start()]
    const app = await startBalancer(
      t,
      testConfig(
        pki,
        { ca: ca.url, masters: [{ name: 'm1', url: m1.url }] },
        { state: { directory: join(directory, 'state') }, listen: { workers: 0 } }
      )
    )
    t.equal((await operatorOf(app).run('drain', 'm1')).code, 0)
    t.equal(statSync(join(directory, 'state/overlay.json')).mode & 0o777, 0o600)
    t.equal(statSync(join(directory, 'elsewhere')).size, 'not to be touched'.length)
  }
)

t.test('neither the token nor anything else of a request’s headers is in the log or the events', async t => {
  const { post, app } = await startScene(t, { token })
  await post('/api/masters/m1/drain', { ...mark, ...bearer, cookie: 'secret=1' })
  const stream = await fetch(`http://127.0.0.1:${app.adminPort}/api/events`)
  const reader = (stream.body as ReadableStream<Uint8Array>).getReader()
  const { value } = await reader.read()
  await reader.cancel()
  const events = new TextDecoder().decode(value)
  t.match(events, /master-drain/)
  t.notMatch(events, new RegExp(`${token}|secret`))
})
