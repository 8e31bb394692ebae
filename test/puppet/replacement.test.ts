import t from 'tap'
import { compiledBy, createEnrolledAgent, runAgent } from './support/agent.ts'
import { type Run, reaches } from './support/background.ts'
import { onceItCompiles } from './support/compiling.ts'
import { caMaster, type MasterLayout, plainMaster, spareMaster, tlsMaster } from './support/layout.ts'
import { compilesOn, endMaster, masterPid, masterReady, startMaster } from './support/master.ts'
import { writeMasterConfig } from './support/master-config.ts'
import { admin, shortName, startProxy, stateOf } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

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

const certnames = Array.from({ length: AGENTS }, (_, i) => `fleet-${i}.example.test`)
const agents = await inWaves(certnames, AGENTS, certname => createEnrolledAgent({ certname }))
const done: Run[] = []
const compilers = new Set<string>()
let isOver = false
const looping = inWaves(agents, AGENTS, async agent => {
  while (!isOver) {
    done.push(await runAgent(agent, COMPILE_SECONDS))
    compilers.add(compiledBy(agent))
  }
})

t.test('a master is replaced by another server at another address, and switched off', async t => {
  t.ok(await onceItCompiles(plainMaster, [shortName(tlsMaster)]), 'it compiles when it is replaced')
  await proxy.reload({ masters: [tlsMaster, heir], reload: 'signal' })
  t.ok(await becomes(heir, 'up'))
  t.ok(await reaches(async () => !(await isLeaving()), DEADLINE_MS), 'the old one has left')
  t.equal(await compilesOn(plainMaster), 0)
  await endMaster(plainMaster, 'SIGTERM')
  t.ok(await reaches(async () => compilers.has(spareMaster.name), DEADLINE_MS), 'the new one compiles')
})

for (const [master, other] of [
  [caMaster, undefined],
  [tlsMaster, heir],
  [spareMaster, tlsMaster]
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
  isOver = true
  await looping
  t.comment(`${done.length} runs`)
  t.ok(done.length >= 2 * AGENTS)
  for (const end of done) t.ok([0, 2].includes(end.status), `ended with ${end.status}`, end)
  startMaster(plainMaster)
  await masterReady(plainMaster)
})

interface Status {
  readonly masters: readonly { readonly state: string; readonly mode: string }[]
  readonly ca: { readonly state: string }
}

const statusNow = async (): Promise<Status> => JSON.parse((await admin('/api/status')).body)

async function isLeaving(): Promise<boolean> {
  return (await statusNow()).masters.some(({ mode }) => mode === 'leaving')
}

async function isAllUp(): Promise<boolean> {
  const { masters, ca } = await statusNow()
  return [...masters, ca].every(({ state }) => state === 'up')
}

function becomes(master: MasterLayout, state: string): Promise<boolean> {
  return reaches(async () => (await stateOf(shortName(master))) === state, DEADLINE_MS)
}
