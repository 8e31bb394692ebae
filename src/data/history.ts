import { orderOf } from '../balance/policy.ts'
import { rendezvous } from '../balance/rendezvous.ts'
import type { Candidate, Explanation, Reasons, Rule } from '../model/explanation.ts'
import type { Master } from '../model/snapshot.ts'
import { type Decision, newDecision, tenths } from './request-record.ts'

/** Requests a worker remembers: minutes of a busy site, for some hundred bytes each. */
export const REMEMBERED = 4_000

export interface DecisionsDeps {
  readonly now: () => number
  /** Over all that were ever configured: a master's index is below this. */
  readonly masters: readonly Master[]
  /** The best tier that serves. */
  readonly tier: () => readonly Master[]
  readonly inFlight: (masterIndex: number) => number
  readonly taken: (masterIndex: number) => number
  readonly foreign: (masterIndex: number) => number
  readonly capacity: (masterIndex: number) => number
  readonly policyName: string
  readonly size?: number
}

/** The last requests of this worker, and what they were decided by. */
export interface Decisions {
  /** Remembers a request from now on; forgets the oldest. */
  readonly open: (id: string) => Decision
  /** Its first master is to be chosen now: notes how the masters look. */
  readonly choose: (decision: Decision, rule: Rule, pinned: number) => void
  readonly reasonsOf: (decision: Decision) => Reasons
  readonly find: (id: string) => Explanation | undefined
}

/** The order of an agent's name. */
const byName = rendezvous({ load: () => 0, random: () => 0 })

/** Numbers a master, in this order: open, taken, foreign, capacity. */
const NUMBERS = 4

/**
 * Numbers are noted as they are and scores worked out when somebody asks: a request costs one small record and
 * no string.
 */
export function createDecisions(deps: DecisionsDeps): Decisions {
  const { now, masters, size = REMEMBERED } = deps
  const ring: (Decision | undefined)[] = Array.from({ length: size }, () => undefined)
  const width = masters.length * NUMBERS
  const numbers = new Int32Array(size * width)
  let count = 0

  function candidatesOf({ tier, place, told, rule }: Decision): Candidate[] {
    const isByName = rule === 'certname' || (rule === 'policy' && deps.policyName === 'rendezvous')
    const key = told.certname ?? told.remote ?? ''
    const order = isByName ? orderOf(byName, [tier], { key, ticket: 0 }) : []
    return tier.map((master, index) => {
      const at = place * width + index * NUMBERS
      const [own = 0, taken = 0, foreign = 0, capacity = 0] = numbers.subarray(at, at + NUMBERS)
      const open = own + foreign
      return {
        master: master.name,
        open,
        busy: taken + foreign,
        capacity,
        weight: master.weight,
        score: Math.round((open / Math.max(1, capacity) / master.weight) * 1_000) / 1_000,
        ...(isByName && { place: order.indexOf(master) + 1 })
      }
    })
  }

  function reasonsOf(decision: Decision): Reasons {
    const { rule, pinned, turns } = decision
    return {
      rule: rule === 'policy' ? deps.policyName : rule,
      pinned: masters[pinned]?.name,
      // Who came after it may have written over its numbers.
      candidates: ring[decision.place] === decision ? candidatesOf(decision) : [],
      tried: turns.map(({ master, end = 'open', ms, sinceMs }) => ({
        master,
        end,
        ms: tenths(end === 'open' ? now() - sinceMs : ms)
      }))
    }
  }

  return {
    open(id) {
      const place = count++ % size
      const decision = newDecision(id, place, now())
      ring[place] = decision
      return decision
    },
    choose(decision, rule, pinned) {
      if (decision.rule !== 'none' || ring[decision.place] !== decision) return
      decision.rule = rule
      decision.pinned = pinned
      if (rule === 'ca') return
      decision.tier = deps.tier()
      let at = decision.place * width
      for (const { index } of decision.tier) {
        numbers[at++] = deps.inFlight(index)
        numbers[at++] = deps.taken(index)
        numbers[at++] = deps.foreign(index)
        numbers[at++] = deps.capacity(index)
      }
    },
    reasonsOf,
    find(id) {
      const decision = ring.find(each => each?.id === id)
      if (!decision) return undefined
      const { told, sinceMs, waitsSinceMs } = decision
      const ageMs = now() - sinceMs
      const waitsMs = waitsSinceMs === undefined ? 0 : now() - waitsSinceMs
      return {
        id,
        certname: told.certname,
        class: told.class,
        ...reasonsOf(decision),
        queueMs: tenths(told.queueMs + waitsMs),
        durationMs: tenths(told.durationMs ?? ageMs),
        ageMs: tenths(ageMs),
        status: told.status,
        end: told.durationMs === undefined ? 'open' : (told.end ?? 'open')
      }
    }
  }
}
