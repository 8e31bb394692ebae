import t from 'tap'
import { createCapacity } from '../../../src/control/capacity/capacity.ts'
import type { PoolCapacity } from '../../../src/model/capacity.ts'
import { createCompileTimes } from '../../../src/shared/compile-times.ts'
import { createResultTable } from '../../../src/shared/results.ts'
import { type FleetRecord, meanRunMs, playFleet, throwRuns } from '../../support/fleet-in-time.ts'
import { masters } from '../../support/masters.ts'

const MINUTE_MS = 60_000
/** As many as agents ask for at least; more would only make the test slower. */
const FILES = 4
const RUN_INTERVAL_MS = 30 * MINUTE_MS
/** A small site, whose few JRubies are full within an hour, and one of the usual size, which takes longer for that. */
const sites = [
  { jrubies: [2, 2], total: 4, runs: 2_500 },
  { jrubies: [4, 4, 4, 4], total: 16, runs: 10_000 }
] as const

type Site = (typeof sites)[number]

/** What the balancer tells of a fleet whose agents load its JRubies so much, at the end of its runs, and what the JRubies did. */
function play({ jrubies, total }: Site, load: number, count: number, seed: number) {
  const roster = masters(Object.fromEntries(jrubies.map((_, index) => [`m${index}`, 75])))
  const [results, compileTimes] = [createResultTable(), createCompileTimes()]
  const told: { readonly atMs: number; readonly pool: PoolCapacity }[] = []
  const agents = Array.from({ length: 50 }, () => ({
    ...{ report: 'fine' as const, master: 'm0', earlierUntilMs: 1, lastSeenMs: 1 + RUN_INTERVAL_MS }
  }))
  const perSecond = (load * total * 1_000) / meanRunMs(FILES)
  const runs = throwRuns({ count, perSecond, files: FILES, seed })
  const record = playFleet({
    jrubies,
    runs,
    begin({ slots, runtime }) {
      const capacity = createCapacity({
        roster: { current: () => ({ masters: roster, ca: roster[0] as (typeof roster)[0] }) },
        snapshot: () => ({ version: 1, tiers: [roster] }) as never,
        memory: { slots, results, compileTimes },
        agents: { all: () => agents as never },
        settings: () => ({ listen: { tcp: [] } }),
        runtime
      })
      capacity.start()
      const note = () => {
        told.push({ atMs: runtime.now(), pool: capacity.status()[0] as PoolCapacity })
        runtime.schedule(10 * MINUTE_MS, note)
      }
      runtime.schedule(40 * MINUTE_MS, note)
    },
    answered(seat, rank, tookMs) {
      results.add(seat, 'answered', 0)
      if (rank !== 'catalog') return
      results.add(seat, 'given', 0)
      compileTimes.add(seat, tookMs)
    }
  })
  return { ...record, told, perSecond }
}

function p99({ runMs }: Pick<FleetRecord, 'runMs'>): number {
  return [...runMs].sort((a, b) => a - b)[Math.floor(0.99 * runMs.length)] as number
}

const halves = sites.map(site => ({ site, half: play(site, 0.5, site.runs, 1) }))

/** What it says of a site that was half loaded. */
const judgedBy = ({ told }: ReturnType<typeof play>) => told.at(-1)?.pool as PoolCapacity

for (const { site, half } of halves) {
  const { total, runs } = site

  t.test(`the utilization told of ${total} JRubies is within 3 points of what they did`, async t => {
    for (const { told, busyMs } of [half, play(site, 0.85, 300 * total, 2)])
      for (const { atMs, pool } of told) {
        // Minutes are told whole, so the last one may be up to a minute ago.
        const fromMs = atMs - 30.5 * MINUTE_MS
        const did = busyMs(fromMs, atMs - MINUTE_MS / 2) / (total * 30 * MINUTE_MS)
        t.equal(pool.minutes, 30)
        t.ok(Math.abs((pool.utilization as number) - did) < 0.03, `${pool.utilization} where it was ${did}`)
      }
  })

  t.test(
    `at the load that fills ${total} JRubies the slowest runs take 2 to 4 times as long as at half load`,
    async t => {
      const full = judgedBy(half).full as number
      t.ok(full > 0.8 && full < 0.99, String(full))
      const ratio = p99({ runMs: [3, 4, 5].flatMap(seed => play(site, full, runs, seed).runMs) }) / p99(half)
      t.comment(`full at ${full}: ${ratio} times`)
      t.ok(ratio >= 2 && ratio <= 4, `${ratio} times`)
    }
  )

  t.test(
    `the headroom told of ${total} JRubies is what it takes until then, at the run interval of the agents`,
    async t => {
      const agents = half.perSecond * (RUN_INTERVAL_MS / 1_000)
      const judged = judgedBy(half)
      const more = agents * ((judged.full as number) / 0.5 - 1)
      const told = judged.headroomAgents as number
      t.ok(Math.abs(told / more - 1) < 0.15, `${told} told, ${more} by what the runs were thrown from`)
      t.equal(judged.runIntervalSeconds, 1_800)
      const without = judged.without[0]?.headroomAgents as number
      const share = site.jrubies[0] / total
      const fewer = agents * (((judged.full as number) * (1 - share)) / 0.5 - 1)
      t.ok(
        without < told && Math.abs(without - fewer) < 0.15 * agents,
        `${without} without one, about ${fewer}`
      )
    }
  )
}
