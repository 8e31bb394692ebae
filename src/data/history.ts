import { orderOf } from '../balance/policy.ts'
import { byRendezvous } from '../balance/rendezvous.ts'
import type { Goal } from '../balance/routes.ts'
import type { Candidate, Explanation, Reasons } from '../model/explanation.ts'
import type { Master } from '../model/master.ts'
import { conditionsOf } from '../model/route.ts'
import { newRecord, type RequestRecord, tenths } from './request-record.ts'

/** Requests a worker remembers: minutes of a busy site, for some hundred bytes each. */
export const REMEMBERED = 4_000

export interface RequestHistoryDeps {
  readonly now: () => number
  /** The best tier that serves a goal. */
  readonly tier: (goal: Goal | undefined) => readonly Master[]
  /** The name of the pool that serves it. Default: nobody asks. */
  readonly poolOf?: (goal: Goal) => string
  readonly inFlight: (seat: number) => number
  readonly taken: (seat: number) => number
  readonly foreign: (seat: number) => number
  readonly failed: (seat: number) => number
  readonly warm: (seat: number) => number
  readonly capacity: (seat: number) => number
  readonly size?: number
}

/** The last requests of this worker, and what they were decided by. */
export interface RequestHistory {
  /** Remembers a request from now on; forgets the oldest. */
  readonly open: (id: string) => RequestRecord
  /**
   * Its first master is to be chosen now: notes how the masters look. `rule` as in `Rule`, `policy` being replaced by
   * the name of the policy.
   */
  readonly note: (record: RequestRecord, rule: string, pinned: Master | undefined) => void
  readonly reasonsOf: (record: RequestRecord) => Reasons
  readonly find: (id: string) => Explanation | undefined
}

/** Numbers a master, in this order: open, taken, foreign, failed, capacity, warm. */
const NUMBERS = 6

/**
 * Numbers are noted as they are and scores worked out when somebody asks: a request costs one small record and
 * no string.
 */
export function createRequestHistory(deps: RequestHistoryDeps): RequestHistory {
  const { now, size = REMEMBERED } = deps
  const ring: (RequestRecord | undefined)[] = Array.from({ length: size }, () => undefined)
  let count = 0

  function reasonsOf(record: RequestRecord): Reasons {
    const { rule, pinned, turns, turnsLeftOut } = record
    return {
      rule,
      pinned,
      ...placeOf(record),
      candidates: candidatesOf(record),
      tried: turns.map(({ master, end = 'open', ms, sinceMs }) => ({
        master,
        end,
        ms: tenths(end === 'open' ? now() - sinceMs : ms)
      })),
      ...(turnsLeftOut > 0 && { leftOut: turnsLeftOut })
    }
  }

  function numbersOf(tier: readonly Master[]): readonly number[] {
    // Of its final length at once: one that is pushed to leaves its predecessors behind, and room for more.
    const numbers = new Array<number>(tier.length * NUMBERS)
    let at = 0
    for (const { seat } of tier) {
      numbers[at++] = deps.inFlight(seat)
      numbers[at++] = deps.taken(seat)
      numbers[at++] = deps.foreign(seat)
      numbers[at++] = deps.failed(seat)
      numbers[at++] = deps.capacity(seat)
      numbers[at++] = deps.warm(seat)
    }
    return numbers
  }

  return {
    open(id) {
      const record = newRecord(id, now())
      ring[count++ % size] = record
      return record
    },
    note(record, rule, pinned) {
      if (record.rule !== 'none') return
      record.rule = rule
      record.pinned = pinned?.name
      if (rule === 'ca') return
      record.pool = record.goal && deps.poolOf?.(record.goal)
      record.tier = deps.tier(record.goal)
      record.numbers = numbersOf(record.tier)
    },
    reasonsOf,
    find(id) {
      const record = ring.find(each => each?.id === id)
      return record && explain(record, reasonsOf(record), now())
    }
  }
}

/** Whose masters it wanted, where there are routes. */
function placeOf({ pool, goal, route }: RequestRecord): Pick<Reasons, 'pool' | 'route'> {
  if (pool === undefined || !goal) return {}
  return {
    pool,
    ...(route && {
      route: {
        number: goal.route + 1,
        place: route.place,
        conditions: conditionsOf(route),
        pool: route.pool,
        ...(route.otherwise !== undefined && { otherwise: route.otherwise })
      }
    })
  }
}

function candidatesOf({ tier, numbers, summary, rule }: RequestRecord): Candidate[] {
  const isByName = rule === 'certname' || rule === 'rendezvous'
  const key = summary.certname ?? summary.remote ?? ''
  const order = isByName ? orderOf(byRendezvous, tier, { key }) : []
  return tier.map((master, index) => {
    const [own = 0, taken = 0, foreign = 0, failed = 0, capacity = 0, warm = 0] = numbers.slice(
      index * NUMBERS
    )
    const open = own + foreign
    return {
      master: master.name,
      open,
      busy: taken + foreign,
      capacity,
      weight: master.weight,
      score: Math.round(((open + failed) / Math.max(1, warm) / master.weight) * 1_000) / 1_000,
      ...(warm < capacity && { started: warm }),
      ...(failed > 0 && { failed }),
      ...(isByName && { place: order.indexOf(master) + 1 })
    }
  })
}

function explain(record: RequestRecord, reasons: Reasons, nowMs: number): Explanation {
  const { id, summary, sinceMs, waitsSinceMs } = record
  const ageMs = nowMs - sinceMs
  const waitsMs = waitsSinceMs === undefined ? 0 : nowMs - waitsSinceMs
  return {
    id,
    remote: summary.remote,
    certname: summary.certname,
    class: summary.class,
    ...reasons,
    queueMs: tenths(summary.queueMs + waitsMs),
    durationMs: tenths(summary.durationMs ?? ageMs),
    ageMs: tenths(ageMs),
    status: summary.status,
    end: summary.durationMs === undefined ? 'open' : (summary.end ?? 'open'),
    ...(summary.cause !== undefined && { cause: summary.cause })
  }
}
