import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { bootstrapAgent, createAgent, createEnrolledAgent, runAgent } from './support/agent.ts'
import type { Run } from './support/background.ts'
import { reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import { caMaster, compileMasters, type MasterLayout } from './support/layout.ts'
import { accessLogOf, compilesOn, endMaster, masterReady, startMaster } from './support/master.ts'
import { startProxy } from './support/proxy.ts'

/** Beside the time that a master takes to start. */
const AWAY_MS = 40_000
const COMPILE_SECONDS = 10
const COMPILING_DEADLINE_MS = 60_000
/** Agents of 7.23 sleep after a `Retry-After` and then fail, those of 8.10 come back. */
const comesBack = generation === 8

const proxy = await startProxy({ name: 'masters-away' })
t.teardown(proxy.end)
const compiling = await createEnrolledAgent({ certname: 'compiling.example.test' })
const beginning = await createEnrolledAgent({ certname: 'beginning.example.test' })

t.test('all compile masters are away for 40 s, and the runs end well', async t => {
  const running = runAgent(compiling, COMPILE_SECONDS)
  let busy: MasterLayout | undefined
  const isCompiling = await reaches(async () => {
    for (const master of compileMasters) if ((await compilesOn(master)) > 0) busy = master
    return busy !== undefined
  }, COMPILING_DEADLINE_MS)
  t.ok(isCompiling, 'it is compiling when they go')
  // The other one first: a compile that two masters die over is not given to a third.
  for (const master of compileMasters) if (master !== busy) await endMaster(master, 'SIGKILL')
  await endMaster(busy as MasterLayout, 'SIGKILL')
  const begun = runAgent(beginning)
  await delay(AWAY_MS)
  for (const master of compileMasters) startMaster(master)
  await Promise.all(compileMasters.map(masterReady))

  for (const { status, output } of await Promise.all([running, begun]))
    t.ok([0, 2].includes(status), `ended with ${status}`, { output })
  wasTold(t, 'no-master')
  for (const { certname } of [compiling, beginning])
    t.equal(reportsOf(certname), 1, `one report of ${certname}`)
})

t.test('the CA is away for 40 s when an agent comes to enrol, which ends well', async t => {
  await endMaster(caMaster, 'SIGKILL')
  let ended: Run | undefined
  const enrolling = bootstrapAgent(createAgent({ certname: 'enrolled-late.example.test' })).then(run => {
    ended = run
    return run
  })
  await delay(AWAY_MS)
  t.equal(ended, undefined, 'it waits')
  startMaster(caMaster)
  await masterReady(caMaster)
  const { status, output } = await enrolling
  t.equal(status, 0, 'as it should', { output })
  wasTold(t, 'ca-unavailable')
})

/** Who comes back was sent away meanwhile, for this reason, and anybody else was not. */
function wasTold(t: Test, reason: string): void {
  const isTold = proxy.log().includes(`"end":"${reason}"`)
  t.equal(isTold, comesBack, `${comesBack ? '' : 'not '}sent away for ${reason}`)
}

/** A master notes a request once it is answered. */
function reportsOf(certname: string): number {
  const line = `200 "PUT /puppet/v3/report/${certname}?`
  return compileMasters.flatMap(accessLogOf).filter(each => each.startsWith(line)).length
}
