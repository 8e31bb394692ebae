import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createEligibility } from '../balance/eligibility.ts'
import { toDefault } from '../balance/routes.ts'
import type { Master } from '../model/master.ts'
import type { PlaneStart, Publication, Report } from '../model/messages.ts'
import { queueLimit } from '../model/pool.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Settings } from '../model/settings.ts'
import { askedPools, poolsIn, type Snapshot } from '../model/snapshot.ts'
import { openSharedMemory } from '../shared/memory.ts'
import { createMasterForgetter, createPoolForgetter } from '../telemetry/forget-master.ts'
import { createTrafficMetrics } from '../telemetry/metrics.ts'
import { createPools } from '../upstream/pools.ts'
import { createEntrance, type Entrance } from './accept/entrance.ts'
import { usualTimeouts } from './accept/listener.ts'
import { createReception } from './accept/reception.ts'
import { createRoom } from './accept/room.ts'
import { createGeneration } from './generation.ts'
import { createRequestHistory } from './history.ts'

/** What the parts of a plane share. */
export interface PlaneContext {
  readonly start: PlaneStart
  readonly runtime: Runtime
  readonly log: Logger
  readonly tell: (report: Report) => void
}

export type PlaneState = ReturnType<typeof createState>

/** What a plane goes by, and what it counts in. */
export function createState({ start, runtime, log }: PlaneContext) {
  let { snapshot, settings, revoked, caDocuments } = start.publication
  const memory = openSharedMemory(start.boot, runtime, start.memory)
  const { board, slots, turns, connections: table } = memory
  const masterOnSeat = new Map<number, Master>()
  let eligibility = createEligibility(snapshot)
  let mostWaiting = queueLimitOf(settings, snapshot)
  const deps = {
    // What a master does for others counts like what it does for us, and what it failed too soon as if it still ran.
    busyness: ({ seat }: Master) =>
      (board.inFlight(seat) + slots.foreign(seat) + slots.failed(seat)) / Math.max(1, slots.warm(seat)),
    random: runtime.random,
    nextTurn: (masters: readonly Master[]) => turns.next(start.worker, masters)
  }
  let generation = createGeneration(settings, deps)
  const registry = new Registry()
  const history = createRequestHistory({
    now: runtime.now,
    tier: goal => eligibility.poolFor(goal ?? toDefault).tier,
    poolOf: goal => eligibility.poolFor(goal).name,
    inFlight: board.inFlight,
    taken: slots.taken,
    foreign: slots.foreign,
    failed: slots.failed,
    capacity: slots.capacity,
    warm: slots.warm
  })
  const metrics = createTrafficMetrics(registry)
  const room = createRoom({
    ...{ start, table, metrics, now: runtime.now, log },
    makeRoom: address => entrance.makeRoom(address)
  })
  const entrance: Entrance = createEntrance({
    ...{ worker: start.worker, table, limits: room.limits },
    now: runtime.now
  })
  const reception = createReception({
    ...{ entrance, settings, metrics, runtime, log },
    timeoutMs: usualTimeouts.handshakeMs
  })
  const pools = createPools(settings.upstream, room.descriptors, runtime)
  const forgetMastersBut = createMasterForgetter(metrics)
  const forgetPoolsBut = createPoolForgetter(metrics)
  seatMasters()

  /** Who left keeps its place here until another one sits there: what it was given may only come to light now. */
  function seatMasters(): void {
    for (const master of [...snapshot.masters, snapshot.ca]) masterOnSeat.set(master.seat, master)
  }

  return {
    ...memory,
    pools,
    limits: room.limits,
    descriptors: room.descriptors,
    entrance,
    reception,
    registry,
    history,
    metrics,
    snapshot: () => snapshot,
    settings: () => settings,
    revoked: () => revoked,
    caDocuments: () => caDocuments,
    eligibility: () => eligibility,
    generation: () => generation,
    queueLimit: () => mostWaiting,
    masterAt: (seat: number) => masterOnSeat.get(seat) as Master,
    apply(publication: Publication) {
      if (publication.settings) {
        settings = publication.settings
        generation = createGeneration(settings, deps)
        pools.configure(settings.upstream)
        reception.configure(settings)
      }
      if (publication.revoked) revoked = publication.revoked
      if (publication.caDocuments) caDocuments = publication.caDocuments
      if (publication.snapshot) snapshot = publication.snapshot
      room.configure(settings, snapshot.masters)
      mostWaiting = queueLimitOf(settings, snapshot)
      if (!publication.snapshot) return
      eligibility = createEligibility(snapshot)
      seatMasters()
      const members = [...snapshot.masters, snapshot.ca]
      pools.retain(members)
      void forgetMastersBut(members.map(({ name }) => name))
      void forgetPoolsBut(poolsIn(snapshot).map(({ name }) => name))
    }
  }
}

function queueLimitOf({ queue, listen }: Settings, snapshot: Snapshot): number {
  return queueLimit(queue.limit, askedPools(snapshot, listen.tcp).length)
}
