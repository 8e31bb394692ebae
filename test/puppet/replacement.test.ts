import t from 'tap'
import { reaches } from './support/background.ts'
import { onceItCompiles } from './support/compiling.ts'
import { startFleet } from './support/fleet.ts'
import { plainMaster, spareMaster, tlsMaster } from './support/layout.ts'
import { compilesOn, endMaster, masterReady, startMaster } from './support/master.ts'
import { writeMasterConfig } from './support/master-config.ts'
import { admin, shortName, startProxy, stateOf } from './support/proxy.ts'

const AGENTS = 3
const COMPILE_SECONDS = 3
const DEADLINE_MS = 120_000

/** What the configuration calls by the old one's name from then on: another server, at another address. */
const heir = { ...plainMaster, host: spareMaster.host, port: spareMaster.port }

const proxy = await startProxy({ name: 'replacement', reload: 'signal' })
t.teardown(proxy.end)
writeMasterConfig(spareMaster)
startMaster(spareMaster)
await masterReady(spareMaster)
t.teardown(() => endMaster(spareMaster, 'SIGTERM'))
const fleet = await startFleet(AGENTS, COMPILE_SECONDS)

t.test('a master is replaced by another server at another address, and switched off', async t => {
  t.ok(await onceItCompiles(plainMaster, [shortName(tlsMaster)]), 'it compiles when it is replaced')
  await proxy.reload({ masters: [tlsMaster, heir], reload: 'signal' })
  t.ok(await reaches(async () => (await stateOf(shortName(heir))) === 'up', DEADLINE_MS))
  t.ok(await reaches(async () => !(await isLeaving()), DEADLINE_MS), 'the old one has left')
  t.equal(await compilesOn(plainMaster), 0)
  await endMaster(plainMaster, 'SIGTERM')
  t.ok(await reaches(async () => fleet.compilers.has(spareMaster.name), DEADLINE_MS), 'the new one compiles')
})

t.test('and none of the runs has failed', async t => {
  const before = fleet.done.length
  t.ok(await reaches(async () => fleet.done.length >= before + AGENTS, DEADLINE_MS), 'runs go on')
  await fleet.end()
  t.comment(`${fleet.done.length} runs`)
  for (const { end } of fleet.done) t.ok([0, 2].includes(end.status), `ended with ${end.status}`, end)
  startMaster(plainMaster)
  await masterReady(plainMaster)
})

async function isLeaving(): Promise<boolean> {
  const { masters } = JSON.parse((await admin('/api/status')).body)
  return masters.some(({ mode }: { readonly mode: string }) => mode === 'leaving')
}
