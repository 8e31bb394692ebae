import { poolsIn, type Snapshot } from '../model/snapshot.ts'
import type { SharedTables } from '../shared/memory.ts'
import type { SeatLimits } from '../shared/slots/types.ts'
import type { Supervisor } from './supervisor.ts'
import type { HeldElsewhere } from './takeover/held-elsewhere.ts'

/** Says in shared memory what each seat can take, and what other processes of this balancer have there. */
export function setSeatLimits(
  { slots, board }: Pick<SharedTables, 'slots' | 'board'>,
  snapshot: Snapshot,
  supervisor: Pick<Supervisor, 'watchOf'>,
  held: Pick<HeldElsewhere, 'lent' | 'connectionsOf'>
): void {
  void slots.setSeats(seatLimitsOf(snapshot, supervisor, held))
  for (const master of snapshot.masters) board.setElsewhere(master.seat, held.connectionsOf(master))
}

/** What each seat can take: JRubies and foreign load of those that take work of any kind. */
export function seatLimitsOf(
  snapshot: Snapshot,
  { watchOf }: Pick<Supervisor, 'watchOf'>,
  held: Pick<HeldElsewhere, 'lent'>
): ReadonlyMap<number, SeatLimits> {
  const { tiers, finishing, doubted } = snapshot
  const pools = poolsIn(snapshot)
  return new Map(
    [...tiers.flat(), ...finishing, ...doubted].map(master => {
      const load = watchOf(master.id)?.load
      const queues = pools
        .filter(pool => pool.tiers[0]?.includes(master))
        .reduce((bits, { queue }) => bits | (1 << queue), 0)
      const capacity = load?.capacity() ?? 0
      const limits = {
        capacity,
        foreign: load?.foreign() ?? 0,
        lent: held.lent(master, capacity),
        takesNewRuns: queues !== 0,
        queues
      }
      return [master.seat, limits] as const
    })
  )
}
