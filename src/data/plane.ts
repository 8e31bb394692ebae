import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createEligibility } from '../balance/eligibility.ts'
import { ranks } from '../balance/queue-order.ts'
import type { Master } from '../model/master.ts'
import type { Order, Outcome, PlaneStart, Publication, Report } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import { authoritiesOf } from '../pki/authorities.ts'
import { openSharedMemory } from '../shared/memory.ts'
import { createAccessLog } from '../telemetry/access-log.ts'
import { createMasterForgetter } from '../telemetry/forget-master.ts'
import { flushLog } from '../telemetry/log.ts'
import { createTrafficMetrics } from '../telemetry/metrics.ts'
import { createPools } from '../upstream/pools.ts'
import { createClientErrors } from './accept/client-errors.ts'
import { createConnections } from './accept/connections.ts'
import { createConversations } from './accept/conversation.ts'
import { createListener } from './accept/listener.ts'
import { createDrain } from './drain.ts'
import { createGeneration } from './generation.ts'
import { createRequestHistory } from './history.ts'
import { createBodyRoom } from './http/body-room.ts'
import type { Delivery, DispatchDeps } from './http/delivery.ts'
import { dispatch } from './http/dispatch.ts'
import { type Exchange, openExchange } from './http/exchange.ts'
import { fanOut } from './http/fan-out.ts'
import { createResponder } from './http/respond.ts'
import { createRetryBudget } from './http/retry-budget.ts'
import { createReturnTimes } from './http/return-times.ts'
import { type ServeDeps, serve } from './http/serve.ts'
import { createWaitingRoom } from './http/wait.ts'

/** A data plane that runs. */
export interface Plane {
  /** Ends it at once. */
  readonly stop: () => Promise<void>
}

/** What the parts of a plane share. */
interface PlaneContext {
  readonly start: PlaneStart
  readonly runtime: Runtime
  readonly log: Logger
  readonly tell: (report: Report) => void
}

/**
 * One data plane: a listener and the way of a request through it. Takes orders from `port` and reports there;
 * knows nothing else of the control plane.
 */
export async function startPlane(
  start: PlaneStart,
  port: MessagePort,
  runtime: Runtime,
  log: Logger
): Promise<Plane> {
  const tell = (report: Report) => port.postMessage(report)
  const context: PlaneContext = { start, runtime, log, tell }
  const state = createState(context)
  const way = createWay(context, state)
  const { listener, drain, connections } = await createFront(context, state, way)

  async function stop(): Promise<void> {
    listener.server.closeAllConnections()
    await listener.close()
    await state.pools.destroy()
    await flushLog(log)
  }

  function apply(publication: Publication): void {
    const before = state.settings()
    state.apply(publication)
    const { settings, revoked } = publication
    if (settings) {
      log.level = settings.log.level
      listener.setTls(settings.tls)
      if (settings.tls.ca !== before.tls.ca) connections.setAuthorities(authoritiesOf(settings.tls.ca))
    }
    if (revoked) connections.cutRevoked(revoked)
    if (publication.snapshot) way.waitingRoom.reconsider()
  }

  port.on('message', (order: Order) => {
    switch (order.type) {
      case 'publish':
        apply(order.publication)
        tell({ type: 'applied', version: order.publication.version })
        break
      case 'ghosts-done':
        way.waitingRoom.dropGhosts(order.masterId, order.leftBeforeMs)
        break
      case 'metrics':
        void state.registry
          .getMetricsAsJSON()
          .then(json => tell({ type: 'metrics', id: order.id, metrics: json }))
        break
      case 'why':
        tell({ type: 'why', id: order.id, explanation: state.history.find(order.requestId) })
        break
      case 'drain':
        void drain.start(order.timeoutMs).then(async cut => {
          await stop()
          tell({ type: 'drained', cut })
        })
    }
  })

  try {
    const { host, workers } = start.boot.listen
    const listening = await listener.listen({ host, port: start.port, shared: workers > 0 })
    tell({ type: 'listening', port: listening })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    tell({ type: 'failed', message, code })
  }
  return { stop }
}

type PlaneState = ReturnType<typeof createState>

/** What a plane goes by, and what it counts in. */
function createState({ start, runtime }: PlaneContext) {
  let { snapshot, settings, revoked } = start.publication
  const memory = openSharedMemory(start.boot, runtime, start.memory)
  const { board, slots, turns } = memory
  const pools = createPools(settings.upstream)
  const masterOnSeat = new Map<number, Master>()
  let eligibility = createEligibility(snapshot)
  const deps = {
    // Of its JRubies, those that work for others count like those that work for us.
    busyness: ({ seat }: Master) =>
      (board.inFlight(seat) + slots.foreign(seat)) / Math.max(1, slots.capacity(seat)),
    random: runtime.random,
    nextTurn: (masters: readonly Master[]) => turns.next(start.worker, masters)
  }
  let generation = createGeneration(settings, deps)
  const registry = new Registry()
  const history = createRequestHistory({
    now: runtime.now,
    tier: () => eligibility.tier,
    inFlight: board.inFlight,
    taken: slots.taken,
    foreign: slots.foreign,
    capacity: slots.capacity
  })
  const metrics = createTrafficMetrics(registry)
  const forgetAllBut = createMasterForgetter(metrics)
  seatMasters()

  /** Who left keeps its place here until another one sits there: what it was given may only come to light now. */
  function seatMasters(): void {
    for (const master of [...snapshot.masters, snapshot.ca]) masterOnSeat.set(master.seat, master)
  }

  return {
    ...memory,
    pools,
    registry,
    history,
    metrics,
    snapshot: () => snapshot,
    settings: () => settings,
    revoked: () => revoked,
    eligibility: () => eligibility,
    generation: () => generation,
    masterAt: (seat: number) => masterOnSeat.get(seat) as Master,
    apply(publication: Publication) {
      if (publication.settings) {
        settings = publication.settings
        generation = createGeneration(settings, deps)
        pools.configure(settings.upstream)
      }
      if (publication.revoked) revoked = publication.revoked
      if (!publication.snapshot) return
      snapshot = publication.snapshot
      eligibility = createEligibility(snapshot)
      seatMasters()
      const members = [...snapshot.masters, snapshot.ca]
      pools.retain(members)
      void forgetAllBut(members.map(({ name }) => name))
    }
  }
}

/** The way of a request behind the listener. */
function createWay({ start, runtime, log, tell }: PlaneContext, state: PlaneState) {
  const { worker } = start
  const { board, slots, metrics, history, snapshot } = state
  const { now, random, schedule, wallClock } = runtime
  const responder = createResponder({ metrics, log, random, schedule })
  const onDefect = (error: unknown) =>
    log.error({ err: error }, 'a request that waited failed inside the balancer')
  const waitingRoom = createWaitingRoom({
    user: slots.join(worker),
    runtime,
    depth: slots.depth,
    catalogs: () => slots.waiting(ranks.indexOf('catalog')),
    hasRoom: slots.hasRoom,
    masterAt: state.masterAt,
    onDefect
  })
  const dispatchDeps: DispatchDeps = {
    metrics,
    responder,
    now,
    schedule,
    upstreamOf: state.pools.of,
    begin: ({ seat }: Master) => board.begin(worker, seat),
    end: ({ seat }: Master) => board.end(worker, seat),
    report: (outcome: Outcome) => tell({ type: 'outcome', outcome }),
    waitingRoom,
    bodyRoom: createBodyRoom({ memory: state.bodies.join(worker), now, onDefect }),
    hasRoom: ({ seat }: Master) => slots.hasRoom(seat),
    budget: createRetryBudget(now),
    history
  }
  const serveDeps: Omit<ServeDeps, 'endConversation'> = {
    responder,
    snapshot,
    eligibility: state.eligibility,
    revoked: state.revoked,
    wallClock,
    now,
    seed: state.seed,
    pins: state.pins,
    forecastMs: slots.forecastMs,
    returnTimes: createReturnTimes({ depth: slots.depth, turns: state.returns, worker, runtime }),
    dispatch: (delivery: Delivery) => dispatch(delivery, dispatchDeps),
    fanOut: (exchange, identity) =>
      void fanOut(
        exchange,
        identity.headers,
        snapshot().masters.filter(({ mode }) => mode !== 'leaving'),
        dispatchDeps
      )
  }
  return { responder, waitingRoom, serveDeps }
}

/** What stands towards the agents: listener, connections, drain. */
async function createFront(
  { start, runtime, log }: PlaneContext,
  state: PlaneState,
  { responder, serveDeps }: ReturnType<typeof createWay>
) {
  const books = {
    metrics: state.metrics,
    accessLog: createAccessLog(log, () => state.settings().log.access),
    now: runtime.now,
    history: state.history,
    saysWhy: () => log.isLevelEnabled('debug'),
    generation: state.generation
  }
  const requestId = createRequestIds(start.worker, runtime)
  const conversations = createConversations()
  const clientErrors = createClientErrors({ ...books, conversations, requestId, schedule: runtime.schedule })
  const deps = {
    ...serveDeps,
    endConversation({ request, response }: Exchange) {
      conversations.end(request.socket)
      response.setHeader('connection', 'close')
    }
  }
  const { tls } = start.publication.settings
  const listener = await createListener({
    tls,
    requestId,
    onArrival: conversations.arrive,
    serve(id, request, response) {
      if (conversations.isAbandoned(request)) return
      drain.onRequest(request.socket, response)
      const exchange = openExchange(id, request, response, books)
      clientErrors.onRequest(exchange)
      try {
        serve(exchange, connections.identityOf(request.socket), deps)
      } catch (error) {
        responder.fail(exchange, error)
      }
    },
    onClientError: clientErrors.onError,
    onTunnel: clientErrors.onTunnel,
    schedule: runtime.schedule
  })
  const connections = createConnections(
    listener.server,
    authoritiesOf(tls.ca),
    state.metrics,
    runtime.wallClock
  )
  const drain = createDrain(listener.server, runtime)
  return { listener, connections, drain }
}

/** Short, unique over workers and restarts for all practical purposes, and easy to read out over a telephone. */
function createRequestIds(worker: number, { random }: Runtime): () => string {
  const start = Math.floor(random() * 36 ** 5)
    .toString(36)
    .padStart(5, '0')
  let count = 0
  return () => `${start}-${worker}-${(count++).toString(36)}`
}
