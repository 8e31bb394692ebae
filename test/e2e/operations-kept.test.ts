import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Config, Settings } from '../../src/model/settings.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()

async function configOf(t: Test, directory?: string): Promise<Config> {
  const start = (name: string) => startScriptedMaster(t, (_request, response) => response.end(name))
  const [a, b, ca] = await Promise.all(['a', 'b', 'ca'].map(start))
  const masters = [
    { name: 'a', url: a?.url ?? '', weight: 75 },
    { name: 'b', url: b?.url ?? '' }
  ]
  return testConfig(pki, { ca: ca?.url ?? '', masters }, { state: { directory } })
}

/** A balancer whose configuration a test changes. */
async function startScene(t: Test, directory?: string) {
  let config = await configOf(t, directory)
  const app = await startBalancer(t, config, { load: () => config })
  return {
    app,
    operator: operatorOf(app),
    reload(edit: (settings: Settings) => Partial<Settings> = () => ({})) {
      config = { ...config, settings: { ...config.settings, ...edit(config.settings) } }
      return app.reload()
    }
  }
}

t.test('what operators said stays over reloads, and a reload says so', async t => {
  const { operator, reload } = await startScene(t)
  await operator.run('drain', 'a', '--wait')
  await operator.run('weight', 'b', '5')
  t.match(await reload(({ masters }) => ({ masters: masters.map(each => ({ ...each, weight: 10 })) })), {
    ok: true,
    warnings: [
      'a is draining, as an operator said',
      'b has the weight 5, as an operator said; the weight 10 is configured'
    ]
  })
  t.match(await operator.master('a'), { mode: 'drained', weight: 10, configuredWeight: 10 })
  t.match(await operator.master('b'), { mode: 'active', weight: 5, configuredWeight: 10 })
  t.match(await operator.run('status'), { out: /b +up +active +0 +\d+ +5 \(configured: 10\)/ })
  await operator.run('weight', 'b', 'default')
  t.match(await operator.master('b'), { weight: 10, configuredWeight: 10 })
})

t.test('a name that the file names no more is forgotten, and that is told', async t => {
  const { operator, reload } = await startScene(t)
  await operator.run('maint', 'b')
  const all: Settings['masters'][] = []
  const report = await reload(({ masters }) => {
    all.push(masters)
    return { masters: masters.filter(({ name }) => name !== 'b') }
  })
  t.same(report.warnings, [
    'b is in maintenance, as an operator said: that is forgotten, for the configuration names no b any more'
  ])
  await reload(() => ({ masters: all[0] as Settings['masters'] }))
  t.match(
    (await operator.status()).masters.find(({ name, mode }) => name === 'b' && mode !== 'leaving'),
    {
      mode: 'active'
    }
  )
})

t.test('reloads and commands that come at once all have their effect', async t => {
  const { operator, reload } = await startScene(t)
  const results = await Promise.all([
    operator.run('drain', 'a'),
    reload(({ masters }) => ({ masters: masters.map(each => ({ ...each, weight: 3 })) })),
    operator.run('weight', 'b', '7'),
    operator.run('weight', 'a', '0'),
    reload(() => ({ queue: { limit: 7, timeoutMs: 60_000, shedAboveMs: 60_000 } })),
    operator.run('undrain', 'a')
  ])
  t.equal(results.filter(result => ('code' in result ? result.code === 0 : result.ok)).length, 6)
  t.match(await operator.master('a'), { mode: 'active', weight: 0, configuredWeight: 3 })
  t.match(await operator.master('b'), { mode: 'active', weight: 7, configuredWeight: 3 })
})

t.test('with a state directory it outlives a restart', async t => {
  const directory = join(t.testdir({}), 'state')
  const config = await configOf(t, directory)
  const first = await startBalancer(t, config)
  await operatorOf(first).run('maint', 'a')
  await operatorOf(first).run('weight', 'b', '5')
  t.equal((await stat(join(directory, 'overlay.json'))).mode & 0o777, 0o600)
  await first.stop()

  const second = operatorOf(await startBalancer(t, config))
  t.match(await second.master('a'), { mode: 'maint', state: 'unknown' })
  t.match(await second.master('b'), { mode: 'active', weight: 5, configuredWeight: 1 })
  await second.run('undrain', 'a')
  await second.run('weight', 'b', 'default')
  t.same(JSON.parse(await readFile(join(directory, 'overlay.json'), 'utf8')).masters, {})
})

t.test(
  'what is kept of names that are no masters is shown, counts for them later, and can be taken back',
  async t => {
    const directory = t.testdir({
      'overlay.json': '{"version":1,"masters":{"rr/192.0.2.9":{"mode":"maint"},"b":{"weight":2}}}'
    })
    const { operator } = await startScene(t, directory)
    t.same((await operator.status()).kept, [{ name: 'rr/192.0.2.9', mode: 'maint', weight: null }])
    t.match(await operator.run('status'), { out: /^absent: +rr\/192\.0\.2\.9: maint$/m })
    t.match(await operator.run('drain', 'rr'), { code: 1, err: /there is no master "rr"; there is a, b\n/ })
    t.match(await operator.run('undrain', 'rr'), {
      code: 0,
      out: 'rr/192.0.2.9 is no master now: what was said of it is forgotten\n'
    })
    t.same((await operator.status()).kept, [])
  }
)

for (const [what, content] of [
  ['half of one', '{"version":1,'],
  ['something else', '[]'],
  ['of a version that is not known', '{"version":2,"masters":{}}'],
  ['with a mode that there is not', '{"version":1,"masters":{"a":{"mode":"off"},"b":{"weight":1}}}'],
  ['with a weight that cannot be', '{"version":1,"masters":{"a":{"weight":-1}}}'],
  ['with a key that is not known', '{"version":1,"masters":{"a":{"mode":"maint","port":1}}}']
] as const)
  t.test(`a file that is ${what} is told and ignored, and written anew with the next command`, async t => {
    const directory = t.testdir({ 'overlay.json': content })
    const { log, line } = captureLog()
    const app = await startBalancer(t, await configOf(t, directory), { log })
    const { msg } = await line({ level: 'warn' })
    t.match(msg, new RegExp(`^${directory}/overlay.json is ignored, and nothing that operators said`))
    t.match(await operatorOf(app).master('a'), { mode: 'active' })
    await operatorOf(app).run('drain', 'a')
    t.same(JSON.parse(await readFile(join(directory, 'overlay.json'), 'utf8')), {
      version: 1,
      masters: { a: { mode: 'draining' } }
    })
  })

t.test('where it cannot be written the command works, and says that a restart forgets it', async t => {
  const directory = t.testdir({ state: '' })
  await writeFile(join(directory, 'state'), 'a file, no directory')
  const { operator } = await startScene(t, join(directory, 'state'))
  t.match(await operator.run('drain', 'a'), {
    code: 0,
    out: /^a drains/,
    err: /^warning: what operators said of masters cannot be kept in .*\/state \(\w+\), so it is forgotten at the next restart\n$/
  })
  t.match(await operator.master('a'), { mode: /^drain/ })
})

t.test('a start with every master in maintenance serves at once, and says that it cannot', async t => {
  const directory = t.testdir({
    'overlay.json': '{"version":1,"masters":{"a":{"mode":"maint"},"b":{"mode":"maint"}}}'
  })
  const { app, operator } = await startScene(t, directory)
  const ready = async () => (await fetch(`http://127.0.0.1:${app.adminPort}/readyz`)).text()
  t.equal(await ready(), 'no master can serve\n')
  t.match(await operator.run('undrain', 'b', '--wait'), { code: 0, err: '' })
  t.equal(await ready(), 'ready\n')
})
