import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import type { JRubyLoad } from '../../src/control/master-watch/jruby-load.ts'
import { createMasterWatch, type MasterWatch } from '../../src/control/master-watch/master-watch.ts'
import type { ProbeResult } from '../../src/control/master-watch/probe.ts'
import type { Master } from '../../src/model/master.ts'
import { captureLog } from '../support/log-lines.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const good: ProbeResult = { healthy: true }
const refused: ProbeResult = { healthy: false, cause: 'ECONNREFUSED', isSlow: false, isOwnFault: false }
const slow: ProbeResult = { healthy: false, cause: 'timed out', isSlow: true, isOwnFault: false }
const ROUND_MS = 5_500

/** One watched master; what its probes find is `scene.answer`. */
function setUp({ withLoad = true } = {}) {
  const runtime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  const { log, lines } = captureLog()
  const [master] = masters({ m1: 1 }) as [Master]
  const scene = {
    answer: good as ProbeResult | Promise<ProbeResult>,
    isExcused: false,
    isWarm: true,
    changes: 0,
    failures: [] as ProbeResult[],
    probes: 0,
    successes: 0,
    ejections: [] as string[],
    loadStops: 0,
    health: { path: '/', intervalMs: 5_000, timeoutMs: 3_000, rise: 2, fall: 3 }
  }
  const load = { start: async () => {}, isWarm: () => scene.isWarm, stop: () => scene.loadStops++ }
  const watch: MasterWatch = createMasterWatch({
    master: () => master,
    health: () => scene.health,
    async probe() {
      scene.probes++
      return scene.answer
    },
    load: withLoad ? (load as unknown as JRubyLoad) : undefined,
    isExcused: () => scene.isExcused,
    runtime,
    log,
    events,
    failed: probe => scene.failures.push(probe),
    successes: () => scene.successes,
    ejected: fault => scene.ejections.push(fault),
    changed: () => scene.changes++
  })
  const told = () => events.recent().map(({ kind, text }) => `${kind}: ${text}`)
  return { runtime, scene, watch, lines, told, rounds: (count: number) => runtime.advance(count * ROUND_MS) }
}

t.test('a master that was not asked yet is unknown, and says so', async t => {
  const { watch } = setUp()
  t.equal(watch.state(), 'unknown')
  t.equal(watch.cause(), 'was not asked yet')
  t.equal(watch.accepts(), false)
})

t.test('the start is over once the first probe is, whatever came of it', async t => {
  const { watch, scene } = setUp()
  scene.answer = refused
  await watch.start()
  t.equal(watch.state(), 'down')
  t.equal(watch.cause(), 'ECONNREFUSED')
  t.equal(scene.changes, 1)
})

t.test('up has no cause; down names that of the last probe', async t => {
  const { watch, scene, rounds } = setUp()
  await watch.start()
  t.equal(watch.cause(), null)
  scene.answer = refused
  await rounds(3)
  t.equal(watch.cause(), 'ECONNREFUSED')
  scene.answer = slow
  await rounds(1)
  t.equal(watch.cause(), 'timed out')
})

t.test('it becomes down, and up again, once, with an event and a line each', async t => {
  const { watch, scene, rounds, told, lines } = setUp()
  await watch.start()
  scene.answer = refused
  await rounds(6)
  scene.answer = good
  await rounds(4)
  t.same(told(), ['master-up: m1 is up', 'master-down: m1 is down: ECONNREFUSED', 'master-up: m1 is up'])
  t.same(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    ['info master is up', 'warn master is down', 'info master is up']
  )
})

t.test('one that starts to take connections while it is down is told of: it may be all there is', async t => {
  const { watch, scene, rounds } = setUp()
  scene.answer = refused
  await watch.start()
  const { changes } = scene
  scene.answer = slow
  await rounds(2)
  t.equal(watch.accepts(), true)
  t.equal(watch.state(), 'down')
  t.equal(scene.changes, changes + 1)
  scene.answer = refused
  await rounds(2)
  t.equal(watch.accepts(), false)
  t.equal(scene.changes, changes + 2)
})

t.test(
  'an excuse holds a slow one up, is asked for with each slow probe, and no other fault has one',
  async t => {
    const { watch, scene, rounds } = setUp()
    await watch.start()
    scene.isExcused = true
    scene.answer = slow
    await rounds(6)
    t.equal(watch.state(), 'up')
    t.ok(watch.slowProbes() >= 6)
    scene.isExcused = false
    await rounds(3)
    t.equal(watch.state(), 'down')
    const other = setUp()
    await other.watch.start()
    other.scene.isExcused = true
    other.scene.answer = refused
    await other.rounds(3)
    t.equal(other.watch.state(), 'down')
  }
)

t.test('only slow probes in a row are counted', async t => {
  const { watch, scene, rounds } = setUp()
  await watch.start()
  scene.isExcused = true
  scene.answer = slow
  await rounds(2)
  t.ok(watch.slowProbes() >= 2)
  scene.answer = good
  await rounds(1)
  t.equal(watch.slowProbes(), 0)
  scene.answer = refused
  await rounds(1)
  t.equal(watch.slowProbes(), 0)
})

t.test('a first probe that is slow has no excuse: nobody knows it otherwise', async t => {
  const { watch, scene } = setUp()
  scene.isExcused = true
  scene.answer = slow
  await watch.start()
  t.equal(watch.state(), 'down')
  t.equal(watch.accepts(), true)
})

t.test('a failed connect ejects with its cause, and both its begin and its end are told of', async t => {
  const { runtime, watch, scene, told } = setUp()
  await watch.start()
  watch.connectFailed('EHOSTUNREACH')
  t.equal(watch.state(), 'ejected')
  t.equal(watch.cause(), 'a connect failed: EHOSTUNREACH')
  t.equal(scene.changes, 2)
  t.equal(told().at(-1), 'master-ejected: m1 is ejected: a connect failed: EHOSTUNREACH')
  t.same(scene.ejections, ['connects'])
  watch.connectFailed('ECONNREFUSED')
  t.equal(scene.changes, 2, 'what fails while it is out says nothing new')
  await runtime.advance(1_100)
  t.equal(watch.state(), 'up')
  t.equal(scene.changes, 3)
})

t.test('one connect that failed among many requests well done is no reason to do without it', async t => {
  const { watch, scene } = setUp()
  await watch.start()
  scene.successes = 300
  watch.connectFailed('ECONNRESET')
  t.equal(watch.state(), 'up')
  watch.connectFailed('ECONNRESET')
  t.equal(watch.state(), 'ejected', 'but a second one in a row is')
})

t.test('an outlier is out for half a minute, by its own count, and says why', async t => {
  const { runtime, watch, scene, told } = setUp()
  await watch.start()
  const cause = 'answers the catalogs of 8 of 8 agents with 500, other masters 0 of 16'
  watch.ejectAsOutlier('catalogs', cause)
  t.equal(watch.state(), 'ejected')
  t.equal(watch.cause(), cause)
  t.equal(told().at(-1), `master-ejected: m1 is ejected: ${cause}`)
  t.same(scene.ejections, ['catalogs'])
  watch.connectFailed('ECONNREFUSED')
  t.equal(watch.cause(), cause, 'what fails while it is out says nothing new')
  await runtime.advance(29_900)
  t.equal(watch.isOutlier(), true)
  await runtime.advance(3_100)
  t.equal(watch.isOutlier(), false)
  t.equal(watch.state(), 'up')
  watch.connectFailed('ECONNREFUSED')
  await runtime.advance(1_100)
  t.equal(watch.state(), 'up', 'for connects it begins with the shortest')
})

t.test('down weighs more than ejected, and being found up again ends both', async t => {
  const { watch, scene, rounds } = setUp()
  await watch.start()
  scene.answer = refused
  for (let count = 0; count < 5; count++) {
    watch.connectFailed('ECONNREFUSED')
    await rounds(4)
  }
  t.equal(watch.state(), 'down')
  scene.answer = good
  await rounds(1)
  watch.connectFailed('ECONNREFUSED')
  await rounds(2)
  t.equal(watch.state(), 'up')
})

t.test('one without a JRuby is warming, and ejected weighs more than that', async t => {
  const { watch, scene } = setUp()
  scene.isWarm = false
  await watch.start()
  t.equal(watch.state(), 'warming')
  t.equal(watch.cause(), 'none of its JRubies is made yet')
  watch.connectFailed('ECONNREFUSED')
  t.equal(watch.state(), 'ejected')
})

t.test('one whose JRubies are nobody’s business is never warming', async t => {
  const { watch } = setUp({ withLoad: false })
  await watch.start()
  t.equal(watch.state(), 'up')
})

t.test('limits and intervals that a reload changes count from the next probe on', async t => {
  const { runtime, watch, scene } = setUp()
  await watch.start()
  scene.health = { ...scene.health, intervalMs: 60_000, fall: 1 }
  scene.answer = refused
  await runtime.advance(ROUND_MS)
  t.equal(watch.state(), 'down')
  const { probes } = scene
  await runtime.advance(53_000)
  t.equal(scene.probes, probes)
  await runtime.advance(13_000)
  t.equal(scene.probes, probes + 1)
})

t.test(
  'once stopped it asks no more, and neither a late answer nor the end of an ejection is told',
  async t => {
    const { runtime, watch, scene, told } = setUp()
    await watch.start()
    watch.connectFailed('ECONNREFUSED')
    const late = Promise.withResolvers<ProbeResult>()
    scene.answer = late.promise
    scene.health = { ...scene.health, fall: 1 }
    await runtime.advance(500)
    watch.stop()
    const [{ changes }, events] = [scene, told()]
    await runtime.advance(60_000)
    late.resolve(refused)
    await runtime.advance(60_000)
    watch.connectFailed('ECONNREFUSED')
    t.equal(scene.changes, changes)
    t.same(told(), events)
    t.equal(scene.loadStops, 1)
  }
)

t.test('an answer that comes after the stop counts for nothing', async t => {
  const { runtime, watch, scene } = setUp()
  const late = Promise.withResolvers<ProbeResult>()
  scene.answer = late.promise
  const started = watch.start()
  watch.stop()
  late.resolve(good)
  await started
  t.equal(watch.state(), 'unknown')
  await runtime.advance(60_000)
  t.equal(scene.probes, 1)
})

t.test('a probe that a fault of our own prevents says nothing, and is made again soon', async t => {
  const { watch, scene, runtime, lines } = setUp()
  await watch.start()
  scene.answer = { healthy: false, cause: 'EMFILE', isSlow: false, isOwnFault: true }
  await runtime.advance(ROUND_MS)
  const before = scene.probes
  await runtime.advance(10_000)
  t.ok(scene.probes - before >= 9, 'once a second')
  t.equal(watch.state(), 'up')
  t.equal(watch.accepts(), true)
  t.equal(scene.changes, 1, 'when it came up')
  t.equal(scene.failures.length, scene.probes - 1, 'each is counted')
  t.equal(
    lines.some(({ level }) => level === 'warn'),
    false
  )
})

t.test('a master that is down is not up for it, and one never asked says why', async t => {
  const down = setUp()
  down.scene.answer = refused
  await down.watch.start()
  down.scene.answer = { healthy: false, cause: 'EMFILE', isSlow: false, isOwnFault: true }
  await down.rounds(3)
  t.equal(down.watch.cause(), 'ECONNREFUSED')
  const first = setUp()
  first.scene.answer = down.scene.answer
  await first.watch.start()
  t.equal(first.watch.state(), 'unknown')
  t.equal(first.watch.cause(), 'could not be asked: EMFILE')
})

const silent: ProbeResult = {
  healthy: false,
  cause: 'it did not end the handshake in time',
  isSlow: true,
  isOwnFault: false,
  isSilent: true
}

t.test('one that is silent is out at once, excused or not, and comes back by its probes', async t => {
  const { watch, scene, rounds, told } = setUp()
  await watch.start()
  scene.isExcused = true
  scene.answer = silent
  await rounds(1)
  t.equal(watch.state(), 'silent')
  t.equal(watch.isMute(), true)
  t.equal(watch.accepts(), false)
  t.equal(watch.cause(), 'it did not end the handshake in time')
  scene.answer = good
  await rounds(1)
  t.equal(watch.state(), 'down', 'one good probe is not enough')
  await rounds(1)
  t.equal(watch.state(), 'up')
  t.same(told(), [
    'master-up: m1 is up',
    'master-silent: m1 is silent: it did not end the handshake in time',
    'master-up: m1 is up'
  ])
})

t.test('one that is down, and answers neither probes nor requests, is waited for in vain', async t => {
  const { watch, scene, rounds } = setUp()
  await watch.start()
  scene.answer = slow
  await rounds(2)
  t.equal(watch.isMute(), false, 'not yet')
  await rounds(1)
  t.equal(watch.state(), 'down')
  t.equal(watch.isMute(), true)
  scene.successes++
  t.equal(watch.isMute(), false, 'an answer, whatever to')
  scene.answer = refused
  await rounds(1)
  t.equal(watch.isMute(), false, 'what refuses a connection breaks off those it has, or works on')
})

t.test('one that shakes no hands is mute once it is down, though something comes from it', async t => {
  const { watch, scene, rounds } = setUp()
  await watch.start()
  scene.answer = {
    healthy: false,
    cause: 'it did not end the TLS handshake in time',
    kind: 'handshake-timeout',
    isSlow: false,
    isOwnFault: false
  }
  await rounds(2)
  t.equal(watch.isMute(), false, 'not yet')
  await rounds(1)
  t.equal(watch.state(), 'down')
  t.equal(watch.isMute(), true)
  scene.successes++
  t.equal(watch.isMute(), false, 'it answered something')
})

t.test('one that was never well is not known to be mute', async t => {
  const { watch, scene, rounds } = setUp()
  scene.answer = slow
  await watch.start()
  await rounds(4)
  t.equal(watch.state(), 'down')
  t.equal(watch.isMute(), false)
})

t.test('one that nobody has heard yet may only be too busy', async t => {
  const { watch, scene } = setUp()
  scene.answer = silent
  await watch.start()
  t.equal(watch.state(), 'down')
  t.equal(watch.accepts(), true)
})
