import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import tls from 'node:tls'
import t from 'tap'
import { ConfigError } from '../../src/config/problems.ts'
import type { Config, Settings } from '../../src/model/settings.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, type TestPki, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const named = (name: string, master: ScriptedMaster, more = {}) => ({ name, url: master.url, ...more })

/** A master that says its name with every answer. */
function startNamed(t: Test, name: string): Promise<ScriptedMaster> {
  return startScriptedMaster(t, (_request, response) =>
    response.setHeader('X-Puppet-Compiler-Name', name).end('{}')
  )
}

/** A balancer whose configuration a test changes, as if it had edited the file. */
async function startScene(
  t: Test,
  masters: Settings['masters'] | ReturnType<typeof named>[],
  used: TestPki = pki
) {
  const ca = await startNamed(t, 'ca')
  let config = testConfig(used, { ca: ca.url, masters })
  let problem: Error | undefined
  const app = await startBalancer(t, config, {
    load() {
      if (problem) throw problem
      return config
    }
  })
  return {
    app,
    ca,
    config: () => config,
    /** Edits settings and reloads. */
    reload(edit: (settings: Settings) => Partial<Settings>) {
      config = { ...config, settings: { ...config.settings, ...edit(config.settings) } }
      problem = undefined
      return app.reload()
    },
    edit(next: Config) {
      config = next
    },
    fail(error: Error) {
      problem = error
    }
  }
}

const node = { path: '/puppet/v3/node/agent.example.com?environment=production' }
const catalog = { ...node, method: 'POST', path: node.path.replace('node', 'catalog'), body: 'facts=x' }

t.test(
  'a master that is added serves, one that is removed does not, and no connection is dropped',
  async t => {
    const [a, b] = await Promise.all([startNamed(t, 'a'), startNamed(t, 'b')])
    const { app, reload } = await startScene(t, [named('a', a)])
    const agent = connectAgent(t, pki, app.port, identity)
    t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'a')
    const report = await reload(({ masters }) => ({
      masters: [...masters, { ...named('b', b), weight: 1, priority: 0 }]
    }))
    t.match(report, { ok: true, problems: [], needsRestart: [] })
    t.ok(report.changed.some(({ key }) => key.startsWith('masters.b')))
    await reload(({ masters }) => ({ masters: masters.filter(({ name }) => name === 'b') }))
    const answer = await agent.ask(catalog)
    t.equal(answer.headers['x-puppet-compiler-name'], 'b')
    t.equal(a.seen.length, 1)
    t.same(
      app
        .status()
        .masters.map(({ name, mode }) => `${name} ${mode}`)
        .filter(each => each.endsWith(' active')),
      ['b active']
    )
  }
)

t.test('a compile under way at a master that is removed ends well, and then the master is gone', async t => {
  const held: ServerResponse[] = []
  const old = await startScriptedMaster(t, (_request, response) => void held.push(response))
  const fresh = await startNamed(t, 'fresh')
  const { app, reload } = await startScene(t, [named('old', old)])
  const compiling = connectAgent(t, pki, app.port, identity).ask(catalog)
  await old.until(({ seen }) => seen.length === 1)
  await reload(() => ({ masters: [{ ...named('fresh', fresh), weight: 1, priority: 0 }] }))
  t.match(app.status().masters, [
    { name: 'fresh', mode: 'active' },
    { name: 'old', mode: 'leaving', inFlight: 1 }
  ])
  const other = await pki.authority.issue({ certname: 'other.example.com' })
  t.equal(
    (await connectAgent(t, pki, app.port, other).ask(catalog)).headers['x-puppet-compiler-name'],
    'fresh'
  )
  held[0]?.end('compiled')
  t.equal((await compiling).body, 'compiled')
})

t.test('a run stays on its master when that takes no new runs, and new runs go elsewhere', async t => {
  const [a, b] = await Promise.all([startNamed(t, 'a'), startNamed(t, 'b')])
  const { app, reload } = await startScene(t, [named('a', a), named('b', b, { weight: 0 })])
  const agent = connectAgent(t, pki, app.port, identity)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'a')
  await reload(({ masters }) => ({
    masters: masters.map(master => ({ ...master, weight: master.name === 'a' ? 0 : 1 }))
  }))
  const file = { path: '/puppet/v3/file_content/modules/app/file?environment=production' }
  t.equal((await agent.ask(file)).headers['x-puppet-compiler-name'], 'a', 'files as its catalog')
  const other = await pki.authority.issue({ certname: 'other.example.com' })
  t.equal((await connectAgent(t, pki, app.port, other).ask(catalog)).headers['x-puppet-compiler-name'], 'b')
})

t.test(
  'new handshakes show the new certificate with all the old protections, open connections stay',
  async t => {
    const a = await startNamed(t, 'a')
    const { app, reload } = await startScene(t, [named('a', a)])
    const agent = connectAgent(t, pki, app.port, identity)
    await agent.ask(node)
    const next = await pki.authority.issue({
      certname: 'next.example.com',
      altNames: ['puppet', 'localhost']
    })
    await reload(({ tls: now }) => ({
      tls: { ...now, certificates: [{ certFile: 's', keyFile: 'k', cert: next.chain, key: next.key }] }
    }))
    t.equal((await agent.ask(node)).status, 200)
    for (const worker of [0, 1, 2, 3]) {
      const socket = tls.connect({
        host: '127.0.0.1',
        port: app.port,
        servername: 'puppet',
        ca: pki.authority.bundle,
        cert: identity.chain,
        key: identity.key,
        maxVersion: 'TLSv1.2'
      })
      await once(socket, 'secureConnect')
      t.equal(socket.getPeerCertificate().subject.CN, 'next.example.com', `handshake ${worker}`)
      t.equal(socket.getTLSTicket(), undefined, 'no session ticket')
      socket.destroy()
    }
    const old = tls.connect({
      host: '127.0.0.1',
      port: app.port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.1'
    })
    const [refused] = await once(old, 'error')
    t.ok(refused, 'TLS 1.1 is still refused')
  }
)

t.test('open connections are judged again when the client CA changes', async t => {
  const a = await startNamed(t, 'a')
  const { app, reload } = await startScene(t, [named('a', a)])
  const agent = connectAgent(t, pki, app.port, identity)
  t.equal((await agent.ask(node)).status, 200)
  const stranger = await createTestPki()
  await reload(({ tls: now }) => ({ tls: { ...now, ca: `${now.ca}${stranger.authority.bundle}` } }))
  t.equal((await agent.ask(node)).status, 200, 'its CA is still there')
  const theirs = await stranger.authority.issue({ certname: 'theirs.example.com' })
  t.equal((await connectAgent(t, pki, app.port, theirs).ask(node)).status, 200, 'a new CA counts at once')
  await reload(({ tls: now }) => ({ tls: { ...now, ca: stranger.authority.bundle } }))
  const answer = await agent.ask(node)
  t.equal(answer.status, 403)
  t.match(answer.body, /not issued by the Puppet CA/)
  await reload(({ tls: now }) => ({ tls: { ...now, ca: pki.authority.bundle } }))
  t.equal((await agent.ask(node)).status, 200, 'who was refused is not for as long as its connection lasts')
})

t.test('a file that cannot be used changes nothing and says so', async t => {
  const a = await startNamed(t, 'a')
  const { app, fail } = await startScene(t, [named('a', a)])
  fail(new ConfigError([{ where: 'lb.yaml:3:1', key: 'masters', text: 'is wrong' }]))
  const report = await app.reload()
  t.match(report, { ok: false, problems: ['lb.yaml:3:1 masters: is wrong'] })
  t.match(app.status().reload, { ok: false, problems: ['lb.yaml:3:1 masters: is wrong'] })
  t.equal((await connectAgent(t, pki, app.port, identity).ask(node)).status, 200)
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_config_last_reload_success'), 0)
  t.equal(metrics.value('puppet_lb_config_reloads_total', { result: 'failure' }), 1)
})

t.test('a boot key that changed is named, and the rest is applied', async t => {
  const [a, b] = await Promise.all([startNamed(t, 'a'), startNamed(t, 'b')])
  const { app, config, edit } = await startScene(t, [named('a', a)])
  const now = config()
  edit({
    ...now,
    boot: { ...now.boot, listen: { ...now.boot.listen, port: 9999 } },
    settings: { ...now.settings, masters: [{ ...named('b', b), weight: 1, priority: 0 }] }
  })
  t.match(await app.reload(), { ok: true, needsRestart: ['listen.port'] })
  const agent = connectAgent(t, pki, app.port, identity)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'b')
  await app.reload()
  t.match(app.status().reload.needsRestart, ['listen.port'], 'as long as it differs from what runs')
})

t.test('the CA may move, and what it was asked before still ends well', async t => {
  const a = await startNamed(t, 'a')
  const { app, reload } = await startScene(t, [named('a', a)])
  const moved = await startNamed(t, 'moved')
  const agent = connectAgent(t, pki, app.port)
  const crl = { path: '/puppet-ca/v1/certificate_revocation_list/ca' }
  t.equal((await agent.ask(crl)).headers['x-puppet-compiler-name'], 'ca')
  await reload(() => ({ ca: { url: moved.url } }))
  t.equal((await agent.ask(crl)).headers['x-puppet-compiler-name'], 'moved')
})

t.test('a policy, an administrator and a limit are taken at once', async t => {
  const a = await startNamed(t, 'a')
  const { app, reload } = await startScene(t, [named('a', a)])
  const agent = connectAgent(t, pki, app.port, identity)
  const restricted = { path: '/puppet-admin-api/v1/x' }
  t.equal((await agent.ask(restricted)).status, 403)
  await reload(() => ({
    access: { administrators: ['agent.example.com'], withoutCertificate: 'forward' },
    balance: { policy: 'round-robin', affinity: 'none' }
  }))
  t.equal((await agent.ask(restricted)).status, 200)
})

t.test('weights and order of a round robin go on over a reload that changes something else', async t => {
  const names = ['a', 'b', 'c']
  const all = await Promise.all(names.map(name => startNamed(t, name)))
  const { app, reload } = await startScene(
    t,
    names.map((name, index) => named(name, all[index] as ScriptedMaster))
  )
  await reload(() => ({ balance: { policy: 'round-robin', affinity: 'none' } }))
  const agent = connectAgent(t, pki, app.port, identity)
  const order: unknown[] = []
  for (let turn = 0; turn < 9; turn++) {
    order.push((await agent.ask(node)).headers['x-puppet-compiler-name'])
    await reload(() => ({ queue: { limit: 100 + turn, timeoutMs: 60_000, shedAboveMs: 60_000 } }))
  }
  t.same(order, ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c'])
})
