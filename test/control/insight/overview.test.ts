import t from 'tap'
import { createAgents } from '../../../src/control/agents/agents.ts'
import { createEventLog } from '../../../src/control/event-log.ts'
import { startInsight } from '../../../src/control/insight/overview.ts'
import type { RunPart } from '../../../src/model/agents.ts'
import { createCompileTimes } from '../../../src/shared/compile-times.ts'
import { createConnectionTable } from '../../../src/shared/connections.ts'
import { createResultTable } from '../../../src/shared/results.ts'
import type { SlotTable } from '../../../src/shared/slots/types.ts'
import { status } from '../../admin/scene.ts'
import { masters } from '../../support/masters.ts'
import { fakeRuntime } from '../../support/runtime.ts'

const MINUTE_MS = 60_000

/** Insight into two masters, who do what the test says. */
function setUp() {
  const runtime = fakeRuntime()
  const roster = masters({ m0: 75, m1: 25 })
  const memory = {
    results: createResultTable(),
    compileTimes: createCompileTimes(),
    slots: { taken: () => 3, ghosts: () => 1, foreign: () => 2 } as unknown as SlotTable,
    connections: createConnectionTable({ workers: 2, cells: 4 }, runtime.random)
  }
  const events = createEventLog(runtime.wallClock)
  const agents = createAgents({ runtime, masterVersions: () => [] })
  const insight = startInsight({
    roster: { current: () => ({ masters: roster, ca: roster[0] as (typeof roster)[0] }) },
    agents,
    ...{ memory, runtime, events, status: () => status, notReady: () => undefined, hostname: 'lb-1' }
  })
  return {
    ...{ runtime, events, insight, agents },
    given(seat: number, count: number, tookMs = 1_000) {
      for (let each = 0; each < count; each++) {
        memory.results.add(seat, 'given', 1)
        memory.compileTimes.add(seat, tookMs)
      }
    },
    connections: memory.connections,
    failed: (seat: number) => memory.results.add(seat, 'failed', 1, 500)
  }
}

t.test('what masters did of late is told with their shares, failures and compile times', async t => {
  const { insight, given, failed } = setUp()
  given(0, 6, 2_000)
  given(1, 1, 500)
  failed(1)
  const { work, hostname, notReady } = insight.overview()
  t.same({ hostname, notReady }, { hostname: 'lb-1', notReady: null })
  t.match(work, [
    { taken: 3, ghosts: 1, foreign: 2, catalogs: 6, share: 0.75, failedShare: 0 },
    { catalogs: 2, share: 0.25, failedShare: 0.5 }
  ])
  t.ok(Math.abs((work[0]?.compile?.p50Ms as number) / 2_000 - 1) < 0.1)
  t.ok(Math.abs((work[1]?.compile?.p99Ms as number) / 500 - 1) < 0.1)
})

t.test('masters that did nothing have neither shares nor times', async t => {
  t.match(setUp().insight.overview().work, [{ share: null, failedShare: null, compile: null }, {}])
})

t.test('full minutes are told by the clock, and nothing of those before the first of them', async t => {
  const { runtime, insight, given, failed } = setUp()
  await runtime.advance(30_000)
  given(0, 9)
  await runtime.advance(30_000)
  t.ok(
    insight.overview().runs.every(each => each.given === null),
    'half a minute is none'
  )
  given(0, 4)
  failed(1)
  await runtime.advance(MINUTE_MS)
  given(1, 2)
  await runtime.advance(MINUTE_MS + 1)
  const { runs } = insight.overview()
  t.equal(runs.length, 60)
  t.same(runs.slice(-3), [
    { at: '2026-01-01T00:00:00.000Z', given: null, failed: null },
    { at: '2026-01-01T00:01:00.000Z', given: 4, failed: 1 },
    { at: '2026-01-01T00:02:00.000Z', given: 2, failed: 0 }
  ])
})

t.test(
  'the first few agents that fail, end soon or are slow are told, and looked up anew after a while',
  async t => {
    const { runtime, insight, agents } = setUp()
    const run = (certname: string, over: Partial<RunPart> = {}): RunPart => ({
      ...{
        certname,
        startedAtMs: runtime.wallClock(),
        endedAtMs: runtime.wallClock() + 1,
        requests: 1,
        failures: 0
      },
      ...{ catalog: 'given', compileMs: 10, report: 'fine', version: '8.10.0', environment: 'production' },
      ...{ master: 'm0', certificateEndsAtMs: runtime.wallClock() + 90 * 86_400_000, ...over }
    })
    agents.take([
      ...Array.from({ length: 7 }, (_, index) => run(`a${index}`, { catalog: 'failed' })),
      run('slow', { compileMs: 90_000 }),
      run('ends', { certificateEndsAtMs: runtime.wallClock() + 86_400_000 })
    ])
    const told = insight.overview().agents
    t.match(told, { seen: { hour: 9, day: 9 }, failing: { total: 7 }, expiring: { total: 1 } })
    t.equal(told.failing.agents.length, 5)
    t.match([told.expiring.agents[0]?.certname, told.slow.agents[0]?.certname], ['ends', 'slow'])
    agents.take([run('late', { catalog: 'failed' })])
    t.equal(insight.overview().agents, told, 'they are not looked through for each frame')
    await runtime.advance(20_000)
    t.equal(insight.overview().agents.failing.total, 8)
  }
)

t.test('what is older than ten minutes does not count in what masters did of late', async t => {
  const { runtime, insight, given } = setUp()
  given(0, 5)
  await runtime.advance(12 * MINUTE_MS)
  given(1, 1)
  t.match(insight.overview().work, [
    { catalogs: 0, share: 0 },
    { catalogs: 1, share: 1 }
  ])
})

t.test('the last thirty events come, the newest first', async t => {
  const { events, insight } = setUp()
  for (let count = 1; count <= 40; count++) events.add({ kind: 'reload', text: `event ${count}` })
  const shown = insight.overview().events.map(({ text }) => text)
  t.same([shown.length, shown[0], shown.at(-1)], [30, 'event 40', 'event 11'])
})

t.test('once it is stopped no timer is left', async t => {
  const { runtime, insight, given } = setUp()
  await runtime.advance(MINUTE_MS)
  insight.stop()
  given(0, 3)
  await runtime.advance(5 * MINUTE_MS)
  t.ok(insight.overview().runs.every(each => each.given === null))
})

t.test('what was refused of late is told, and not what was refused before, nor below nothing', async t => {
  const { runtime, insight, connections } = setUp()
  connections.count(0, 'unbelieved', 7)
  connections.count(1, 'unbelieved', 5)
  connections.count(1, 'limited', 3)
  t.same(insight.overview().refused, { certificates: 12, limits: 3 })
  await runtime.advance(12 * MINUTE_MS)
  connections.count(0, 'unbelieved', 1)
  t.same(insight.refused(), { certificates: 1, limits: 0 })
  connections.wipe(0)
  t.same(insight.refused(), { certificates: 0, limits: 0 }, 'a worker has died')
})
