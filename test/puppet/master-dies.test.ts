import t from 'tap'
import { compiledBy, createEnrolledAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { plainMaster, tlsMaster } from './support/layout.ts'
import { compilesOn, endMaster, masterReady, startMaster } from './support/master.ts'
import { admin, startProxy } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

const AGENTS = 10
/** An agent's own work is 2 s of CPU; five at once keep two cores busy without starving anybody. */
const AT_ONCE = 5
const COMPILE_SECONDS = 4
const COMPILING_DEADLINE_MS = 60_000
const RETURN_DEADLINE_MS = 30_000

t.teardown((await startProxy({ name: 'master-dies' })).end)

const certnames = Array.from({ length: AGENTS }, (_, i) => `fleet-${i}.example.test`)
const agents = await inWaves(certnames, 2, certname => createEnrolledAgent({ certname }))

t.test('a compile master dies in the middle of compiles, and no run notices', async t => {
  const runs = inWaves(agents, AT_ONCE, agent => runAgent(agent, COMPILE_SECONDS))
  const compiling = await reaches(async () => (await compilesOn(tlsMaster)) > 0, COMPILING_DEADLINE_MS)
  t.ok(compiling, 'it is compiling when it dies')
  await endMaster(tlsMaster, 'SIGKILL')
  const ends = await runs
  for (const { status, output } of ends) t.ok([0, 2].includes(status), `ended with ${status}`, { output })
  t.equal(ends.length, AGENTS)
  t.ok((await sumOf('puppet_lb_retries_total')) > 0, 'the broken compiles were repeated')
  t.equal(await upOf('compile-1'), 0, 'the balancer knows that it is dead')
  t.same(new Set(agents.map(compiledBy)), new Set([plainMaster.name]))
})

t.test('the master comes back and takes its share again', async t => {
  startMaster(tlsMaster)
  await masterReady(tlsMaster)
  t.ok(await reaches(async () => (await upOf('compile-1')) === 1, RETURN_DEADLINE_MS), 'up again')
  const fleet = agents.slice(0, 4)
  const ends = await inWaves(fleet, fleet.length, agent => runAgent(agent, COMPILE_SECONDS))
  for (const { status, output } of ends) t.equal(status, 0, 'nothing to do', { output })
  t.same(new Set(fleet.map(compiledBy)), new Set([tlsMaster.name, plainMaster.name]))
})

/** Sum of a metric over all its labels, or over those that a pattern allows. */
async function sumOf(metric: string, labels = '[^}]*'): Promise<number> {
  const { body } = await admin('/metrics')
  return [...body.matchAll(new RegExp(`^${metric}(?:\\{${labels}\\})? (\\S+)$`, 'gm'))]
    .map(([, value]) => Number(value))
    .reduce((sum, value) => sum + value, 0)
}

function upOf(master: string): Promise<number> {
  return sumOf('puppet_lb_master_up', `master="${master}"`)
}
