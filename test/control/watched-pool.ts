import pino from 'pino'
import { createEventLog } from '../../src/control/event-log.ts'
import type { JRubyLoad } from '../../src/control/master-watch/jruby-load.ts'
import { createMasterWatch } from '../../src/control/master-watch/master-watch.ts'
import type { ProbeResult } from '../../src/control/master-watch/probe.ts'
import { createRoster, type MemberSettings } from '../../src/control/roster.ts'
import { createSupervisor } from '../../src/control/supervisor.ts'
import type { Master } from '../../src/model/master.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { fakeRuntime } from '../support/runtime.ts'

const health = { path: '/status/v1/simple', intervalMs: 5_000, timeoutMs: 3_000, rise: 2, fall: 3 }
const good: ProbeResult = { healthy: true }
const bad: ProbeResult = { healthy: false, cause: 'ECONNREFUSED', isSlow: false, isOwnFault: false }
const slow: ProbeResult = { healthy: false, cause: 'timed out', isSlow: true, isOwnFault: false }
const dumb: ProbeResult = { ...slow, isSilent: true }

/** Masters by name, with what is to be said of them beside that. */
export type Pool = Readonly<Record<string, number | Partial<MemberSettings>>>

/** As much of the settings as a roster asks for. */
export const settingsOf = (pool: Pool, ca = 'https://ca.example.com:8140') => ({
  ca: { url: ca, addresses: [] },
  masters: Object.entries(pool).map(([name, of]) => ({
    name,
    url: `https://${name}.example.com:8140`,
    source: 'file' as const,
    addresses: [],
    weight: 1,
    priority: 0,
    ...(typeof of === 'number' ? { weight: of } : of)
  }))
})

/** A supervisor over a roster; what its masters would answer is said by the names in some sets. */
export function watchedPool(pool: Pool) {
  const runtime = fakeRuntime()
  const roster = createRoster()
  roster.adopt(roster.propose(settingsOf(pool)))
  const [sick, busy, full, cold, frozen] = Array.from({ length: 5 }, () => new Set<string>()) as [
    Set<string>,
    Set<string>,
    Set<string>,
    Set<string>,
    Set<string>
  ]
  const working = new Set<string>()
  const abandoned: string[] = []
  const probedAt = new Map<string, number[]>()
  const returned: string[] = []
  const snapshots: Snapshot[] = []
  const nameOf = (id: number) => roster.current().masters.find(master => master.id === id)?.name ?? ''
  const loadOf = (name: string) => ({
    start: async () => {},
    capacity: () => 4,
    isWarm: () => !cold.has(name),
    stop() {}
  })
  const supervisor = createSupervisor({
    membership: roster.current,
    fall: () => health.fall,
    isFull: id => full.has(nameOf(id)),
    isBusy: ({ name }) => working.has(name),
    abandoned: ({ name }) => abandoned.push(name),
    returned: master => returned.push(master.name),
    publish: snapshot => snapshots.push(snapshot),
    watch: (master, judge) =>
      createMasterWatch({
        ...judge,
        master: () => master,
        health: () => health,
        async probe() {
          const { name } = master
          probedAt.set(name, [...(probedAt.get(name) ?? []), runtime.now()])
          if (frozen.has(name)) return dumb
          return sick.has(name) ? bad : busy.has(name) ? slow : good
        },
        failed() {},
        successes: () => 0,
        ejected() {},
        load: loadOf(master.name) as unknown as JRubyLoad,
        runtime,
        log: pino({ level: 'silent' }),
        events: createEventLog(runtime.wallClock)
      })
  })
  const idOf = (name: string) =>
    [...roster.current().masters, roster.current().ca].find(master => master.name === name)?.id as number
  const names = (masters: readonly Master[] = []) => masters.map(({ name }) => name).join(' ')
  return {
    ...{
      runtime,
      roster,
      sick,
      busy,
      full,
      cold,
      frozen,
      returned,
      snapshots,
      supervisor,
      probedAt,
      working,
      abandoned
    },
    serving: () => snapshots.at(-1)?.tiers.map(names) ?? [],
    finishing: () => names(snapshots.at(-1)?.finishing),
    /** Those at which nothing is left that may be repeated. */
    silent: () => snapshots.at(-1)?.silent?.map(nameOf).join(' '),
    /** Those in maintenance for whom nobody waits. */
    givenUp: () => snapshots.at(-1)?.abandoned?.map(nameOf).join(' '),
    doubted: () => names(snapshots.at(-1)?.doubted),
    idOf,
    stateOf: (name: string) => supervisor.stateOf(idOf(name)),
    async start() {
      const { masters, ca } = roster.current()
      await supervisor.watch([...masters, ca])
      supervisor.open()
      supervisor.refresh()
    },
    eject(name: string) {
      supervisor.report({ masterId: idOf(name), result: 'connect-failed', cause: 'ECONNREFUSED' })
    },
    /** As a reload does it: those who join are probed before they are members. */
    async become(pool: Pool, ca?: string) {
      const proposal = roster.propose(settingsOf(pool, ca))
      await supervisor.watch(proposal.joining)
      roster.adopt(proposal)
      supervisor.refresh()
    }
  }
}
