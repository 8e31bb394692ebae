import t from 'tap'
import { type Agent, bootstrapAgent, compiledBy, createAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { plainMaster, tlsMaster } from './support/layout.ts'
import { compilesOn, endMaster, masterReady, startMaster } from './support/master.ts'
import { admin, startProxy } from './support/proxy.ts'

const AGENTS = 10
/** An agent's own work is 2 s of CPU; five at once keep two cores busy without starving anybody. */
const AT_ONCE = 5
const COMPILE_SECONDS = 4
const COMPILING_DEADLINE_MS = 60_000
const RETURN_DEADLINE_MS = 30_000

t.teardown(await startProxy({ name: 'master-dies' }))

const agents = Array.from({ length: AGENTS }, (_, i) => createAgent({ certname: `fleet-${i}.example.test` }))
await forEach(agents, 2, async agent => {
  const { status, output } = await bootstrapAgent(agent)
  if (status !== 0) throw new Error(output)
})

t.test('a compile master dies in the middle of compiles, and no run notices', async t => {
  const runs = forEach(agents, AT_ONCE, agent => runAgent(agent, COMPILE_SECONDS))
  const compiling = await reaches(async () => (await compilesOn(tlsMaster)) > 0, COMPILING_DEADLINE_MS)
  t.ok(compiling, 'it is compiling when it dies')
  await endMaster(tlsMaster, 'SIGKILL')
  for (const [agent, { status, output }] of await runs)
    t.ok([0, 2].includes(status), agent.certname, { output })
  t.ok((await sumOf('puppet_lb_retries_total')) > 0, 'the broken compiles were repeated')
  t.equal(await upOf('compile-1'), 0)
  for (const agent of agents) t.equal(compiledBy(agent), plainMaster.name)
})

t.test('the master comes back and takes its share again', async t => {
  startMaster(tlsMaster)
  await masterReady(tlsMaster)
  t.ok(await reaches(async () => (await upOf('compile-1')) === 1, RETURN_DEADLINE_MS), 'up again')
  const fleet = agents.slice(0, 4)
  for (const [agent, { status, output }] of await forEach(fleet, 4, agent =>
    runAgent(agent, COMPILE_SECONDS)
  )) {
    t.equal(status, 0, agent.certname, { output })
  }
  t.same(new Set(fleet.map(compiledBy)), new Set([tlsMaster.name, plainMaster.name]))
})

/** Does something for every agent, so many at once. */
async function forEach<T>(of: readonly Agent[], atOnce: number, work: (agent: Agent) => Promise<T>) {
  const waiting = of.values()
  const done: [Agent, T][] = []
  const worker = async () => {
    for (const agent of waiting) done.push([agent, await work(agent)])
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return done
}

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
