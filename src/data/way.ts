import { ranks } from '../balance/queue-order.ts'
import type { Master } from '../model/master.ts'
import type { Outcome } from '../model/messages.ts'
import { isLedTo, queueCount } from '../model/pool.ts'
import type { Snapshot } from '../model/snapshot.ts'
import { createBodyRoom } from './http/body-room.ts'
import { createCaPlaces } from './http/ca-places.ts'
import { createCodeSightings } from './http/code-sightings.ts'
import type { Delivery, DispatchDeps } from './http/delivery.ts'
import { dispatch } from './http/dispatch.ts'
import { fanOut } from './http/fan-out.ts'
import { createRequestsUnderWay } from './http/moving-on.ts'
import { createOutage } from './http/outage.ts'
import { createResponder, type Responder } from './http/respond.ts'
import { createRetryBudget } from './http/retry-budget.ts'
import { createReturnTimes } from './http/return-times.ts'
import type { ServeDeps } from './http/serve.ts'
import type { WaitingRoom } from './http/slot-request.ts'
import { createWaitingRoom } from './http/wait.ts'
import type { PlaneContext, PlaneState } from './plane-state.ts'

/** What only the front can do: it has the connections. */
type OfFront = 'endConversation' | 'onPinned'

/** The way of a request behind the listener. */
export interface Way {
  readonly responder: Responder
  readonly serveDeps: Omit<ServeDeps, OfFront>
  /** There is a new snapshot: those who wait may have others now, and those at masters that fell silent move on. */
  readonly reconsider: (snapshot: Snapshot) => void
  /** From now on nobody waits: those who do are told so. */
  readonly close: () => void
  readonly dropGhosts: WaitingRoom['dropGhosts']
}

/** One for each number that a pool can have. */
function byQueue<Each>(create: () => Each): (queue: number) => Each {
  const all = Array.from({ length: queueCount }, create)
  return queue => all[queue] as Each
}

/** Composition of its parts, no rules. */
export function createWay({ start, runtime, log, tell }: PlaneContext, state: PlaneState): Way {
  const { worker } = start
  const { board, slots, arrivals, metrics, history, snapshot } = state
  const { now, random, schedule, wallClock } = runtime
  const responder = createResponder({ metrics, log, random, schedule })
  const onDefect = (error: unknown) =>
    log.error({ err: error }, 'a request that waited failed inside the balancer')
  const waitingRoom = createWaitingRoom({
    user: slots.join(worker),
    runtime,
    depth: slots.depth,
    catalogs: queue => slots.waiting(ranks.indexOf('catalog'), queue),
    hasRoom: slots.hasRoom,
    hasWarmRoom: slots.hasWarmRoom,
    masterAt: state.masterAt,
    onDefect
  })
  const caPlaces = createCaPlaces({ workers: start.workers, runtime, onDefect })
  const underWay = createRequestsUnderWay()
  const dispatchDeps: DispatchDeps = {
    metrics,
    responder,
    now,
    schedule,
    random,
    upstreamOf: state.pools.of,
    begin: ({ seat }: Master) => board.begin(worker, seat),
    end: ({ seat }: Master) => board.end(worker, seat),
    report: (outcome: Outcome) => tell({ type: 'outcome', outcome }),
    addResult: state.results.add,
    addCompileMs: state.compileTimes.add,
    snapshot,
    news: {
      heard: ({ seat }) => arrivals.add(seat),
      causeOf: ({ id }) => snapshot().causes?.get(id)
    },
    sighted: createCodeSightings({
      now,
      tell: sighting => tell({ type: 'code', sighting }),
      onDefect: error => log.error({ err: error }, 'the code version of a catalog could not be read')
    }),
    underWay,
    waitingRoom,
    caPlaces,
    outages: { masters: byQueue(() => createOutage(now)), ca: createOutage(now) },
    bodyRoom: createBodyRoom({ memory: state.bodies.join(worker), now, onDefect }),
    hasRoom: ({ seat }: Master) => slots.hasRoom(seat),
    budgetOf: byQueue(() => createRetryBudget(now)),
    history
  }
  const serveDeps: Omit<ServeDeps, OfFront> = {
    responder,
    snapshot,
    eligibility: state.eligibility,
    generation: state.generation,
    queueLimit: state.queueLimit,
    revoked: state.revoked,
    wallClock,
    now,
    schedule,
    metrics,
    caDocuments: state.caDocuments,
    caDocumentRead: () => tell({ type: 'ca-document-read' }),
    seed: state.seed,
    pins: state.pins,
    forecastMs: slots.forecastMs,
    returnTimes: createReturnTimes({ depth: slots.depth, turns: state.returns, worker, runtime }),
    dispatch: (delivery: Delivery) => dispatch(delivery, dispatchDeps),
    fanOut: (exchange, identity) =>
      void fanOut(
        exchange,
        identity.headers,
        snapshot().masters.filter(master => master.mode !== 'leaving' && !isReachedRaw(master)),
        dispatchDeps
      )
  }
  const isReachedRaw = (master: Master) => isLedTo(master, state.settings().listen.tcp)
  const waiting = [waitingRoom, caPlaces]
  return {
    responder,
    serveDeps,
    reconsider(next) {
      for (const each of waiting) each.reconsider()
      underWay.reconsider(next)
    },
    close() {
      for (const each of waiting) each.close()
    },
    dropGhosts: waitingRoom.dropGhosts
  }
}
