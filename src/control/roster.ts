import { idOf, type Master, type MasterMode, seatCount } from '../model/master.ts'
import type { NamedCa, NamedMaster } from './sources/join.ts'

/** Why a roster cannot be had: an Error with a sentence for the operator. */
export class NoSeatError extends Error {
  override readonly name = 'NoSeatError'
}

/** A member as its source names it and operators want it. */
export interface MemberSettings extends NamedMaster {
  /** Default: active. */
  readonly mode?: Exclude<MasterMode, 'leaving'>
}

/** What a membership is to be. */
export interface Wanted {
  readonly masters: readonly MemberSettings[]
  readonly ca: NamedCa
}

/** Who is a member: compile masters, those included that leave and end their work, and the CA. */
export interface Membership {
  readonly masters: readonly Master[]
  readonly ca: Master
}

/** A membership that can be adopted, and what it changes. */
export interface Proposal extends Membership {
  /** Those who sit down anew. */
  readonly joining: readonly Master[]
  /** Members until now that are not any more. */
  readonly leaving: readonly Master[]
}

/**
 * Owns membership and seats. A master with the same name and URL keeps its id, and with it its health, slots and pins;
 * one whose URL changed is another master. Who is no longer named leaves: it stays a member in mode `leaving` until
 * its work has ended, and comes back as the same one when it is named again in the meantime.
 */
export interface Roster {
  readonly current: () => Membership
  /** What the membership would be. Changes nothing. Throws a NoSeatError. */
  readonly propose: (wanted: Wanted) => Proposal
  readonly adopt: (proposal: Proposal) => void
  /** A master that was leaving is none of the members any more. Its seat stays taken until `free`. */
  readonly dismiss: (id: number) => void
  /** Nothing is counted at a seat any more and every plane knows that it is vacant. */
  readonly free: (seat: number) => void
  /** Seats that nobody sits on. */
  readonly freeSeats: () => number
}

export function createRoster(): Roster {
  const epochs = new Int32Array(seatCount)
  /** Lowest first. */
  const free = new Set(Array.from({ length: seatCount }, (_, seat) => seat))
  let current: { readonly masters: readonly Master[]; readonly ca: Master | undefined } = {
    masters: [],
    ca: undefined
  }

  return {
    current: () => ({ masters: current.masters, ca: current.ca as Master }),
    propose({ masters: wanted, ca }) {
      const seats = [...free].sort((a, b) => a - b)
      const joining: Master[] = []
      const seated = (settings: MemberSettings): Master => {
        const seat = seats.shift()
        if (seat === undefined) throw new NoSeatError(noSeat(current.masters))
        const master = memberOf(settings, { id: idOf(seat, epochs[seat] as number), seat })
        joining.push(master)
        return master
      }
      const known = new Map(current.masters.map(master => [keyOf(master), master]))
      const members = wanted.map(settings => {
        const member = known.get(keyOf(settings))
        return member ? memberOf(settings, member) : seated(settings)
      })
      const named = new Set(members.map(({ id }) => id))
      const gone = current.masters.filter(({ id }) => !named.has(id))
      const leaving = gone.map(master => Object.freeze({ ...master, mode: 'leaving' as const }))
      const newCa =
        current.ca?.url === ca.url
          ? memberOf({ ...caSettings, ...ca }, current.ca)
          : seated({ ...caSettings, ...ca })
      return {
        masters: Object.freeze([...members, ...leaving]),
        ca: newCa,
        joining,
        leaving: [
          ...gone.filter(({ mode }) => mode !== 'leaving'),
          ...(current.ca && current.ca.id !== newCa.id ? [current.ca] : [])
        ]
      }
    },
    adopt({ masters, ca, joining }) {
      for (const { seat } of joining) {
        free.delete(seat)
        epochs[seat] = (epochs[seat] as number) + 1
      }
      current = { masters, ca }
    },
    dismiss(id) {
      current = { ...current, masters: Object.freeze(current.masters.filter(master => master.id !== id)) }
    },
    free: seat => void free.add(seat),
    freeSeats: () => free.size
  }
}

/** How the CA appears among masters; its name is taken from nobody, since no master may have it. */
const caSettings = { name: 'ca', weight: 1, priority: 0, source: 'file' } as const

function memberOf(settings: MemberSettings, { id, seat }: Pick<Master, 'id' | 'seat'>): Master {
  return Object.freeze({ mode: 'active' as const, ...settings, id, seat })
}

/** What makes a master the same one over reloads. */
export function keyOf({ name, url }: Pick<Master, 'name' | 'url'>): string {
  return `${name} ${url}`
}

function noSeat(masters: readonly Master[]): string {
  const leaving = masters.filter(({ mode }) => mode === 'leaving').length
  return (
    `there is no room for another master yet: ${leaving} that left still end their work; ` +
    'try again when they are gone, or restart'
  )
}
