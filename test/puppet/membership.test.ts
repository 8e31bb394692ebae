import t from 'tap'
import { type Agent, compiledBy, createEnrolledAgent, runAgent } from './support/agent.ts'
import { type Run, reaches } from './support/background.ts'
import { type MasterLayout, plainMaster, tlsMaster } from './support/layout.ts'
import {
  accessLogOf,
  compilesOn,
  endMaster,
  masterReady,
  signalMaster,
  startMaster
} from './support/master.ts'
import { operate, shortName, startProxy, stateOf } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

const COMPILE_SECONDS = 3
const STATE_DEADLINE_MS = 60_000
/** A frozen machine is found within three probes of a second; then its runs take their way anew. */
const FREEZE_MS = 30_000
const FREEZE_COSTS_MS = 20_000

const proxy = await startProxy({ name: 'membership', reload: 'signal' })
t.teardown(proxy.end)
t.teardown(() => signalMaster(plainMaster, 'SIGCONT'))

type Assertions = Pick<typeof t, 'not' | 'ok'>

const certnames = Array.from({ length: 4 }, (_, i) => `fleet-${i}.example.test`)
const agents = await inWaves(certnames, 2, certname => createEnrolledAgent({ certname }))

t.test('a master in maintenance gets no request, and the runs go on', async t => {
  await operate('maint', shortName(tlsMaster))
  const before = accessLogOf(tlsMaster).length
  const ends = await inWaves(agents.slice(0, 2), 2, agent => runAgent(agent))
  areWell(t, ends)
  t.same(accessLogOf(tlsMaster).slice(before), [], 'not even a probe')
  await operate('undrain', shortName(tlsMaster))
  t.ok(await becomes(tlsMaster, 'up'))
})

t.test('every master is drained, restarted and taken back while agents run and run again', async t => {
  let isOver = false
  const looping = inWaves(agents, agents.length, async agent => {
    const ends: Run[] = []
    while (!isOver) ends.push(await runAgent(agent, COMPILE_SECONDS))
    return ends
  })
  for (const master of [tlsMaster, plainMaster]) {
    const busy = reaches(async () => (await compilesOn(master)) > 0, STATE_DEADLINE_MS)
    t.ok(await busy, `${shortName(master)} compiles when it is drained`)
    await operate('drain', shortName(master), '--wait')
    t.equal(await compilesOn(master), 0, 'and does nothing any more when that is said')
    await endMaster(master, 'SIGTERM')
    startMaster(master)
    await masterReady(master)
    await operate('undrain', shortName(master))
    t.ok(await becomes(master, 'up'))
  }
  isOver = true
  const ends = (await looping).flat()
  areWell(t, ends)
  t.comment(`${ends.length} runs`)
})

t.test('a master is replaced by another one, and the runs go on', async t => {
  const heir = { ...tlsMaster, name: 'heir.example.test' }
  const runs = inWaves(agents, agents.length, agent => runAgent(agent, COMPILE_SECONDS))
  t.ok(await reaches(async () => (await compilesOn(tlsMaster)) > 0, STATE_DEADLINE_MS), 'in a compile')
  await proxy.reload({ masters: [heir, plainMaster], reload: 'signal' })
  areWell(t, await runs)
  t.ok(await becomes(heir, 'up'))
  await proxy.reload({ masters: [tlsMaster, plainMaster], reload: 'signal' })
  t.ok(await becomes(tlsMaster, 'up'))
})

t.test('a master that freezes in the middle of runs costs none of them much', async t => {
  const tookMs = async (agent: Agent) => {
    const sinceMs = performance.now()
    return { end: await runAgent(agent, COMPILE_SECONDS), ms: performance.now() - sinceMs }
  }
  const usual = await inWaves(agents, agents.length, tookMs)
  const runs = inWaves(agents, agents.length, tookMs)
  t.ok(await reaches(async () => (await compilesOn(plainMaster)) > 0, STATE_DEADLINE_MS), 'in a compile')
  signalMaster(plainMaster, 'SIGSTOP')
  const thaw = setTimeout(() => signalMaster(plainMaster, 'SIGCONT'), FREEZE_MS)
  t.teardown(() => clearTimeout(thaw))
  t.ok(await becomes(plainMaster, 'silent'))
  const ends = await runs
  areWell(
    t,
    ends.map(({ end }) => end)
  )
  const longest = (all: typeof ends) => Math.max(...all.map(({ ms }) => ms))
  const costMs = longest(ends) - longest(usual)
  t.ok(costMs < FREEZE_COSTS_MS, `it cost ${Math.round(costMs)} ms`)
  t.same(new Set(agents.map(compiledBy)), new Set([tlsMaster.name]))
  t.ok(await becomes(plainMaster, 'up'), 'and it is back')
})

function areWell(t: Assertions, ends: readonly Run[]): void {
  t.not(ends.length, 0)
  for (const { status, output } of ends) t.ok([0, 2].includes(status), `ended with ${status}`, { output })
}

function becomes(master: MasterLayout, state: string): Promise<boolean> {
  return reaches(async () => (await stateOf(shortName(master))) === state, STATE_DEADLINE_MS)
}
