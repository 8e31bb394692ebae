import type { Eligible } from '../../src/balance/eligibility.ts'
import { type Rank, ranks } from '../../src/balance/queue-order.ts'
import type { NoSlot, SlotRequest, WaitLimits } from '../../src/data/http/slot-request.ts'
import { createWaitingRoom } from '../../src/data/http/wait.ts'
import type { Master } from '../../src/model/master.ts'
import { maskOf } from '../../src/model/seat-mask.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { SlotUser } from '../../src/shared/slots/types.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** Masters on the seats 0 and 1. */
export const pool = masters({ m0: 1, m1: 1 })
export const [m0, m1] = pool as [Master, Master]

/** Any of these masters; the pinned one is asked first. */
export function any(candidates: readonly Master[], pinned?: Master): Eligible {
  const all = pinned ? [pinned, ...candidates] : candidates
  return { pinned, candidates, mask: maskOf(all.map(({ seat }) => seat)) }
}

interface Setting {
  /** JRubies of each master. */
  readonly capacity?: number
  /** Most requests that may wait. */
  readonly limit?: number
  readonly timeoutMs?: number
  readonly workers?: number
  /** Entries of each worker in the table. */
  readonly entries?: number
  readonly masters?: readonly Master[]
  /** Stands between the room and the table. */
  readonly userOf?: (user: SlotUser) => SlotUser
}

/** A waiting room whose masters take work, and a log of who was told what. */
export async function setUp({
  capacity = 1,
  limit = 10,
  timeoutMs = 600_000,
  workers = 1,
  entries = 64,
  masters = [m0],
  userOf = user => user
}: Setting = {}) {
  const runtime = fakeRuntime()
  const table = createSlotTable({ workers, entries }, runtime)
  await table.setSeats(
    new Map(masters.map(({ seat }) => [seat, { capacity, foreign: 0, takesNewRuns: true }]))
  )
  const defects: unknown[] = []
  const room = createWaitingRoom({
    user: userOf(table.join(0)),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(ranks.indexOf('catalog')),
    hasRoom: table.hasRoom,
    hasWarmRoom: table.hasWarmRoom,
    masterAt: seat => pool[seat] as Master,
    onDefect: error => defects.push(error)
  })
  const log: string[] = []
  const limits = (rest: Partial<WaitLimits>) => () => ({
    untilMs: runtime.now() + timeoutMs,
    mayWaitOn: () => false,
    latestMs: Number.POSITIVE_INFINITY,
    awayUntilMs: undefined,
    ...rest
  })
  const ask = (name: string, rank: Rank = 'catalog', rest: Partial<SlotRequest> = {}) =>
    room.ask({
      rank,
      sinceMs: runtime.now(),
      limit,
      limits: limits({}),
      eligible: any([m0]),
      eligibleAnew: () => rest.eligible ?? any([m0]),
      pick: candidates => candidates[0],
      settle: (result: Master | NoSlot) => log.push(typeof result === 'string' ? `${name} ${result}` : name),
      fail: defect => log.push(`${name} failed: ${(defect as Error).message}`),
      ...rest
    })
  return { runtime, table, room, log, ask, limits, defects }
}

/** A request that tells which master it got. */
export const tellsWhere = (log: string[], name: string): Pick<SlotRequest, 'settle'> => ({
  settle: result => log.push(`${name} ${typeof result === 'string' ? result : result.name}`)
})
