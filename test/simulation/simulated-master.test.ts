import { Agent } from 'node:http'
import t, { type Test } from 'tap'
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
  t.match(await jrubies(master), { 'num-free-jrubies': 0, 'return-count': 0 })
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

t.test('the status service says running', async t => {
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
  t.match(await ask(master, '/status/v1/services/server'), { status: 200, text: /"state":"running"/ })
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

t.test('the environment cache is flushed by whoever has an identity', async t => {
  const master = await start(t)
  const path = '/puppet-admin-api/v1/environment-cache?environment=production'
  t.equal((await ask(master, path, { method: 'DELETE', headers })).status, 204)
  t.equal((await ask(master, path, { method: 'DELETE' })).status, 403)
})

t.test('a request is recorded as it goes on', async t => {
  const master = await start(t)
  const path = '/puppet/v3/report/web01?environment=production'
  await ask(master, path, { method: 'PUT', headers, body: 'x'.repeat(2_000_000) })
  await ask(master, node)
  await master.until(({ requests }) => requests.length === 2 && requests.every(({ status }) => status))
  t.match(master.requests, [
    {
      method: 'PUT',
      url: path,
      caller: { authenticated: true, certname: 'web01' },
      body: { bytes: 2_000_000 },
      status: 200
    },
    { method: 'GET', url: node, caller: { authenticated: false }, body: undefined, status: 403 }
  ])
  t.equal(master.requestCount, 2)
})

t.test('killed, it is gone at once; restarted, it is back on its port with free JRubies', async t => {
  const master = await start(t, { jrubies: 1 })
  master.hold()
  const cut = t.rejects(ask(master, catalog, { method: 'POST', headers }), { code: 'ECONNRESET' })
  await master.until(({ held }) => held === 1)
  await master.kill()
  await cut
  t.equal(master.running, 0)
  await t.rejects(ask(master, node, { headers }), { code: 'ECONNREFUSED' })
  await master.restart()
  master.release()
  t.equal((await ask(master, catalog, { method: 'POST', headers })).status, 200)
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
  master.calm()
  t.equal((await version('8.10.0')).status, 200)
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

t.test('code that differs makes files that differ', async t => {
  const checksum = async (codeVersion: string) => {
    const master = await start(t, { codeVersion })
    const { text } = await ask(master, '/puppet/v3/file_metadata/modules/app/a?environment=a', { headers })
    return JSON.parse(text).checksum.value
  }
  const before = await checksum('1')
  t.equal(await checksum('1'), before)
  t.not(await checksum('2'), before)
})

t.test('a catalog tells what the master took its agent for', async t => {
  const master = await start(t)
  const { text } = await ask(master, catalog, { method: 'POST', headers })
  const { resources } = JSON.parse(text) as {
    resources: { title: string; parameters: { message: string } }[]
  }
  const trusted = resources.find(({ title }) => title === 'trusted')
  t.match(JSON.parse(trusted?.parameters.message ?? ''), { certname: 'web01', extensions: {} })
})

t.test('JSON is compressed for those who accept it, when Jetty would', async t => {
  const master = await start(t)
  const facts = encodeURIComponent(JSON.stringify({ values: { demo_files: 20 } }))
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const compile = { method: 'POST', body: new URLSearchParams({ facts }).toString() }
  const accepting = { ...headers, 'Accept-Encoding': 'gzip;q=1.0,identity;q=0.3' }
  const large = await ask(master, catalog, { ...compile, headers: { ...accepting, ...form } })
  t.equal(large.headers['content-encoding'], 'gzip')
  const plain = await ask(master, catalog, { ...compile, headers: { ...headers, ...form } })
  t.notOk('content-encoding' in plain.headers)
  t.equal(JSON.parse(plain.text).resources.length, 21)
  t.notOk('content-encoding' in (await ask(master, node, { headers: accepting })).headers)
})
