import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { generatedSha256 } from '../../src/simulation/generated-body.ts'
import type { SimulatedMasterOptions } from '../../src/simulation/master-options.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { ask, begin, identityHeaders } from './ask.ts'

const headers = identityHeaders('web01')
const catalog = '/puppet/v3/catalog/web01?environment=production'
const node = '/puppet/v3/node/web01?environment=production'

async function start(t: Test, options: Partial<SimulatedMasterOptions> = {}): Promise<SimulatedMaster> {
  const master = await startSimulatedMaster({ name: 'master-1', ...options })
  t.teardown(master.close)
  return master
}

async function jrubies(master: SimulatedMaster) {
  const { text } = await ask(master, '/status/v1/services/jruby-metrics?level=debug')
  return JSON.parse(text).status.experimental.metrics
}

t.test('each JRuby serves one catalog, the rest wait in the order they came', async t => {
  const master = await start(t, { jrubies: 2 })
  master.hold()
  const order: number[] = []
  const asked = []
  for (const number of [0, 1, 2, 3]) {
    asked.push(ask(master, catalog, { method: 'POST', headers }).then(() => order.push(number)))
    await master.until(({ running, queued }) => running + queued === number + 1)
  }
  t.match(master, { running: 2, queued: 2, held: 2 })
  const metrics = await jrubies(master)
  t.match(metrics, { 'num-jrubies': 2, 'num-free-jrubies': 0, 'requested-count': 4, 'borrow-count': 2 })
  t.equal(metrics['requested-instances'].length, 2)
  t.match(metrics['borrowed-instances'], [
    {
      reason: {
        request: {
          uri: '/puppet/v3/catalog/web01',
          'request-method': 'post',
          'route-id': 'puppet-v3-catalog'
        }
      }
    },
    {}
  ])
  master.release(1)
  await asked[0]
  await master.until(({ held }) => held === 2)
  t.match(master, { running: 2, queued: 1 })
  master.release()
  await Promise.all(asked)
  t.same(order, [0, 1, 2, 3])
  t.match(await jrubies(master), {
    'num-free-jrubies': 2,
    'return-count': 4,
    'borrow-timers': { total: { count: 4 } }
  })
})

t.test('a client that hangs up does not stop its compile', async t => {
  const master = await start(t, { jrubies: 1 })
  master.hold()
  const request = begin(master, catalog, { method: 'POST', headers })
  request.on('error', () => {})
  await master.until(({ held }) => held === 1)
  request.destroy()
  await master.until(({ requests }) => requests[0]?.aborted === true)
  t.equal(master.running, 1)
  master.release()
  await master.until(({ running }) => running === 0)
})

t.test('identity counts only when all of it is right', async t => {
  const master = await start(t)
  const statusFor = async (headers: Record<string, string | string[]>) =>
    (await ask(master, node, { headers })).status
  const verified = { 'X-Client-Verify': 'SUCCESS' }
  t.equal(await statusFor({ ...verified, 'X-Client-DN': 'CN=web01' }), 200)
  t.equal(await statusFor({ ...verified, 'X-Client-DN': 'O=example, CN=web01' }), 200)
  t.equal(await statusFor({ ...verified, 'X-Client-DN': '/O=example/CN=web01' }), 200)
  t.equal(await statusFor({ ...verified, 'X-Client-DN': 'CN=web02' }), 403, 'another host')
  t.equal(await statusFor({ ...verified, 'X-Client-DN': 'O=web01' }), 403, 'no common name')
  t.equal(await statusFor(verified), 403, 'no name')
  t.equal(await statusFor({ 'X-Client-DN': 'CN=web01' }), 403, 'not verified')
  t.equal(await statusFor({ 'X-Client-Verify': 'NONE', 'X-Client-DN': 'CN=web01' }), 403)
  t.equal(await statusFor({ 'X-Client-Verify': 'success', 'X-Client-DN': 'CN=web01' }), 403)
  t.equal(
    await statusFor({ 'X-Client-Verify': ['SUCCESS', 'SUCCESS'], 'X-Client-DN': 'CN=web01' }),
    403,
    'twice'
  )
  t.equal(await statusFor({}), 403)
})

t.test('a request for any file needs an identity, but not a particular one', async t => {
  const master = await start(t)
  const path = '/puppet/v3/file_metadata/modules/app/a?environment=production'
  t.equal((await ask(master, path, { headers: identityHeaders('anybody') })).status, 200)
  t.equal((await ask(master, path)).status, 403)
})

t.test('the status service says running, and what it was told to say', async t => {
  const master = await start(t)
  t.match(await ask(master, '/status/v1/simple'), { status: 200, text: 'running' })
  t.match(await ask(master, '/status/v1/simple/server'), { status: 200, text: 'running' })
  t.match(await ask(master, '/status/v1/simple/ca'), { status: 404, text: 'not found: ca' })
  const { status, text } = await ask(master, '/status/v1/services')
  t.equal(status, 200)
  t.same(Object.keys(JSON.parse(text)), [
    'status-service',
    'master',
    'server',
    'jruby-metrics',
    'puppet-profiler'
  ])
  master.setState('error')
  t.match(await ask(master, '/status/v1/simple'), { status: 503, text: 'error' })
  t.match(await ask(master, '/status/v1/services/server'), { status: 503, text: /"state":"error"/ })
})

t.test('an old Puppet Server does not know its second name', async t => {
  const master = await start(t, { version: '6.0.0' })
  t.equal((await ask(master, '/status/v1/simple/server')).status, 404)
  t.equal((await ask(master, '/status/v1/simple/master')).status, 200)
})

t.test('pre-4 URLs are served like the new ones', async t => {
  const master = await start(t)
  t.match(await ask(master, '/production/node/web01', { headers }), {
    status: 200,
    text: /"environment":"production"/
  })
  t.equal((await ask(master, '/production/node/web02', { headers })).status, 403)
  const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' }
  t.match(await ask(master, '/dev/catalog/web01', { method: 'POST', headers: form, body: 'facts=' }), {
    status: 200,
    headers: { 'x-puppet-version': '8.7.0', 'x-puppet-compiler-name': 'master-1' }
  })
  t.equal((await ask(master, '/production/report/web01', { method: 'PUT', headers, body: '{}' })).status, 200)
  t.equal((await ask(master, '/production/file_content/modules/certificates/a', { headers })).status, 200)
  t.equal((await ask(master, '/production/certificate/ca')).status, 404, 'this is no CA')
  t.equal((await ask(master, '/puppet-ca/v1/certificate/ca')).status, 404)
})

t.test('what cannot be, cannot be', async t => {
  const master = await start(t)
  t.equal((await ask(master, '/puppet/v3/node/web01', { headers })).status, 400, 'no environment')
  t.equal((await ask(master, '/puppet/v3/../v3/node/web01?environment=a', { headers })).status, 400)
  t.equal((await ask(master, '/puppet/v3/%2e%2e/node/web01?environment=a', { headers })).status, 400)
  t.equal((await ask(master, '/puppet/v3/nothing/web01?environment=a', { headers })).status, 404)
  t.equal(
    (await ask(master, '/puppet/v3/report/web01?environment=a', { headers })).status,
    404,
    'wrong method'
  )
  t.equal(
    (await ask(master, '/puppet/v3/file_content/modules/app/absent?environment=a', { headers })).status,
    404
  )
  t.equal((await ask(master, node, { headers: { ...headers, 'X-Long': 'x'.repeat(8192) } })).status, 431)
})

t.test('the environment cache is flushed by those who may', async t => {
  const master = await start(t, { admins: ['deployer'] })
  const path = '/puppet-admin-api/v1/environment-cache?environment=production'
  t.equal((await ask(master, path, { method: 'DELETE', headers: identityHeaders('deployer') })).status, 204)
  t.equal((await ask(master, path, { method: 'DELETE', headers })).status, 403)
})

t.test('a request is recorded as it was sent', async t => {
  const master = await start(t)
  const body = JSON.stringify({ report: 'x'.repeat(100_000) })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const path = '/puppet/v3/report/web01?environment=production'
  await ask(master, path, { method: 'PUT', headers: { ...headers, 'X-Thing': 'One' }, body, agent })
  await ask(master, node, { headers, agent })
  await ask(master, node, { headers })
  await master.until(({ requests }) => requests.every(({ endedAtMs }) => endedAtMs !== undefined))
  const [report, second, third] = master.requests
  t.match(report, { method: 'PUT', url: path, status: 200, connection: 1, aborted: false })
  t.equal(report?.rawHeaders[(report?.rawHeaders.indexOf('X-Thing') ?? 0) + 1], 'One')
  t.same(report?.body, { bytes: body.length, sha256: createHash('sha256').update(body).digest('hex') })
  t.match(report?.caller, { authenticated: true, certname: 'web01' })
  t.match([second?.connection, third?.connection], [1, 2])
  t.equal(master.requestCount, 3)
})

t.test('no more requests are remembered than were asked for', async t => {
  const master = await start(t, { keepRequests: 2 })
  for (let i = 0; i < 5; i++) await ask(master, `/status/v1/simple?${i}`)
  t.same(
    master.requests.map(({ url }) => url),
    ['/status/v1/simple?3', '/status/v1/simple?4']
  )
  t.equal(master.requestCount, 5)
})

t.test('killed, it is gone at once; restarted, it is back on its port with free JRubies', async t => {
  const master = await start(t, { jrubies: 1 })
  master.hold()
  const cut = t.rejects(ask(master, catalog, { method: 'POST', headers }), { code: 'ECONNRESET' })
  await master.until(({ held }) => held === 1)
  await master.kill()
  await cut
  t.match(master, { running: 0, connections: 0 })
  await t.rejects(ask(master, node, { headers }), { code: 'ECONNREFUSED' })
  await master.restart()
  master.release()
  t.equal((await ask(master, catalog, { method: 'POST', headers })).status, 200)
})

t.test('stopped, it lets a running catalog end', async t => {
  const master = await start(t)
  master.hold()
  const answer = ask(master, catalog, { method: 'POST', headers })
  await master.until(({ held }) => held === 1)
  const stopped = master.stop()
  master.release()
  t.equal((await answer).status, 200)
  await stopped
  await t.rejects(ask(master, node, { headers }), { code: 'ECONNREFUSED' })
})

t.test('overloaded, it turns away those agents that understand it', async t => {
  const master = await start(t)
  master.overload(7)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const version = (value: string) =>
    ask(master, node, { headers: { ...headers, 'X-Puppet-Version': value }, agent })
  t.match(await version('8.10.0'), { status: 503, headers: { 'retry-after': '7', connection: 'close' } })
  t.equal((await version('5.3.0')).status, 200)
  t.equal((await ask(master, node, { headers })).status, 200)
  t.equal((await ask(master, '/status/v1/simple')).status, 200)
  master.overload()
  const bare = await version('8.10.0')
  t.match(bare, { status: 503 })
  t.notOk('retry-after' in bare.headers)
  master.calm()
  t.equal((await version('8.10.0')).status, 200)
})

t.test('a full queue turns agents away for a random while', async t => {
  const master = await start(t, { jrubies: 1, maxQueued: 1, maxRetryDelayS: 10, seed: 1 })
  master.hold()
  const running = [ask(master, catalog, { method: 'POST', headers })]
  await master.until(({ held }) => held === 1)
  running.push(ask(master, node, { headers }))
  await master.until(({ queued }) => queued === 1)
  const refused = await ask(master, node, { headers: { ...headers, 'X-Puppet-Version': '7.0.0' } })
  t.equal(refused.status, 503)
  t.match(refused.headers['retry-after'], /^[0-9]$/)
  master.release()
  for (const { status } of await Promise.all(running)) t.equal(status, 200)
})

t.test('failures come as they were ordered', async t => {
  const master = await start(t)
  master.failNext(
    { kind: 'answer', status: 502, body: 'oh' },
    { times: 2, matching: ({ method }) => method === 'PUT' }
  )
  master.failNext({ kind: 'reset', after: 'head' })
  master.failNext({ kind: 'truncate', bytes: 100 })
  const put = { method: 'PUT', headers, body: '{}' }
  t.match(await ask(master, '/puppet/v3/report/web01?environment=a', put), { status: 502, text: 'oh' })
  await t.rejects(ask(master, node, { headers }), { code: 'ECONNRESET' })
  await t.rejects(ask(master, node, { headers }), { code: 'ECONNRESET' })
  t.match(await ask(master, '/puppet/v3/report/web01?environment=a', put), { status: 502 })
  t.equal((await ask(master, '/puppet/v3/report/web01?environment=a', put)).status, 200)
  t.equal((await ask(master, node, { headers })).status, 200)
})

t.test('in silence, neither body nor answer moves', async t => {
  const master = await start(t)
  master.failNext({ kind: 'silence' })
  const request = begin(master, node, { headers })
  request.on('error', () => {})
  await master.until(({ requests }) => requests.length === 1)
  request.destroy()
  await master.until(({ requests }) => requests[0]?.aborted === true)
  t.equal(master.requests[0]?.status, undefined)
})

t.test('a filebucket knows what was put into it, and no other does', async t => {
  const [here, there] = [await start(t), await start(t, { name: 'master-2' })]
  const path =
    '/puppet/v3/file_bucket_file/md5/5d41402abc4b2a76b9719d911017c592//etc/motd?environment=production'
  t.equal((await ask(here, path, { method: 'HEAD', headers })).status, 404)
  t.equal((await ask(here, path, { method: 'PUT', headers, body: 'hello' })).status, 200)
  t.equal((await ask(here, path, { method: 'HEAD', headers })).status, 200)
  t.match(await ask(here, path, { headers }), { status: 200, text: 'hello' })
  t.equal((await ask(there, path, { headers })).status, 404)
})

t.test('a generated file is as long as its name says, and waits for its reader', async t => {
  const master = await start(t)
  const bytes = 64 * 1024 * 1024 + 3
  const request = begin(master, `/puppet/v3/file_content/generated/${bytes}?environment=production`, {
    headers
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  await once(response, 'readable')
  t.ok(response.socket.bytesRead < bytes / 2, 'an idle reader stops it')
  const hash = createHash('sha256')
  let received = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk)
    received += chunk.length
  }
  t.equal(received, bytes)
  t.equal(hash.digest('hex'), generatedSha256(bytes))
})

t.test('code that differs makes files that differ', async t => {
  const master = await start(t)
  const metadata = async () => {
    const { text } = await ask(master, '/puppet/v3/file_metadata/modules/app/a?environment=a', { headers })
    return JSON.parse(text).checksum.value
  }
  const before = await metadata()
  t.equal(await metadata(), before)
  master.deploy('2')
  t.not(await metadata(), before)
})

t.test('JSON is compressed for those who accept it, when Jetty would', async t => {
  const master = await start(t, { gzip: true, catalogPadding: 5000 })
  const accepting = { ...headers, 'Accept-Encoding': 'gzip;q=1.0,identity;q=0.3' }
  const large = await ask(master, catalog, { method: 'POST', headers: accepting })
  t.equal(large.headers['content-encoding'], 'gzip')
  t.notOk('content-encoding' in (await ask(master, catalog, { method: 'POST', headers })).headers)
  t.notOk('content-encoding' in (await ask(master, node, { headers: accepting })).headers)
})

t.test('a connection without requests is closed after the idle timeout, a working one is not', async t => {
  const master = await start(t, { idleTimeoutMs: 50 })
  master.hold()
  const working = ask(master, catalog, { method: 'POST', headers })
  await master.until(({ held }) => held === 1)
  const idle = connect(master.port, '127.0.0.1')
  await once(idle, 'connect')
  idle.resume()
  await once(idle, 'close')
  t.equal(master.running, 1)
  master.release()
  t.equal((await working).status, 200)
})
