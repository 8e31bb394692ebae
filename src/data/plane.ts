import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import { ranks } from '../balance/queue-order.ts'
import type { Master } from '../model/master.ts'
import type { Order, Outcome, PlaneStart, Publication, Report } from '../model/messages.ts'
import { isOwnFault } from '../model/own-fault.ts'
import type { Runtime } from '../model/runtime.ts'
import { authoritiesOf } from '../pki/authorities.ts'
import { createAccessLog } from '../telemetry/access-log.ts'
import { flushLog } from '../telemetry/log.ts'
import { createClientErrors } from './accept/client-errors.ts'
import { createConnections } from './accept/connections.ts'
import { createConversations } from './accept/conversation.ts'
import { createListener } from './accept/listener.ts'
import { createDrain } from './drain.ts'
import { createBodyRoom } from './http/body-room.ts'
import { createCaPlaces } from './http/ca-places.ts'
import type { Delivery, DispatchDeps } from './http/delivery.ts'
import { dispatch } from './http/dispatch.ts'
import { type Exchange, openExchange } from './http/exchange.ts'
import { fanOut } from './http/fan-out.ts'
import { createRequestsUnderWay } from './http/moving-on.ts'
import { refuseOneTooMany } from './http/one-too-many.ts'
import { createOutage } from './http/outage.ts'
import { createResponder } from './http/respond.ts'
import { createRetryBudget } from './http/retry-budget.ts'
import { createReturnTimes } from './http/return-times.ts'
import { type ServeDeps, serve } from './http/serve.ts'
import { createWaitingRoom } from './http/wait.ts'
import { createState, type PlaneContext, type PlaneState } from './plane-state.ts'

/** So long before a drain cuts what is left, those who still wait are told so. */
const LAST_WORD_MS = 2_000

/** A data plane that runs. */
export interface Plane {
  /** Ends it at once. */
  readonly stop: () => Promise<void>
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
  const state = createState(context, address => connections.makeRoom(address))
  const way = createWay(context, state)
  const { listener, drain, connections } = await createFront(context, state, way)

  async function stop(): Promise<void> {
    connections.stop()
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
    if (publication.snapshot) {
      for (const waiting of way.waiting) waiting.reconsider()
      way.underWay.reconsider(publication.snapshot)
    }
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
        runtime.schedule(Math.max(0, order.timeoutMs - LAST_WORD_MS), () => {
          for (const waiting of way.waiting) waiting.close()
        })
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

/** The way of a request behind the listener. */
function createWay({ start, runtime, log, tell }: PlaneContext, state: PlaneState) {
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
    catalogs: () => slots.waiting(ranks.indexOf('catalog')),
    hasRoom: slots.hasRoom,
    hasWarmRoom: slots.hasWarmRoom,
    masterAt: state.masterAt,
    onDefect
  })
  const caPlaces = createCaPlaces({ workers: start.workers, runtime })
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
    snapshot,
    news: {
      heard: ({ seat }) => arrivals.add(seat),
      causeOf: ({ id }) => snapshot().causes?.get(id)
    },
    underWay,
    waitingRoom,
    caPlaces,
    outages: { masters: createOutage(now), ca: createOutage(now) },
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
  return { responder, waitingRoom, waiting: [waitingRoom, caPlaces], underWay, serveDeps }
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
      drain.onRequest(response)
      connections.onRequest(request.socket, response)
      const exchange = openExchange(id, request, response, books)
      clientErrors.onRequest(exchange)
      try {
        const identity = connections.identityOf(request.socket)
        const isOneTooMany = connections.of(request.socket)?.isOneTooMany
        if (isOneTooMany) refuseOneTooMany(exchange, identity.certname, deps)
        else serve(exchange, identity, deps)
      } catch (error) {
        responder.fail(exchange, error)
      }
    },
    onClientError: clientErrors.onError,
    onTunnel: clientErrors.onTunnel,
    schedule: runtime.schedule
  })
  const connections = createConnections({
    server: listener.server,
    authorities: authoritiesOf(tls.ca),
    metrics: state.metrics,
    worker: start.worker,
    table: state.connections,
    limits: state.limits,
    now: runtime.now,
    wallClock: runtime.wallClock,
    acceptFailed(err) {
      if (isOwnFault(err)) state.limits.refused('descriptors')
      else log.error({ err }, 'a connection could not be accepted')
    },
    onIdle: connection => drain.onIdle(connection),
    onClose: () => drain.onClose()
  })
  const drain = createDrain(listener.server, connections.secured, runtime)
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
