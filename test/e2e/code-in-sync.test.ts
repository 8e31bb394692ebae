import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { CodeStatus } from '../../src/model/code.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
/** A catalog of a master and environment is looked at so often. */
const LOOK_MS = 10_000
/** And what has not changed is told again so often. */
const TELL_MS = 60_000

/** A catalog as Puppet writes one, with more tags than fit a packet. */
function catalog(environment: string, version: string | number, codeId: string | null = null): string {
  return JSON.stringify({
    tags: Array.from({ length: 2_000 }, (_, index) => `profile::"${index}"`),
    name: 'agent.example.com',
    version,
    code_id: codeId,
    catalog_uuid: '2a2e0ee0-5a3d-4c4e-8c43-6f1f0a2b6a11',
    catalog_format: 2,
    environment,
    resources: [{ type: 'Notify', title: 'version', parameters: { version: 'not this one', environment } }],
    edges: [],
    classes: ['settings']
  })
}

/** Two masters that take turns, what each serves, and a balancer whose clock the test moves. */
async function startScene(t: Test, { workers, runtime }: { workers?: number; runtime?: Runtime }) {
  const versions = { a: 'v1' as string | number, b: 'v1' as string | number }
  let isPacked = false
  const start = (name: 'a' | 'b') =>
    startScriptedMaster(t, (request, response) => {
      const environment = new URLSearchParams(request.url?.split('?')[1]).get('environment') ?? ''
      send(response, catalog(environment, versions[name]), isPacked)
    })
  const [a, b] = [await start('a'), await start('b')]
  const config = testConfig(
    pki,
    {
      ca: a.url,
      masters: [
        { name: 'a', url: a.url },
        { name: 'b', url: b.url }
      ]
    },
    {
      ...(workers !== undefined && { listen: { workers } }),
      balance: { policy: 'round-robin', affinity: 'none' },
      health: { intervalMs: 3_600_000 }
    }
  )
  const app = await startBalancer(t, config, runtime && { runtime })
  const operator = operatorOf(app)
  const agent = connectAgent(t, pki, app.port, identity)
  const code = async (environment = 'production') =>
    (await operator.status()).code.find(each => each.environment === environment)
  return {
    app,
    operator,
    versions,
    code,
    pack() {
      isPacked = true
    },
    /** One catalog of each master, in turn. */
    async runs(environment = 'production') {
      const path = `/puppet/v3/catalog/agent.example.com?environment=${environment}`
      return [await agent.ask({ path }), await agent.ask({ path })]
    },
    /** Resolves with what is known once that is so. */
    async comesTo(isSo: (status: CodeStatus | undefined) => boolean, environment?: string) {
      for (;;) {
        const status = await code(environment)
        if (isSo(status)) return status as CodeStatus
      }
    }
  }
}

function send(response: ServerResponse, body: string, isPacked: boolean): void {
  if (isPacked) response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body))
  else response.writeHead(200).end(body)
}

const served = (status: CodeStatus | undefined) =>
  (status?.masters ?? []).map(({ name, version }) => `${name} ${version}`)

t.test('what masters serve is seen in catalogs that pass, and when they differ', async t => {
  const runtime = fakeRuntime()
  const { app, operator, versions, runs, comesTo, pack } = await startScene(t, { runtime })
  const deploy = async (next: Partial<typeof versions>) => {
    Object.assign(versions, next)
    await runtime.advance(LOOK_MS)
    await runs()
  }
  /** Who still serves what it did is told as well by then. */
  const goOn = async () => {
    await runtime.advance(TELL_MS)
    await runs()
  }

  await runs()
  const first = await comesTo(status => served(status).length === 2)
  t.same(served(first), ['a v1', 'b v1'])
  t.match(first, { versions: 1, differsSince: null })

  await t.test('one of them has new code, in catalogs that are packed', async t => {
    pack()
    await deploy({ b: 'v2' })
    await comesTo(status => served(status).includes('b v2'))
    t.match(await comesTo(() => true), { versions: 1 }, 'which may be on its way to the other one')
    await goOn()
    const differs = await comesTo(status => status?.versions === 2)
    t.same(served(differs), ['a v1', 'b v2'])
    t.equal(differs.differsSince, differs.masters[1]?.since, 'since the second one came')
    const { value } = await scrape(app.adminPort)
    t.equal(value('puppet_lb_code_versions', { environment: 'production' }), 2)
    t.equal(
      value('puppet_lb_code_differs_since_timestamp_seconds', { environment: 'production' }),
      Date.parse(differs.differsSince as string) / 1000
    )
    const { out } = await operator.run('status')
    t.match(
      out,
      /^code: +environment +version +last seen +masters\n +production +v1 .* a\n +production +v2 .* b\n/m
    )
    t.match(out, /MASTERS DIFFER: 2 versions of production since 2026-01-01T/)
  })

  await t.test('the other one follows', async t => {
    await deploy({ a: 'v2' })
    t.match(await comesTo(status => status?.versions === 1), { differsSince: null })
    const { text } = await scrape(app.adminPort)
    t.match(text, /^puppet_lb_code_versions\{environment="production"\} 1$/m)
    t.notMatch(text, /^puppet_lb_code_differs_since_timestamp_seconds\{/m)
    t.same(
      (await operator.events()).filter(kind => kind === 'code'),
      ['code', 'code'],
      'both are told as events'
    )
  })

  await t.test('within ten seconds nothing more is looked at', async t => {
    Object.assign(versions, { a: 'v3', b: 'v3' })
    await runs()
    await runs('other')
    // What is seen is told in its order, and of another environment it was.
    t.same(served(await comesTo(status => served(status).length === 2, 'other')), ['a v3', 'b v3'])
    t.same(served(await comesTo(() => true)), ['a v2', 'b v2'])
  })

  await t.test('the time of the compile in place of a version means that it is not known', async t => {
    await deploy({ a: 1_764_000_000, b: '1764000003' })
    const unknown = await comesTo(status => status?.versions === 0)
    t.same(served(unknown), ['a null', 'b null'])
    t.notMatch((await scrape(app.adminPort)).text, /code_versions\{environment="production"\}/)
    t.match((await operator.run('status')).out, / production +unknown .* a, b\n/)
  })

  await t.test('a master that takes no new runs is left out', async t => {
    await deploy({ a: 'v4', b: 'v5' })
    await goOn()
    await comesTo(status => status?.versions === 2)
    t.equal((await operator.run('drain', 'a')).code, 0)
    t.match(await comesTo(() => true), { versions: 1, differsSince: null, masters: [{ name: 'b' }] })
  })
})

t.test('worker threads tell it, and every byte of the catalog goes on as it was', async t => {
  const { runs, comesTo, pack } = await startScene(t, { workers: 2 })
  for (const packed of [false, true]) {
    if (packed) pack()
    for (const { bytes, headers } of await runs(packed ? 'packed' : 'plain')) {
      const whole = catalog(packed ? 'packed' : 'plain', 'v1')
      t.ok(bytes.equals(packed ? gzipSync(whole) : Buffer.from(whole)))
      t.equal(headers['content-encoding'], packed ? 'gzip' : undefined)
    }
  }
  for (const environment of ['plain', 'packed'])
    t.same(served(await comesTo(status => served(status).length === 2, environment)), ['a v1', 'b v1'])
})
