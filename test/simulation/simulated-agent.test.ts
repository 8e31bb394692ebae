import t, { type Test } from 'tap'
import { bootstrapAgent } from '../../src/simulation/agent-bootstrap.ts'
import type { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import type { SimulatedMasterOptions } from '../../src/simulation/master-options.ts'
import { type AgentRunOptions, runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { identityHeaders } from './ask.ts'
import { steppingRuntime } from './stepping-runtime.ts'

const authority = await createAuthority()
const server = await authority.issue({ certname: 'master.example.com', altNames: ['puppet'] })
const web01 = await authority.issue({ certname: 'web01', extensions: { pp_role: 'web' } })
const tls = { cert: server.chain, key: server.key, ca: authority.bundle, requestCert: true }

async function start(t: Test, options: Partial<SimulatedMasterOptions> = {}): Promise<SimulatedMaster> {
  const master = await startSimulatedMaster({ name: 'master-1', trustPeer: true, tls, ...options })
  t.teardown(master.close)
  return master
}

/** `web01`, straight to a master that takes identity from the TLS peer. */
function agent(master: SimulatedMaster, options: Partial<AgentRunOptions> = {}): AgentRunOptions {
  return {
    host: '127.0.0.1',
    port: master.port,
    servername: 'puppet',
    certname: 'web01',
    identity: web01,
    ca: authority.bundle,
    ...options
  }
}

const paths = (requests: readonly { method: string; path: string }[]) =>
  requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`)

t.test('a first run brings plugins and files, over one connection', async t => {
  const master = await start(t, { plugins: 1, files: 1 })
  const run = await runAgent(agent(master))
  t.equal(run.failure, undefined)
  t.match(run, { exitStatus: 2, connections: 1, changes: 2 })
  t.same(paths(run.requests), [
    'GET /puppet/v3/node/web01',
    'GET /puppet/v3/file_metadatas/plugins',
    'GET /puppet/v3/file_metadatas/pluginfacts',
    'GET /puppet/v3/file_metadatas/plugins',
    'GET /puppet/v3/file_content/plugins/lib/facter/demo_0.rb',
    'POST /puppet/v3/catalog/web01',
    'GET /puppet/v3/file_metadata/modules/app/file-0',
    'GET /puppet/v3/file_content/modules/app/file-0',
    'PUT /puppet/v3/report/web01'
  ])
})

t.test('a run with nothing to do ends with 0 after six requests', async t => {
  const master = await start(t)
  const disk = new Map()
  t.equal((await runAgent(agent(master, { disk, files: 0 }))).exitStatus, 2)
  const second = await runAgent(agent(master, { disk, files: 0 }))
  t.match(second, { exitStatus: 0, changes: 0 })
  t.equal(second.requests.length, 6)
})

t.test('facts say how many files the catalog has', async t => {
  const master = await start(t)
  const run = await runAgent(agent(master, { files: 119, fetch: 'never' }))
  t.equal(run.requests.length, 125)
  t.equal(run.exitStatus, 0)
})

t.test('a static catalog saves the metadata requests', async t => {
  const master = await start(t, { plugins: 0, files: 2 })
  const run = await runAgent(agent(master, { staticCatalog: true }))
  t.equal(run.exitStatus, 2)
  t.same(
    paths(run.requests).slice(4, -1),
    [
      'POST /puppet/v3/catalog/web01',
      'GET /puppet/v3/static_file_content/modules/app/file-0',
      'GET /puppet/v3/static_file_content/modules/app/file-1'
    ].slice(0, 3)
  )
})

t.test('trusted facts of the certificate are in the catalog', async t => {
  const { catalog } = await runAgent(agent(await start(t)))
  const trusted = catalog?.resources.find(({ title }) => title === 'trusted')
  t.match(JSON.parse(String(trusted?.parameters.message)), {
    certname: 'web01',
    extensions: { pp_role: 'web' }
  })
})

t.test('sizes are as ordered', async t => {
  const master = await start(t, { catalogPadding: 200_000, files: 0 })
  const run = await runAgent(agent(master, { factsBytes: 50_000, reportBytes: 300_000 }))
  t.equal(run.exitStatus, 2)
  const [catalog, report] = master.requests.slice(-2)
  t.ok((catalog?.body?.bytes ?? 0) >= 50_000)
  t.equal(report?.body?.bytes, 300_000)
  t.ok((run.requests.at(-2)?.bytes ?? 0) >= 200_000)
})

t.test('an agent of Puppet 3 asks in its own spelling, and opens a connection for each request', async t => {
  const master = await start(t, { plugins: 0, files: 1 })
  const run = await runAgent(agent(master, { version: '3.6.2' }))
  t.equal(run.failure, undefined)
  t.same(paths(run.requests), [
    'GET /production/node/web01',
    'GET /production/file_metadatas/pluginfacts',
    'GET /production/file_metadatas/plugins',
    'POST /production/catalog/web01',
    'GET /production/file_metadata/modules/app/file-0',
    'GET /production/file_content/modules/app/file-0',
    'PUT /production/report/web01'
  ])
  t.equal(run.connections, 7)
  t.notOk(
    master.requests.some(({ resumed }) => resumed),
    'each with a handshake of its own'
  )
})

t.test('a connection that idled for more than four seconds is left behind', async t => {
  const runtime = steppingRuntime()
  const master = await start(t)
  const run = await runAgent(agent(master, { runtime, factsMs: 5_000 }))
  t.equal(run.exitStatus, 2)
  t.equal(run.connections, 2)
})

t.test('identity headers make do where the master stands behind a balancer', async t => {
  const master = await startSimulatedMaster({ name: 'master-1' })
  t.teardown(master.close)
  const plain = { host: '127.0.0.1', port: master.port, certname: 'web01' }
  const headers = identityHeaders('web01', web01)
  t.match(await runAgent({ ...plain, headers }), { exitStatus: 2, failure: undefined })
  t.match(await runAgent(plain), { exitStatus: 1, failure: { status: 403, path: /\/node\/web01/ } })
})

t.test('headers are nothing to a master that trusts its TLS peer', async t => {
  const master = await start(t)
  const headers = identityHeaders('web02', await authority.issue({ certname: 'web02' }))
  const run = await runAgent(agent(master, { certname: 'web02', headers }))
  t.match(run, { exitStatus: 1, failure: { status: 403 } })
  t.match(master.requests[0], { peer: 'web01', servername: 'puppet', caller: { certname: 'web01' } })
})

t.test('a client certificate of another CA is not let in', async t => {
  const master = await start(t)
  const identity = await (await createAuthority()).issue({ certname: 'web01' })
  t.match(await runAgent(agent(master, { identity })), { exitStatus: 1, failure: { status: undefined } })
  t.equal(master.requestCount, 0)
})

t.test('an agent checks who answers', async t => {
  const master = await start(t)
  t.match(await runAgent(agent(master, { servername: 'other' })), {
    exitStatus: 1,
    failure: { message: /altnames|Hostname/ }
  })
  const { bundle } = await createAuthority()
  t.match(await runAgent(agent(master, { ca: bundle })), { exitStatus: 1, failure: { status: undefined } })
  const crl = await authority.crl({ revoked: [server.serial] })
  t.match(await runAgent(agent(master, { crl })), { exitStatus: 1, failure: { message: /revoked/ } })
  t.match(await runAgent(agent(master, { crl: await authority.crl() })), { exitStatus: 2 })
})

t.test('told to come back later, it does, on a new connection', async t => {
  const runtime = steppingRuntime()
  const master = await start(t)
  const busy = { kind: 'answer', status: 503, headers: { 'Retry-After': '60' } } as const
  master.failNext(busy, { times: 2, matching: ({ url }) => url.includes('/catalog/') })
  const run = await runAgent(agent(master, { runtime }))
  t.equal(run.exitStatus, 2)
  t.match(
    run.requests.find(({ method }) => method === 'POST'),
    { status: 200, sleeps: 2, connection: 3 }
  )
  t.ok(runtime.now() >= 120_000)
})

t.test('it does not come back for ever, nor for what it cannot read, nor when it is old', async t => {
  const runtime = steppingRuntime()
  const master = await start(t)
  const busy = (retryAfter: string) =>
    ({ kind: 'answer', status: 503, headers: { 'Retry-After': retryAfter } }) as const
  master.failNext(busy('1'), { times: 4 })
  t.match(await runAgent(agent(master, { runtime, maxSleeps: 3 })), {
    exitStatus: 1,
    failure: { status: 503 }
  })
  t.equal(master.requestCount, 4)
  for (const [retryAfter, version] of [
    ['1.5', '8.10.0'],
    ['1', '5.2.0']
  ] as const) {
    master.forgetRequests()
    master.failNext(busy(retryAfter))
    t.match(await runAgent(agent(master, { runtime, version })), { exitStatus: 1, failure: { status: 503 } })
    t.equal(master.requestCount, 1)
  }
})

t.test('nothing is repeated after a reset', async t => {
  const master = await start(t)
  master.failNext({ kind: 'reset', after: 'body' }, { matching: ({ method }) => method === 'POST' })
  const run = await runAgent(agent(master))
  t.match(run, { exitStatus: 1, failure: { method: 'POST', status: undefined } })
  t.equal(master.requests.filter(({ method }) => method === 'POST').length, 1)
})

t.test('metadata of one code and content of another is a hard error', async t => {
  const master = await start(t, { plugins: 0 })
  master.hold()
  const running = runAgent(agent(master, { staticCatalog: true }))
  await master.until(({ held }) => held === 1)
  master.release()
  await master.until(({ requests }) => requests.at(-1)?.method === 'POST' && requests.at(-1)?.status === 200)
  master.deploy('2')
  t.match(await running, { exitStatus: 1, failure: { message: /did not match desired checksum/ } })
})

t.test('a stopped agent hangs up where it is', async t => {
  const master = await start(t)
  const stop = new AbortController()
  master.hold()
  const running = runAgent(agent(master, { signal: stop.signal }))
  await master.until(({ held }) => held === 1)
  stop.abort()
  t.match(await running, { exitStatus: 1 })
  await master.until(({ requests }) => requests.at(-1)?.aborted === true)
})

t.test('an agent with nothing enrols, and runs with what it got', async t => {
  const master = await start(t, { ca: authority })
  const place = { host: '127.0.0.1', port: master.port, servername: 'puppet', certname: 'new01' }
  const { identity, ca, crl, requests } = await bootstrapAgent({ ...place, extensions: { pp_role: 'db' } })
  t.same(paths(requests), [
    'GET /puppet-ca/v1/certificate/ca',
    'GET /puppet-ca/v1/certificate_revocation_list/ca',
    'PUT /puppet-ca/v1/certificate_request/new01',
    'GET /puppet-ca/v1/certificate/new01'
  ])
  t.ok(
    master.requests.every(({ peer }) => peer === undefined),
    'without a certificate of its own'
  )
  t.same(
    master.requests.map(({ connection }) => connection),
    [1, 2, 3, 3]
  )
  t.equal(ca, authority.bundle)
  const run = await runAgent({ ...place, identity, ca, crl })
  t.equal(run.failure, undefined)
  t.match(JSON.stringify(run.catalog), /pp_role.*db/)
})

t.test('an agent of Puppet 3 enrols at the old URLs', async t => {
  const master = await start(t, { ca: authority })
  const place = { host: '127.0.0.1', port: master.port, servername: 'puppet', certname: 'old01' }
  const { requests } = await bootstrapAgent({ ...place, version: '3.8.7' })
  t.same(paths(requests), [
    'GET /production/certificate/ca',
    'GET /production/certificate_revocation_list/ca',
    'PUT /production/certificate_request/old01',
    'GET /production/certificate/old01'
  ])
})

t.test('an agent waits until somebody signs its request', async t => {
  const runtime = steppingRuntime()
  const master = await start(t, { ca: authority, autosign: false })
  const { ca } = master
  const enrolling = bootstrapAgent({
    host: '127.0.0.1',
    port: master.port,
    servername: 'puppet',
    certname: 'new02',
    runtime,
    maxAttempts: 1000
  })
  await master.until(({ requests }) => requests.at(-1)?.status === 404)
  t.same(ca?.waiting(), ['new02'])
  await ca?.sign('new02')
  t.match((await enrolling).identity.cert, /BEGIN CERTIFICATE/)
  t.ok(runtime.now() >= 120_000)
})

t.test('a CA that does not sign in time is a failure', async t => {
  const master = await start(t, { ca: authority, autosign: false })
  const enrolling = bootstrapAgent({
    host: '127.0.0.1',
    port: master.port,
    servername: 'puppet',
    certname: 'new03',
    runtime: steppingRuntime(),
    maxAttempts: 2
  })
  const error = await enrolling.then(
    () => undefined,
    (error: AgentRequestError) => error
  )
  t.match(error, { status: 404, path: '/puppet-ca/v1/certificate/new03' })
})
