import type { Logger } from 'pino'
import type { EventLog } from '../model/event.ts'
import type { Settings } from '../model/settings.ts'
import type { SlotTable } from '../shared/slots/types.ts'
import { keyOf, type Proposal, type Roster } from './roster.ts'
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

/** A change of membership that is ready. */
export interface MembershipChange {
  /** Puts it in force. */
  readonly commit: () => void
  /** To be called once it is published: those leave at once who have nothing to wait for. */
  readonly seeOff: () => void
}

/** A change of membership made ready: those who join are seated and were probed once. */
export async function prepareMembership(
  settings: Settings,
  { roster, supervisor, seating, slots, log, events }: MembershipChangeDeps
): Promise<MembershipChange> {
  const named = new Set(settings.masters.map(keyOf))
  await seating.makeRoom(newSeats(settings, roster), master => named.has(keyOf(master)))
  const release = seating.hold()
  let proposal: Proposal
  try {
    proposal = roster.propose(settings)
    await supervisor.watch(proposal.joining)
  } catch (error) {
    release()
    throw error
  }
  const { joining, leaving, ca } = proposal
  const oldCa = roster.current().ca
  return {
    commit() {
      release()
      roster.adopt(proposal)
      // Whoever takes over from all the others has no time to warm up.
      const othersServe = proposal.masters.some(
        each =>
          !joining.includes(each) &&
          each.mode === 'active' &&
          each.weight > 0 &&
          supervisor.stateOf(each.id) === 'up'
      )
      for (const { name, url, seat, id } of joining) {
        log.info({ master: name, url }, 'master joins')
        events.add({ kind: 'master-joined', text: `${name} joins at ${url}`, master: name })
        if (othersServe && id !== ca.id) void slots.startSlowly(seat)
      }
    },
    /** Those that leave without anything to wait for. */
    seeOff() {
      if (leaving.includes(oldCa)) seating.vacate(oldCa)
    }
  }
}

/** How many more seats settings need, the worst case being that all names are new. */
function newSeats({ masters, ca }: Settings, roster: Roster): number {
  const current = roster.current()
  const known = new Set(current.masters.map(keyOf))
  const joining = masters.filter(master => !known.has(keyOf(master))).length
  return joining + (current.ca.url === ca.url ? 0 : 1)
}
