import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import { type Master, takesNewRuns } from '../model/master.ts'
import { sharePool } from '../model/pool.ts'
import type { SlotTable } from '../shared/slots/types.ts'
import { keyOf, type Proposal, type Roster, type Wanted } from './roster.ts'
import type { Seating } from './seating.ts'
import type { Supervisor } from './supervisor.ts'

export interface MembershipChangeDeps {
  readonly roster: Roster
  readonly supervisor: Supervisor
  readonly seating: Seating
  readonly slots: Pick<SlotTable, 'startSlowly'>
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Puts those into maintenance of whom operators said so: nobody is probed for that. */
export function maintainNow(
  wanted: Wanted,
  { roster, supervisor }: Pick<MembershipChangeDeps, 'roster' | 'supervisor'>
): void {
  const proposal = roster.propose(wanted)
  roster.adopt(proposal)
  for (const { id, mode } of proposal.masters) if (mode === 'maint') supervisor.part(id)
}

/** A change of membership that is ready. */
export interface MembershipChange {
  /** Puts it in force. `isInMaint`: who is in maintenance by now, whatever was said when it was prepared. */
  readonly commit: (isInMaint?: (name: string) => boolean) => void
  /** To be called once it is published: those leave at once who have nothing to wait for. */
  readonly seeOff: () => void
}

/**
 * A change of membership made ready: those who join are seated, and they and those who come back from an operator's
 * hands were probed once.
 */
export async function prepareMembership(
  wanted: Wanted,
  deps: MembershipChangeDeps
): Promise<MembershipChange> {
  const { roster, supervisor, seating } = deps
  const named = new Set(wanted.masters.map(keyOf))
  await seating.makeRoom(newSeats(wanted, roster), master => named.has(keyOf(master)))
  const release = seating.hold()
  let proposal: Proposal
  let fresh: readonly Master[]
  try {
    proposal = roster.propose(wanted)
    fresh = toProbe(proposal, deps)
    await supervisor.watch(fresh)
  } catch (error) {
    release()
    throw error
  }
  const oldCa = proposal.leaving.find(({ id }) => id === roster.current().ca.id)
  return {
    commit(isInMaint = () => false) {
      release()
      const final = withMaintenance(proposal, isInMaint)
      roster.adopt(final)
      for (const { id, mode } of final.masters) if (mode === 'maint') supervisor.part(id)
      tellJoining(final, deps)
      startSlowly(final, fresh, deps)
    },
    /** Those that leave without anything to wait for. */
    seeOff() {
      if (oldCa) seating.vacate(oldCa)
    }
  }
}

function withMaintenance(proposal: Proposal, isInMaint: (name: string) => boolean): Proposal {
  const each = (master: Master): Master =>
    master.mode !== 'leaving' && isInMaint(master.name)
      ? Object.freeze({ ...master, mode: 'maint' as const })
      : master
  return {
    ...proposal,
    masters: Object.freeze(proposal.masters.map(each)),
    joining: proposal.joining.map(each)
  }
}

/**
 * Who is to be probed before the change is in force: those nobody watches, and those that operators give back to work.
 * What was known of these is from before they were patched.
 */
function toProbe(
  { masters, joining }: Proposal,
  { roster, supervisor }: MembershipChangeDeps
): readonly Master[] {
  const before = new Map(roster.current().masters.map(({ id, mode }) => [id, mode]))
  const isGivenBack = ({ id, mode }: Master) =>
    mode === 'active' && ['draining', 'maint'].includes(before.get(id) ?? '')
  const known = masters.filter(
    master =>
      !joining.includes(master) &&
      master.mode !== 'leaving' &&
      (isGivenBack(master) || !supervisor.watchOf(master.id))
  )
  return [...joining, ...known].filter(({ mode }) => mode !== 'maint')
}

function tellJoining({ joining }: Proposal, { log, events }: MembershipChangeDeps): void {
  for (const { name, url, mode } of joining) {
    const how = { active: '', draining: ', draining', maint: ', in maintenance', leaving: '' }[mode]
    log.info({ master: name, url, mode }, 'master joins')
    events.add({ kind: 'master-joined', text: `${name} joins at ${url}${how}`, master: name })
  }
}

/** Whoever takes over from all the others has no time to warm up. */
function startSlowly(
  { masters, ca }: Proposal,
  fresh: readonly Master[],
  { supervisor, slots }: MembershipChangeDeps
): void {
  const probed = new Set(fresh.map(({ id }) => id))
  const serving = masters.filter(
    each => !probed.has(each.id) && takesNewRuns(each) && supervisor.stateOf(each.id) === 'up'
  )
  for (const master of masters.filter(({ id }) => probed.has(id))) {
    const { seat, id, mode } = master
    if (id === ca.id || mode !== 'active' || !serving.some(each => sharePool(each, master))) continue
    void slots.startSlowly(seat)
  }
}

/** How many more seats a membership needs, the worst case being that all names are new. */
function newSeats({ masters, ca }: Wanted, roster: Roster): number {
  const current = roster.current()
  const known = new Set(current.masters.map(keyOf))
  const joining = masters.filter(master => !known.has(keyOf(master))).length
  return joining + (current.ca.url === ca.url ? 0 : 1)
}
