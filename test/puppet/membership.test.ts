import t from 'tap'
import { reaches } from './support/background.ts'
import { onceItCompiles } from './support/compiling.ts'
import { startFleet } from './support/fleet.ts'
import { type MasterLayout, plainMaster, tlsMaster } from './support/layout.ts'
import {
  accessLogOf,
  compilesOn,
  endMaster,
  masterPid,
  masterReady,
  signalMaster,
  startMaster
} from './support/master.ts'
import { writeMasterConfig } from './support/master-config.ts'
import { operate, shortName, startProxy, stateOf } from './support/proxy.ts'

const AGENTS = 3
const COMPILE_SECONDS = 3
const DEADLINE_MS = 120_000
/** A frozen machine is found within three probes of a second; then its runs take their way anew. */
const FREEZE_MS = 30_000
const FREEZE_COSTS_MS = 20_000

const proxy = await startProxy({ name: 'membership' })
t.teardown(proxy.end)
t.teardown(() => signalMaster(plainMaster, 'SIGCONT'))

// Not one of their runs may fail.
const fleet = await startFleet(AGENTS, COMPILE_SECONDS)
const { done } = fleet

t.test('a master in maintenance gets no request', async t => {
  await operate('maint', shortName(tlsMaster))
  t.ok(await reaches(async () => (await compilesOn(tlsMaster)) === 0, DEADLINE_MS), 'what it had has ended')
  // Its own status, which was asked for just now, stands there as well.
  const noted = () => accessLogOf(tlsMaster).filter(line => !line.includes('jruby-metrics'))
  const before = noted().length
  const ended = done.length
  t.ok(await reaches(async () => done.length >= ended + AGENTS, DEADLINE_MS), 'runs go on')
  t.same(noted().slice(before), [], 'not even a probe')
  await operate('undrain', shortName(tlsMaster))
  t.ok(await becomes(tlsMaster, 'up'))
})

for (const master of [tlsMaster, plainMaster]) {
  t.test(`${shortName(master)} is drained, restarted and taken back`, async t => {
    t.ok(await onceItCompiles(master, [other(master)]), 'it compiles when it is drained')
    await operate('drain', shortName(master), '--wait')
    t.equal(await compilesOn(master), 0, 'and does nothing any more when that is said')
    const before = masterPid(master)
    await restart(master)
    t.not(masterPid(master), before, 'it is another process')
    await operate('undrain', shortName(master))
    t.ok(await becomes(master, 'up'))
  })
}

t.test('a master that freezes in the middle of runs costs none of them much', async t => {
  const usualMs = median(done.map(({ ms }) => ms))
  let frozenMs = Number.NaN
  const freeze = () => {
    frozenMs = performance.now()
    signalMaster(plainMaster, 'SIGSTOP')
  }
  t.ok(await onceItCompiles(plainMaster, [other(plainMaster)], freeze), 'in a compile')
  t.ok(await becomes(plainMaster, 'silent'))
  const leftMs = FREEZE_MS - (performance.now() - frozenMs)
  await new Promise(resolve => setTimeout(resolve, leftMs))
  signalMaster(plainMaster, 'SIGCONT')
  t.ok(await becomes(plainMaster, 'up'), 'and it is back')
  await fleet.end()
  const met = done.filter(({ sinceMs, ms }) => sinceMs + ms > frozenMs)
  const costsMs = met.map(({ ms }) => Math.round(ms - usualMs))
  t.comment(`it cost ${costsMs.join(', ')} ms`)
  t.same(
    costsMs.filter(costMs => costMs > FREEZE_COSTS_MS),
    []
  )
})

t.test('and none of the runs has failed', async t => {
  t.comment(`${done.length} runs, in the middle ${Math.round(median(done.map(({ ms }) => ms)))} ms`)
  for (const { end } of done) t.ok([0, 2].includes(end.status), `ended with ${end.status}`, end)
})

function becomes(master: MasterLayout, state: string): Promise<boolean> {
  return reaches(async () => (await stateOf(shortName(master))) === state, DEADLINE_MS)
}

/** With one JRuby, as the last tests want it. */
async function restart(master: MasterLayout): Promise<void> {
  writeMasterConfig({ ...master, jrubies: 1 })
  await endMaster(master, 'SIGTERM')
  startMaster(master)
  await masterReady(master)
}

function other(master: MasterLayout): string {
  return shortName(master === tlsMaster ? plainMaster : tlsMaster)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
