import t from 'tap'
import { askCatalog, createEnrolledAgent, printedBy, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import { tlsMaster } from './support/layout.ts'
import { compilesOn, freeJRubiesOn } from './support/master.ts'
import { startProxy } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

const COMPILE_SECONDS = 6
const COMPILING_DEADLINE_MS = 60_000
/** One more than the master has JRubies, so that somebody always waits. */
const OTHERS = tlsMaster.jrubies + 1

t.teardown((await startProxy({ name: 'full', masters: [tlsMaster], queueTimeout: '1s' })).end)

const agent = await createEnrolledAgent({ certname: 'patient.example.test' })
const names = Array.from({ length: OTHERS }, (_, i) => `fleet-${i}.example.test`)
const others = await inWaves(names, 2, certname => createEnrolledAgent({ certname }))

// 7.23 sleeps when it is told to come back, and then dies of it; 8.10 comes back.
const what =
  generation === 7
    ? 'an agent that would not survive Retry-After waits until a JRuby is free, and is never sent away'
    : 'an agent that finds every JRuby busy is told when to come back, and comes back'

t.test(what, async t => {
  let isOver = false
  const crowd = others.map(async other => {
    while (!isOver) t.equal((await askCatalog(other, COMPILE_SECONDS)).status, 200)
  })
  t.ok(await reaches(isFull, COMPILING_DEADLINE_MS), 'every JRuby is busy')
  const run = runAgent(agent).finally(() => {
    isOver = true
  })
  const isSentAway = async () => /Sleeping for \d+ seconds/.test(printedBy(agent))
  await reaches(async () => isOver || (await isSentAway()), 2 * COMPILING_DEADLINE_MS)
  isOver = true
  const { status, output } = await run
  await Promise.all(crowd)
  t.equal(status, 2, 'its run ends well', { output })
  t.equal(await isSentAway(), generation !== 7, 'sent away', { output })
})

/** It may have fewer JRubies than it began with, when another file had it first. */
async function isFull(): Promise<boolean> {
  const [compiles, free] = await Promise.all([compilesOn(tlsMaster), freeJRubiesOn(tlsMaster)])
  return compiles > 0 && free === 0
}
