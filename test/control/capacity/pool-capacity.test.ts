import t from 'tap'
import type { LoadSeen } from '../../../src/control/capacity/load-book.ts'
import { capacityOf, demandOf, type PoolSeen } from '../../../src/control/capacity/pool-capacity.ts'
import { runIntervalMs } from '../../../src/control/capacity/run-interval.ts'
import { createCompileTimes } from '../../../src/shared/compile-times.ts'

const [m1, m2] = [
  { name: 'm1', jrubies: 10 },
  { name: 'm2', jrubies: 6 }
]

/** Half an hour in which 8 of 16 JRubies worked on 1,800 runs of 8 s. */
function loadOf(over: Partial<LoadSeen> = {}): LoadSeen {
  const times = createCompileTimes()
  for (let count = 0; count < 1_800; count++) times.add(0, 7_000)
  const atWork = { own: 8, all: 8 }
  return {
    minutes: 30,
    runs: 1_800,
    requests: 9_000,
    times: times.counts(0),
    atWork,
    mostAtWork: 12,
    ...over
  }
}

const seen: PoolSeen = {
  pool: 'default',
  serving: [
    { ...m1, others: [m2] },
    { ...m2, others: [m1] }
  ],
  load: loadOf(),
  runIntervalMs: () => 1_800_000,
  fullLoad: () => 0.9
}

t.test('there is room for as many agents as it takes until the pool is full', async t => {
  // An agent takes 8 s every half hour, so there are 1,800, and 0.9 × 16 JRubies are enough for 3,240.
  t.match(capacityOf(seen), {
    ...{ pool: 'default', jrubies: 16, minutes: 30, utilization: 0.5, busiestMinute: 0.75, full: 0.9 },
    ...{ headroomAgents: 1_440, runIntervalSeconds: 1_800, unknown: null }
  })
})

t.test('without a master the others have all the work, and it may be too much', async t => {
  t.same(capacityOf(seen).without, [
    { master: 'm1', utilization: 8 / 6, headroomAgents: -585 },
    { master: 'm2', utilization: 0.8, headroomAgents: 225 }
  ])
})

t.test('where nobody is left without a master, there is no headroom to tell', async t => {
  const { without } = capacityOf({ ...seen, serving: [{ ...m1, others: [] }] })
  t.same(without, [{ master: 'm1', utilization: null, headroomAgents: null }])
})

t.test('work for others takes room, and makes no agent of ours dearer', async t => {
  const { utilization, headroomAgents } = capacityOf({
    ...seen,
    load: loadOf({ atWork: { own: 8, all: 12 } })
  })
  t.same([utilization, headroomAgents], [0.75, 540])
})

for (const [what, over, unknown] of [
  ['before anything was looked at', { load: undefined }, /less than 5 minutes ago/],
  ['in the first minutes', { load: loadOf({ minutes: 4 }) }, /less than 5 minutes ago/],
  ['of few runs', { load: loadOf({ runs: 99 }) }, '99 runs in 30 minutes are too few'],
  ['while no agent came twice', { runIntervalMs: () => undefined }, /run interval is not known/],
  ['while nobody serves', { serving: [] }, 'no master serves']
] as const)
  t.test(`${what} it is said why the headroom is not known`, async t => {
    const told = capacityOf({ ...seen, ...over })
    t.match(told, { headroomAgents: null, full: null, runIntervalSeconds: null, unknown })
    t.equal(
      told.utilization === null,
      what === 'before anything was looked at' || what === 'while nobody serves'
    )
  })

t.test('what a run asks beside its catalog is what JRubies did beside catalogs', async t => {
  const { catalogs, restMs, restCount } = demandOf(loadOf())
  const meanMs = catalogs.reduce((sum, { tookMs, share }) => sum + tookMs * share, 0)
  t.ok(Math.abs(meanMs / 7_000 - 1) < 0.1)
  t.ok(Math.abs(meanMs + restMs - 8_000) < 1e-6)
  t.equal(restCount, 4)
  t.match(demandOf(loadOf({ times: new Int32Array(64) })), { restMs: 0 }, 'no catalog was given')
})

t.test('the run interval is the usual one of agents that came twice, and of this pool', async t => {
  const agent = (master: string, minutes: number, over = {}) => ({
    ...{
      master,
      report: 'fine' as const,
      earlierUntilMs: 1_000,
      lastSeenMs: 1_000 + minutes * 60_000,
      ...over
    }
  })
  const few = Array.from({ length: 9 }, () => agent('m1', 30))
  const isOurs = (master: string) => master === 'm1'
  t.equal(runIntervalMs(few, isOurs, 0), undefined)
  const others = [
    ...Array.from({ length: 50 }, () => agent('m9', 5)),
    ...Array.from({ length: 50 }, () => agent('m1', 3, { report: undefined })),
    ...Array.from({ length: 50 }, () => agent('m1', 4, { earlierUntilMs: 0 })),
    agent('m1', 1)
  ]
  t.equal(runIntervalMs([...few, ...others], isOurs, 0), 1_800_000)
  t.equal(runIntervalMs([...few, ...others], isOurs, 3 * 86_400_000), undefined, 'of days ago')
})
