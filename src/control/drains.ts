import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Master } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import type { RemainingWork } from './remaining-work.ts'
import type { Roster } from './roster.ts'

/** How often masters that drain are looked at. */
const LOOK_MS = 500

export interface DrainsDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly work: RemainingWork
  /** Resolves once every plane goes by all that was published until now. */
  readonly whenApplied: () => Promise<void>
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Tells when masters that drain have nothing left: no request, and no run that is pinned to them. */
export interface Drains {
  /** Looks after those that drain now and from now on. */
  readonly start: () => void
  /** Another membership is in force: who does not drain any more is no longer drained, however soon it drains anew. */
  readonly changed: () => void
  readonly isDrained: (id: number) => boolean
  readonly stop: () => void
}

export function createDrains({ roster, work, whenApplied, runtime, log, events }: DrainsDeps): Drains {
  const drained = new Set<number>()
  /** Memberships until now. */
  let changes = 0
  let cancel = () => {}
  let stopped = false

  const draining = () => roster.current().masters.filter(({ mode }) => mode === 'draining')

  function tell({ id, name }: Master): void {
    drained.add(id)
    log.info({ master: name }, 'master is drained: it has no request and no run left')
    events.add({ kind: 'master-drained', text: `${name} is drained`, master: name })
  }

  /**
   * A plane that has not heard of a drain yet may still give it work: so it counts what is left after that. Should it be
   * another drain by then, the next look sees to it.
   */
  async function confirm(ended: readonly Master[]): Promise<void> {
    const before = changes
    await whenApplied()
    if (stopped || changes !== before) return
    for (const master of ended) if (!drained.has(master.id) && work.hasEnded(master)) tell(master)
  }

  function look(): void {
    const now = draining()
    // It may answer something that no run is made of.
    for (const each of now) if (!work.isIdle(each)) drained.delete(each.id)
    const ended = now.filter(each => !drained.has(each.id) && work.hasEnded(each))
    if (ended.length > 0) void confirm(ended)
    schedule()
  }

  function schedule(): void {
    if (!stopped) cancel = runtime.schedule(LOOK_MS, look)
  }

  return {
    start: schedule,
    changed() {
      changes++
      const ids = new Set(draining().map(({ id }) => id))
      for (const id of drained) if (!ids.has(id)) drained.delete(id)
    },
    isDrained: id => drained.has(id),
    stop() {
      stopped = true
      cancel()
    }
  }
}
