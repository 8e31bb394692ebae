import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { generateKeyPair } from '../../src/pki/key-pair.ts'
import { bootstrapAgent } from '../../src/simulation/agent-bootstrap.ts'
import type { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import type { SimulatedMasterOptions } from '../../src/simulation/master-options.ts'
import { readTrustedExtensions } from '../../src/simulation/puppet-extensions.ts'
import { type AgentRunOptions, runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { type Front, startFront, type Treatment } from './front.ts'
import { steppingRuntime } from './stepping-runtime.ts'

const authority = await createAuthority()
const server = await authority.issue({ certname: 'master.example.com', altNames: ['puppet'] })
const web01 = await authority.issue({ certname: 'web01', extensions: { pp_role: 'web' } })

async function startMaster(t: Test, options: Partial<SimulatedMasterOptions> = {}): Promise<SimulatedMaster> {
  const master = await startSimulatedMaster({ name: 'master-1', ...options })
  t.teardown(master.close)
  return master
}

/** A master behind something that ends TLS, and whatever `instead` says in its place. */
async function start(
  t: Test,
  options: Partial<SimulatedMasterOptions> = {},
  instead: (url: string) => Treatment | undefined = () => undefined
): Promise<{ readonly master: SimulatedMaster; readonly front: Front }> {
  const master = await startMaster(t, options)
  const front = await startFront(t, { authority, server }, ({ url = '' }) => instead(url) ?? master)
  return { master, front }
}

/** `web01`, whatever stands at that port. */
function agent({ port }: Front, options: Partial<AgentRunOptions> = {}): AgentRunOptions {
  return {
    host: '127.0.0.1',
    port,
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
  const { front } = await start(t)
  const run = await runAgent(agent(front, { files: 1 }))
  t.equal(run.failure, undefined)
  t.match(run, { exitStatus: 2, connections: 1 })
  t.same(paths(run.requests), [
    'GET /puppet/v3/node/web01',
    'GET /puppet/v3/file_metadatas/plugins',
    'GET /puppet/v3/file_metadatas/pluginfacts',
    'GET /puppet/v3/file_metadatas/plugins',
    'GET /puppet/v3/file_content/plugins/lib/facter/demo_0.rb',
    'GET /puppet/v3/file_content/plugins/lib/facter/demo_1.rb',
    'GET /puppet/v3/file_content/plugins/lib/facter/demo_2.rb',
    'POST /puppet/v3/catalog/web01',
    'GET /puppet/v3/file_metadata/modules/app/file-0',
    'GET /puppet/v3/file_content/modules/app/file-0',
    'PUT /puppet/v3/report/web01'
  ])
})

t.test('a run with nothing to do ends with 0 after six requests', async t => {
  const { front } = await start(t)
  const disk = new Map()
  t.equal((await runAgent(agent(front, { disk, files: 0 }))).exitStatus, 2)
  const second = await runAgent(agent(front, { disk, files: 0 }))
  t.equal(second.exitStatus, 0)
  t.equal(second.requests.length, 6)
})

t.test('facts say how many files the catalog has', async t => {
  const { front } = await start(t)
  const { exitStatus, requests } = await runAgent(agent(front, { files: 20 }))
  t.equal(exitStatus, 2)
  t.equal(requests.filter(({ path }) => path.includes('/file_metadata/')).length, 20)
})

t.test('facts and report are as long as those of a small host', async t => {
  const { master, front } = await start(t)
  await runAgent(agent(front, { files: 0 }))
  const [catalog, report] = master.requests.slice(-2)
  t.ok((catalog?.body?.bytes ?? 0) > 10_000)
  t.equal(report?.body?.bytes, 7_000)
})

t.test('a connection that idled for more than four seconds is left behind', async t => {
  const { front } = await start(t)
  const connections = async (gapMs: number) => {
    let nowMs = 0
    const now = () => {
      nowMs += gapMs
      return nowMs
    }
    return (await runAgent(agent(front, { files: 0, runtime: { ...steppingRuntime(), now } }))).connections
  }
  t.equal(await connections(4_000), 1)
  t.equal(await connections(4_001), 9, 'one for each request')
})

t.test('an agent shows its certificate, and may ask for itself only', async t => {
  const { front } = await start(t)
  const run = await runAgent(agent(front, { certname: 'web02' }))
  t.match(run, { exitStatus: 1, failure: { status: 403, path: /\/node\/web02/ } })
  t.same(front.connections, ['web01'])
})

t.test('a client certificate of another CA is not let in', async t => {
  const { master, front } = await start(t)
  const identity = await (await createAuthority()).issue({ certname: 'web01' })
  t.match(await runAgent(agent(front, { identity })), { exitStatus: 1, failure: { status: undefined } })
  t.equal(master.requestCount, 0)
})

t.test('an agent checks who answers', async t => {
  const { front } = await start(t)
  t.match(await runAgent(agent(front, { servername: 'other' })), {
    exitStatus: 1,
    failure: { message: /altnames|Hostname/ }
  })
  const { bundle } = await createAuthority()
  t.match(await runAgent(agent(front, { ca: bundle })), { exitStatus: 1, failure: { status: undefined } })
  const crl = await authority.crl({ revoked: [server.serial] })
  t.match(await runAgent(agent(front, { crl })), { exitStatus: 1, failure: { message: /revoked/ } })
  t.match(await runAgent(agent(front, { crl: await authority.crl() })), { exitStatus: 2 })
})

/** Answers 503 to the first `times` requests for a catalog. */
function busyFor(times: number, retryAfter: string): (url: string) => Treatment | undefined {
  let left = times
  return url => {
    if (!url.includes('/catalog/') || left === 0) return undefined
    left--
    return (_request, response) => response.writeHead(503, { 'Retry-After': retryAfter }).end('later')
  }
}

t.test('told to come back later, it does, on a new connection', async t => {
  const runtime = steppingRuntime()
  const { front } = await start(t, {}, busyFor(2, '60'))
  const run = await runAgent(agent(front, { runtime }))
  t.match(run, { exitStatus: 2, connections: 3 })
  t.ok(runtime.now() >= 120_000)
})

t.test(
  'agents of 6.14 to 7.25 and 8.0 to 8.1 sleep and then fail, those before 5.3.1 do not even sleep',
  async t => {
    for (const [version, sleptMs, end] of [
      ['8.10.0', 60_000, { exitStatus: 2 }],
      ['8.1.0', 60_000, { exitStatus: 1, failure: { message: /read body out of block/ } }],
      ['7.26.0', 60_000, { exitStatus: 2 }],
      ['7.23.0', 60_000, { exitStatus: 1, failure: { message: /read body out of block/ } }],
      ['6.14.0', 60_000, { exitStatus: 1, failure: { message: /read body out of block/ } }],
      ['6.13.0', 60_000, { exitStatus: 2 }],
      ['5.3.1', 60_000, { exitStatus: 2 }],
      ['4.10.12', 0, { exitStatus: 1, failure: { status: 503 } }],
      ['none', 0, { exitStatus: 1, failure: { status: 503 } }]
    ] as const) {
      const runtime = steppingRuntime()
      const { front } = await start(t, {}, busyFor(1, '60'))
      t.match(await runAgent(agent(front, { runtime, version, files: 0 })), end, version)
      t.equal(runtime.now() >= 60_000, sleptMs > 0, `${version} sleeps or not`)
    }
  }
)

t.test('it says its version with every request, but before 6 not at the content of files', async t => {
  const hides = async (version: string) => {
    const master = await startMaster(t)
    const asked: IncomingMessage[] = []
    const front = await startFront(t, { authority, server }, request => {
      asked.push(request)
      return master
    })
    await runAgent(agent(front, { version }))
    const silent = asked.filter(({ headers }) => headers['x-puppet-version'] === undefined)
    t.ok(silent.length < asked.length)
    return silent.map(({ url }) => url?.includes('/file_content/'))
  }
  t.same(await hides('6.0.0'), [])
  const hidden = await hides('5.5.22')
  t.ok(hidden.length > 0)
  t.ok(hidden.every(isContent => isContent))
})

t.test('before 6.14 it comes back ten times at most, and not for what it cannot read', async t => {
  const runtime = steppingRuntime()
  const { front } = await start(t, {}, busyFor(11, '1'))
  t.match(await runAgent(agent(front, { runtime, version: '6.13.0' })), {
    exitStatus: 1,
    connections: 11,
    failure: { status: 503 }
  })
  t.equal(runtime.now(), 10_000)
  const { front: vague } = await start(t, {}, busyFor(1, '1.5'))
  t.match(await runAgent(agent(vague, { runtime })), { exitStatus: 1, failure: { status: 503 } })
  t.equal(runtime.now(), 10_000)
})

t.test('nothing is repeated after a reset', async t => {
  let catalogs = 0
  const { front } = await start(t, {}, url => {
    if (!url.includes('/catalog/')) return undefined
    catalogs++
    return ({ socket }) => socket.destroy()
  })
  t.match(await runAgent(agent(front)), { exitStatus: 1, failure: { method: 'POST', status: undefined } })
  t.equal(catalogs, 1)
})

t.test('metadata of one code and content of another is a hard error', async t => {
  const newer = await startMaster(t, { codeVersion: '2' })
  const { front } = await start(t, {}, url => {
    return url.includes('/file_content/modules/') ? newer : undefined
  })
  t.match(await runAgent(agent(front)), {
    exitStatus: 1,
    failure: { message: /did not match desired checksum/ }
  })
})

t.test('a stopped agent hangs up where it is', async t => {
  const { master, front } = await start(t)
  const stop = new AbortController()
  master.hold()
  const running = runAgent(agent(front, { signal: stop.signal }))
  await master.until(({ held }) => held === 1)
  stop.abort()
  t.match(await running, { exitStatus: 1, failure: { status: undefined } })
})

t.test('an agent with nothing enrols, and runs with what it got', async t => {
  const { front } = await start(t, { ca: authority })
  const runtime = steppingRuntime()
  const place = { host: '127.0.0.1', port: front.port, servername: 'puppet', certname: 'new01', runtime }
  const what = { keys: await generateKeyPair('ec'), extensions: { pp_role: 'db' } }
  const { identity, ca, crl, requests } = await bootstrapAgent({ ...place, ...what })
  t.same(paths(requests), [
    'GET /puppet-ca/v1/certificate/ca',
    'GET /puppet-ca/v1/certificate_revocation_list/ca',
    'PUT /puppet-ca/v1/certificate_request/new01',
    'GET /puppet-ca/v1/certificate/new01'
  ])
  t.notOk(
    front.connections.some(name => name !== undefined),
    'without a certificate'
  )
  t.equal(ca, authority.bundle)
  t.same(readTrustedExtensions(identity.cert), { pp_role: 'db' })
  const run = await runAgent({ ...place, identity, ca, crl })
  t.match(run, { exitStatus: 2, failure: undefined })

  const again = await bootstrapAgent({ ...place, ...what })
  t.equal(again.identity.cert, identity.cert, 'asked again, the CA has the certificate of these keys')
})

t.test('a CA that refuses is a failure', async t => {
  const { front } = await start(t)
  const enrolling = bootstrapAgent({
    host: '127.0.0.1',
    port: front.port,
    servername: 'puppet',
    certname: 'new03',
    keys: await generateKeyPair('ec'),
    extensions: {},
    runtime: steppingRuntime()
  })
  const error = await enrolling.then(
    () => undefined,
    (error: AgentRequestError) => error
  )
  t.match(error, { status: 404, path: '/puppet-ca/v1/certificate/ca' })
})
