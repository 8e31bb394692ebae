import t from 'tap'
import { ConfigError, type Problem } from '../../src/config/problems.ts'
import { createChangeQueue } from '../../src/control/change-queue.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import { createReload } from '../../src/control/reload.ts'
import type { Config } from '../../src/model/settings.ts'
import type { SettingChange } from '../../src/model/status.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const topology = { ca: 'https://ca:8140', masters: [{ name: 'm1', url: 'https://m1:8140' }] }

type Overrides = Parameters<typeof testConfig>[2]
const configOf = (overrides: Overrides = {}, rest: Partial<Config> = {}): Config => ({
  ...testConfig(pki, topology, overrides),
  files: ['/etc/lb.yaml'],
  ...rest
})

const wrongWeight: Problem = {
  where: '/etc/lb.yaml:3:5',
  key: 'masters[0].weight',
  text: 'must be a number'
}
const mismatch: Problem = {
  where: '/etc/lb.yaml:9:3',
  key: 'tls.key',
  text: 'does not belong to tls.cert',
  isPairMismatch: true
}

/** A reload of what `scene.load` gives; `done` is what was prepared and put in force, in its order. */
function setUp(first = configOf()) {
  const runtime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  const { log, lines } = captureLog()
  const done: string[] = []
  const watched: (readonly string[])[] = []
  const scene = {
    load: () => first,
    loads: 0,
    prepare: async () => {},
    commit: async () => {},
    lists: [] as readonly SettingChange[],
    concerns: [] as readonly string[]
  }
  const levelOf = ({ settings }: Config) => settings.log.level
  const reload = createReload({
    changes: createChangeQueue(),
    first,
    load() {
      scene.loads++
      return scene.load()
    },
    async prepare(config) {
      done.push(`prepare ${levelOf(config)}`)
      await scene.prepare()
      return {
        changed: scene.lists,
        async commit() {
          done.push(`commit ${levelOf(config)}`)
          await scene.commit()
        }
      }
    },
    concerns: () => scene.concerns,
    watchFiles: files => watched.push(files),
    runtime,
    log,
    events
  })
  const attempts: boolean[] = []
  reload.onAttempt(ok => attempts.push(ok))
  return {
    ...{ reload, runtime, scene, done, watched, attempts, lines },
    told: () => events.recent().map(({ kind, text }) => `${kind}: ${text}`),
    refuse(problems: readonly Problem[], files?: readonly string[]) {
      scene.load = () => {
        throw new ConfigError(problems, files)
      }
    }
  }
}

t.test('the start counts as a reload that went well', async t => {
  const { reload } = setUp()
  t.same(reload.status(), { at: '2026-01-01T00:00:00.000Z', ok: true, problems: [], needsRestart: [] })
})

t.test('a changed configuration is prepared, put in force and reported, key by key', async t => {
  const { reload, runtime, scene, done, attempts, told } = setUp()
  const next = configOf({ log: { level: 'debug' } })
  scene.load = () => next
  await runtime.advance(1_000)
  t.same(await reload.now(), {
    at: '2026-01-01T00:00:01.000Z',
    ok: true,
    problems: [],
    needsRestart: [],
    changed: [{ key: 'log.level', from: 'silent', to: 'debug' }],
    warnings: []
  })
  t.same(done, ['prepare debug', 'commit debug'])
  t.equal(reload.config().settings, next.settings)
  t.match(reload.status(), { at: '2026-01-01T00:00:01.000Z', ok: true })
  t.same(attempts, [true])
  t.same(told(), ['reload: the configuration is reloaded: log.level'])
})

t.test('one in which nothing has changed is taken as well: a file it names may be another one', async t => {
  const { reload, done, told } = setUp()
  t.match(await reload.now(), { ok: true, changed: [] })
  t.same(done, ['prepare silent', 'commit silent'])
  t.same(told(), ['reload: the configuration is reloaded: nothing has changed'])
})

t.test('what changes in files that it only names is reported as well', async t => {
  const { reload, scene, told } = setUp()
  scene.lists = [{ key: 'tls.crl', from: '0 revoked, number 1', to: '1 revoked, number 2' }]
  t.match(await reload.now(), { changed: scene.lists })
  t.same(told(), ['reload: the configuration is reloaded: tls.crl'])
})

t.test('a key that needs a restart is named as such, and not as changed', async t => {
  const { reload, scene } = setUp()
  scene.load = () => configOf({ listen: { port: 8141 }, log: { level: 'debug' } })
  t.match(await reload.now(), { needsRestart: ['listen.port'] })
  t.same((await reload.now()).changed, [])
  scene.load = () => configOf()
  const { changed, needsRestart } = await reload.now()
  t.same(
    changed.map(({ key }) => key),
    ['log.level']
  )
  t.same(needsRestart, [])
})

t.test('what is worth a second look in what is in force now is told', async t => {
  const { reload, scene, lines } = setUp()
  scene.load = () => configOf({ log: { level: 'debug' } }, { warnings: ['an old name'] })
  scene.concerns = ['no master can serve now']
  t.match(await reload.now(), { ok: true, warnings: ['an old name', 'no master can serve now'] })
  t.match(
    lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg),
    ['an old name', 'no master can serve now']
  )
})

t.test('it is over when all go by it', async t => {
  const { reload, runtime, scene } = setUp()
  const applied = Promise.withResolvers<void>()
  scene.commit = () => applied.promise
  let isOver = false
  const over = reload.now().then(() => {
    isOver = true
  })
  await runtime.advance(60_000)
  t.notOk(isOver)
  applied.resolve()
  await over
})

t.test('a file that cannot be used changes nothing, and says all that is wrong with it', async t => {
  const { reload, scene, done, attempts, told, refuse, lines } = setUp()
  const before = reload.config()
  refuse([wrongWeight, { ...wrongWeight, key: 'masters[1].url', text: 'must be an origin' }])
  const problems = [
    '/etc/lb.yaml:3:5 masters[0].weight: must be a number',
    '/etc/lb.yaml:3:5 masters[1].url: must be an origin'
  ]
  t.match(await reload.now(), { ok: false, problems, changed: [] })
  t.match(reload.status(), { ok: false, problems })
  t.equal(reload.config(), before)
  t.same(done, [])
  t.same(attempts, [false])
  t.match(told(), [/^reload-refused: .*must be a number; .*must be an origin/])
  t.match(lines.at(-1), { level: 'error', problems })
  scene.load = () => configOf()
  t.match(await reload.now(), { ok: true, problems: [] })
  t.same(attempts, [false, true], 'and once it is mended all is well')
})

t.test('what cannot be prepared changes nothing either', async t => {
  const { reload, scene, done, attempts } = setUp()
  scene.load = () => configOf({ log: { level: 'debug' } })
  scene.prepare = async () => {
    throw new Error('no room for 3 more masters')
  }
  t.match(await reload.now(), { ok: false, problems: ['no room for 3 more masters'] })
  t.same(done, ['prepare debug'])
  t.equal(reload.config().settings.log.level, 'silent')
  t.same(attempts, [false])
  scene.prepare = async () => {}
  t.match(await reload.now(), { ok: true, changed: [{ key: 'log.level', from: 'silent' }] })
})

t.test('one for all who ask while another runs begins after it, failed or not', async t => {
  const { reload, runtime, scene, done } = setUp()
  const first = Promise.withResolvers<void>()
  scene.prepare = () => first.promise
  scene.load = () => configOf({ log: { level: 'debug' } })
  const reports = [reload.now()]
  await runtime.advance(60_000)
  reports.push(reload.now(), reload.now())
  await runtime.advance(60_000)
  t.same(done, ['prepare debug'])
  scene.load = () => configOf({ log: { level: 'warn' } })
  scene.prepare = async () => {}
  first.reject(new Error('too late'))
  t.same(
    (await Promise.all(reports)).map(({ ok, changed }) => [ok, changed.length]),
    [
      [false, 0],
      [true, 1],
      [true, 1]
    ]
  )
  t.same(done, ['prepare debug', 'prepare warn', 'commit warn'])
})

t.test('what needs a restart is told as long as it differs from the start, and stays as it was', async t => {
  const { reload, scene, lines, refuse } = setUp()
  scene.load = () => configOf({ listen: { port: 8141 } })
  t.match(await reload.now(), {
    ok: true,
    needsRestart: ['listen.port'],
    changed: []
  })
  t.match(lines.at(-1), { level: 'warn', keys: ['listen.port'] })
  t.equal(reload.config().boot.listen.port, 0)
  t.match(await reload.now(), { needsRestart: ['listen.port'], changed: [] }, 'though it changes no more')
  refuse([wrongWeight])
  await reload.now()
  t.same(reload.status().needsRestart, ['listen.port'], 'a bad file makes nobody forget')
  scene.load = () => configOf()
  t.match(await reload.now(), { needsRestart: [], changed: [] })
  t.same(reload.status().needsRestart, [])
})

t.test('what is not wrong and should be changed is said with each reload', async t => {
  const { reload, scene, lines } = setUp()
  scene.load = () => configOf({}, { warnings: ['admin.allow is called access.administrators now'] })
  await reload.now()
  t.match(lines.at(-1), { level: 'warn', msg: 'admin.allow is called access.administrators now' })
})

t.test('the files that it was read from are watched from then on, while it is prepared already', async t => {
  const { reload, runtime, scene, watched } = setUp()
  const prepared = Promise.withResolvers<void>()
  scene.prepare = () => prepared.promise
  scene.load = () => configOf({}, { files: ['/etc/lb.yaml', '/etc/new.pem'] })
  const over = reload.now()
  await runtime.advance(0)
  t.same(watched.at(-1), ['/etc/lb.yaml', '/etc/new.pem'])
  prepared.resolve()
  await over
  scene.load = () => configOf()
  await reload.now()
  t.same(watched.at(-1), ['/etc/lb.yaml'], 'what is not named any more is let go')
})

t.test('after a failure the files of the good configuration and of the bad one are watched', async t => {
  const { reload, refuse, watched, scene } = setUp()
  refuse([wrongWeight], ['/etc/lb.yaml', '/etc/missing.pem'])
  await reload.now()
  t.same(watched.at(-1), ['/etc/lb.yaml', '/etc/missing.pem'])
  scene.load = () => configOf({}, { files: ['/etc/lb.yaml', '/etc/other.pem'] })
  scene.prepare = async () => {
    throw new Error('no room')
  }
  await reload.now()
  t.same(watched.at(-1), ['/etc/lb.yaml', '/etc/other.pem'])
})

t.test('after a change, a key that does not belong to its certificate yet is waited for', async t => {
  const { reload, runtime, refuse, scene, done, attempts } = setUp()
  refuse([mismatch])
  const report = reload.afterChange()
  await runtime.advance(20_000)
  t.same(attempts, [], 'nothing is wrong yet')
  scene.load = () => configOf({ log: { level: 'debug' } })
  await runtime.advance(1_000)
  t.match(await report, { ok: true })
  t.same(done, ['prepare debug', 'commit debug'])
  t.same(attempts, [true])
})

t.test('but not for longer than 30 s', async t => {
  const { reload, runtime, refuse, attempts, done } = setUp()
  refuse([mismatch])
  const report = reload.afterChange()
  await runtime.advance(29_000)
  t.same(attempts, [])
  await runtime.advance(1_000)
  t.match(await report, { ok: false, problems: [/does not belong to tls.cert/] })
  t.same([attempts, done], [[false], []])
})

t.test(
  'when asked, one that does not belong to the other is told at once, also while a change waits',
  async t => {
    const { reload, runtime, refuse, attempts } = setUp()
    refuse([mismatch])
    t.match(await reload.now(), { ok: false, problems: [/does not belong to tls.cert/] })
    const waiting = reload.afterChange()
    await runtime.advance(5_000)
    t.match(await reload.now(), { ok: false })
    t.same(attempts, [false, false])
    await runtime.advance(25_000)
    t.match(await waiting, { ok: false })
  }
)

t.test('a file that this process had no descriptor to read is read again until it has', async t => {
  const { reload, runtime, refuse, attempts, scene } = setUp()
  refuse([
    {
      where: 'puppet-lb.yaml:3:4',
      key: 'tls.ca',
      text: 'is "ca.pem", but reading failed (EMFILE)',
      isOwnFault: true
    }
  ])
  const report = reload.afterChange()
  await runtime.advance(5_000)
  t.same(attempts, [])
  scene.load = () => configOf()
  await runtime.advance(1_000)
  t.match(await report, { ok: true })
})

t.test('anything else that is wrong is told at once, with or without a pair beside it', async t => {
  const { reload, refuse, scene } = setUp()
  refuse([wrongWeight])
  t.match(await reload.afterChange(), { ok: false })
  refuse([mismatch, wrongWeight])
  t.match(await reload.afterChange(), { ok: false })
  scene.load = () => {
    throw new Error('disk is gone')
  }
  t.match(await reload.afterChange(), { ok: false, problems: ['disk is gone'] })
})

t.test(
  'changes that come while one waits are taken together, 30 s after the last of them at most',
  async t => {
    const { reload, runtime, refuse, attempts } = setUp()
    refuse([mismatch])
    const first = reload.afterChange()
    await runtime.advance(20_000)
    const second = reload.afterChange()
    await runtime.advance(29_000)
    t.same(attempts, [])
    await runtime.advance(1_000)
    await Promise.all([first, second])
    t.same(attempts, [false])
  }
)

t.test('a change after one that was waited for is one of its own', async t => {
  const { reload, runtime, refuse, scene, attempts } = setUp()
  refuse([mismatch])
  const first = reload.afterChange()
  scene.load = () => configOf()
  await runtime.advance(1_000)
  await first
  await reload.afterChange()
  t.same(attempts, [true, true])
})
