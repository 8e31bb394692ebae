import {
  type MembershipChange,
  type MembershipChangeDeps,
  maintainNow,
  prepareMembership
} from './membership-change.ts'
import {
  describeOverride,
  isIn,
  noOverlay,
  type Overlay,
  type Override,
  overlaid,
  saidOf,
  withoutNames
} from './overlay.ts'
import type { NamedCa, NamedMaster } from './sources/join.ts'

/** What a membership is made of, joined by name. */
export interface MemberParts {
  /** As the sources name them. */
  readonly masters: readonly NamedMaster[]
  readonly ca: NamedCa
  /** What operators said of them. */
  readonly overlay: Overlay
}

/** A change that is ready, and what it does beside that, one sentence each. */
export interface PreparedMembers extends MembershipChange {
  readonly commit: () => void
  /** To be asked once it is in force. */
  readonly remarks: () => readonly string[]
}

/** What an operator says of masters, as it changes the overlay. */
export type Saying = (overlay: Overlay) => Overlay

/**
 * The parts in force, and the one way to others, whoever wants them: a reload, DNS or an operator. Changes are made one
 * after the other, in the queue of changes.
 */
export interface JoinedMembers {
  readonly current: () => MemberParts
  /** Other parts from the begin: before anybody is probed, told or served. */
  readonly begin: (parts: Partial<MemberParts>) => void
  /** Makes a change of some parts ready. Rejects with a NoSeatError. */
  readonly prepare: (parts: Partial<MemberParts>) => Promise<PreparedMembers>
  /**
   * A change that is ready at once: masters go into maintenance. It may be put in force while others are prepared; it holds
   * over those, and over what was said before and waits. `isAlone`: whether there is none of either.
   */
  readonly hasten: (saying: Saying, isAlone: () => boolean) => PreparedMembers
  /** How much was hastened until now. */
  readonly mark: () => number
  /** An overlay with what was hastened since a mark. */
  readonly withHastened: (overlay: Overlay, since: number) => Overlay
}

/** `first` is in force already. */
export function createJoinedMembers(first: MemberParts, deps: MembershipChangeDeps): JoinedMembers {
  let current = first
  let hastened: Saying[] = []
  const mark = () => hastened.length
  const withHastened = (overlay: Overlay, since: number) =>
    hastened.slice(since).reduce((said, saying) => saying(said), overlay)

  return {
    current: () => current,
    mark,
    withHastened,
    hasten: (saying, isAlone) => ({
      seeOff() {},
      remarks: () => [],
      // All at once: whoever counts what was hastened, and whoever reads what is in force, see the same.
      commit() {
        hastened = isAlone() ? [] : [...hastened, saying]
        current = { ...current, overlay: saying(current.overlay) }
        maintainNow(wantedOf(current), deps)
      }
    }),
    begin(parts) {
      current = { ...current, ...parts }
      const proposal = deps.roster.propose(wantedOf(current))
      deps.roster.adopt(proposal)
      for (const { id, seat } of proposal.leaving) {
        deps.roster.dismiss(id)
        deps.roster.free(seat)
      }
    },
    async prepare(parts) {
      const since = mark()
      const named = { ...current, ...parts }
      const gone = namesTakenOut(current, named)
      const saidNow = () => withHastened(named.overlay, since)
      const change = await prepareMembership(
        wantedOf({ ...named, overlay: withoutNames(saidNow(), gone) }),
        deps
      )
      let remarks: readonly string[] = []
      return {
        ...change,
        remarks: () => remarks,
        commit() {
          const said = saidNow()
          current = { ...named, overlay: withoutNames(said, gone) }
          remarks = gone.flatMap(name => forgottenOf(name, said.get(name)))
          // Nor does a change that waits say it once more.
          if (gone.length > 0) hastened = hastened.map(saying => sparing(saying, gone))
          change.commit(name => saidOf(name, current.overlay).mode === 'maint')
        }
      }
    }
  }
}

/** The membership that is made of these parts. */
export function wantedOf({ masters, ca, overlay }: MemberParts) {
  return { masters: overlaid(masters, overlay), ca }
}

/** One sentence for each name that operators said something of. */
export function describeOverlay({ masters, overlay }: MemberParts): readonly string[] {
  const configured = new Map(masters.map(({ name, weight }) => [name, weight]))
  return [...overlay].map(([name, said]) => {
    const weight = configured.get(name)
    if (masters.some(master => isIn(master.name, name))) return describeOverride(name, said)
    if (weight === undefined) return `${describeOverride(name, said)}; there is no such master now`
    const compared = said.weight === undefined ? '' : `; the weight ${weight} is configured`
    return `${describeOverride(name, said)}${compared}`
  })
}

/** What operators said of names that are no masters: the names may come again. */
export function keptOf({ masters, overlay }: MemberParts): Overlay {
  if (overlay.size === 0) return noOverlay
  const names = masters.map(({ name }) => name)
  const groups = [...overlay.keys()].filter(key => names.some(name => isIn(name, key)))
  return withoutNames(overlay, [...names, ...groups])
}

/**
 * Names that the file names no more: what operators said of them is forgotten. Whoever took one out meant it; who is no more
 * named by DNS may be so again.
 */
function namesTakenOut(before: MemberParts, next: MemberParts): readonly string[] {
  const names = new Set(next.masters.map(({ name }) => name))
  return before.masters
    .filter(({ name, source }) => source === 'file' && !names.has(name))
    .map(({ name }) => name)
}

function forgottenOf(name: string, said: Override | undefined): readonly string[] {
  if (!said) return []
  const what = describeOverride(name, said)
  return [`${what}: that is forgotten, for the configuration names no ${name} any more`]
}

/** The same said of all but some names, of which holds what held. */
function sparing(saying: Saying, names: readonly string[]): Saying {
  return overlay => {
    const said = new Map(withoutNames(saying(overlay), names))
    for (const name of names) {
      const before = overlay.get(name)
      if (before) said.set(name, before)
    }
    return said
  }
}
