import { type Refused, workMinutes } from '../../model/overview.ts'

/** What was refused of late, from totals that are looked at once a minute. Bounded: the totals of some minutes. */
export interface RefusalBook {
  /** The totals as a minute begins. */
  readonly turn: (totals: Refused) => void
  /** What was added to `totals` since some `workMinutes` ago, since the start while there is less. */
  readonly recent: (totals: Refused) => Refused
}

export function createRefusalBook(): RefusalBook {
  const turns: Refused[] = [{ certificates: 0, limits: 0 }]
  return {
    turn(totals) {
      turns.push(totals)
      if (turns.length > workMinutes) turns.shift()
    },
    recent(totals) {
      const [before] = turns as [Refused]
      return {
        certificates: grown(before.certificates, totals.certificates),
        limits: grown(before.limits, totals.limits)
      }
    }
  }
}

/** A worker that died takes with it what it had counted. */
function grown(before: number, now: number): number {
  return Math.max(0, now - before)
}
