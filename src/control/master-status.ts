import type { Master, MasterState } from '../model/master.ts'
import { poolsOf } from '../model/pool.ts'
import type { MasterStatus, ShownMode } from '../model/status.ts'
import type { SharedTables } from '../shared/memory.ts'
import type { Drains } from './drains.ts'
import type { JoinedMembers } from './joined-members.ts'
import type { Roster } from './roster.ts'
import type { Supervisor } from './supervisor.ts'

export interface MasterStatusDeps {
  readonly roster: Pick<Roster, 'current'>
  readonly supervisor: Pick<Supervisor, 'stateOf' | 'watchOf'>
  readonly memory: Pick<SharedTables, 'board'>
  readonly members: Pick<JoinedMembers, 'current'>
  readonly drains: Pick<Drains, 'isDrained'>
}

/** A master's state, and why it is not up. */
export function stateAndCauseOf(
  { id, mode }: Master,
  { supervisor }: Pick<MasterStatusDeps, 'supervisor'>
): { readonly state: MasterState; readonly cause: string | null } {
  const watch = supervisor.watchOf(id)
  if (!watch) return { state: 'unknown', cause: mode === 'maint' ? 'in maintenance' : 'was not asked yet' }
  return { state: supervisor.stateOf(id), cause: watch.cause() }
}

export function shownModeOf({ id, mode }: Master, { drains }: Pick<MasterStatusDeps, 'drains'>): ShownMode {
  return mode === 'draining' && drains.isDrained(id) ? 'drained' : mode
}

/** All compile masters, as `/api/masters` shows them. */
export function masterStatuses(deps: MasterStatusDeps): readonly MasterStatus[] {
  const { roster, supervisor, memory, members } = deps
  const configured = new Map(members.current().masters.map(({ name, weight }) => [name, weight]))
  return roster.current().masters.map(master => {
    const { name, url, source, weight, priority, seat, id } = master
    return {
      name,
      url,
      pools: poolsOf(master),
      source,
      ...stateAndCauseOf(master, deps),
      mode: shownModeOf(master, deps),
      weight,
      configuredWeight: configured.get(name) ?? weight,
      priority,
      capacity: supervisor.watchOf(id)?.load?.capacity() ?? 0,
      inFlight: memory.board.inFlight(seat)
    }
  })
}
