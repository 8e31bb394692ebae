import t from 'tap'
import { reaches } from './support/background.ts'
import { onceItCompiles } from './support/compiling.ts'
import { startFleet } from './support/fleet.ts'
import { caMaster, plainMaster, tlsMaster } from './support/layout.ts'
import { endMaster, masterPid, masterReady, startMaster } from './support/master.ts'
import { admin, shortName, startProxy } from './support/proxy.ts'

const AGENTS = 3
const COMPILE_SECONDS = 3
const DEADLINE_MS = 120_000

const proxy = await startProxy({ name: 'restarts' })
t.teardown(proxy.end)
const fleet = await startFleet(AGENTS, COMPILE_SECONDS)

for (const [master, other] of [
  [caMaster, undefined],
  [tlsMaster, plainMaster],
  [plainMaster, tlsMaster]
] as const) {
  t.test(`${shortName(master)} is restarted without a word to the balancer`, async t => {
    const before = masterPid(master)
    const stop = () => endMaster(master, 'SIGTERM')
    if (other) t.ok(await onceItCompiles(master, [shortName(other)], stop), 'in the middle of a compile')
    else await stop()
    startMaster(master)
    await masterReady(master)
    t.not(masterPid(master), before, 'it is another process')
    t.ok(await reaches(isAllUp, DEADLINE_MS), 'and the balancer knows that it is back')
  })
}

t.test('and none of the runs has failed', async t => {
  await fleet.end()
  t.comment(`${fleet.done.length} runs`)
  t.ok(fleet.done.length >= 2 * AGENTS)
  for (const { end } of fleet.done) t.ok([0, 2].includes(end.status), `ended with ${end.status}`, end)
})

async function isAllUp(): Promise<boolean> {
  const { masters, ca } = JSON.parse((await admin('/api/status')).body)
  return [...masters, ca].every(({ state }: { readonly state: string }) => state === 'up')
}
