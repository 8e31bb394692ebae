import t from 'tap'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { createFleet } from './fleet.ts'

/** The suite has to be quick: PUPPET_LB_TEST_ENDURANCE=100000 is a night of it. */
const STEPS = Number(process.env.PUPPET_LB_TEST_ENDURANCE ?? 2_000)
const STEPS_A_SEED = 1_000
const FIRST_SEED = Number(process.env.PUPPET_LB_TEST_SEED ?? 1)
/** Of what led to a fault. */
const STEPS_SHOWN = 60

t.setTimeout(3_600_000)

const pki = await createTestPki()
const config = testConfig(
  pki,
  { ca: 'https://ca.example.com:8140', masters: [] },
  {
    listen: { workers: 3 },
    health: { intervalMs: 5_000, timeoutMs: 3_000, rise: 2, fall: 3 },
    queue: { limit: 200, timeoutMs: 60_000, shedAboveMs: 120_000 }
  }
)

t.test('whatever becomes of masters, names, workers and agents, no promise is broken', async t => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + STEPS / STEPS_A_SEED; seed++) {
    const fleet = createFleet(seed, config)
    const story: string[] = []
    await fleet.start()
    for (let step = 0; step < STEPS_A_SEED && fleet.broken.length === 0; step++) {
      const what = await fleet.step()
      if (what !== '') story.push(`${step} at ${(fleet.now() / 1000).toFixed(1)} s: ${what}`)
    }
    const left = fleet.broken.length === 0 ? await fleet.heal() : []
    fleet.stop()
    const problems = [...new Set([...fleet.broken, ...left])]
    t.same(problems, [], `seed ${seed}`, { story: problems.length > 0 ? story.slice(-STEPS_SHOWN) : [] })
    t.comment(`seed ${seed}: ${JSON.stringify({ ...fleet.tally, ...Object.fromEntries(fleet.agents.ends) })}`)
    if (problems.length > 0) return
    t.ok((fleet.agents.ends.get('200 complete') ?? 0) > STEPS_A_SEED / 2, 'agents are served')
  }
})
