import type { MessagePort } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { Order, PlaneStart, Publication, Report } from '../model/messages.ts'
import { isOwnFault } from '../model/own-fault.ts'
import { certnameIn } from '../model/pool.ts'
import type { Runtime } from '../model/runtime.ts'
import { authoritiesOf } from '../pki/authorities.ts'
import { createAccessLog } from '../telemetry/access-log.ts'
import { flushLog } from '../telemetry/log.ts'
import { watchAskedNames } from './accept/asked-names.ts'
import { createClientErrors } from './accept/client-errors.ts'
import { createConnections } from './accept/connections.ts'
import { createConversations } from './accept/conversation.ts'
import { createListener, usualTimeouts } from './accept/listener.ts'
import { createPipelining } from './accept/pipelining.ts'
import { bytesInHand, nameProtocol } from './accept/protocol-name.ts'
import { watchUnread } from './accept/unread.ts'
import { createDrain } from './drain.ts'
import { type Exchange, endExchange, openExchange } from './http/exchange.ts'
import { refuseOneTooMany } from './http/one-too-many.ts'
import { serve } from './http/serve.ts'
import { createState, type PlaneContext, type PlaneState } from './plane-state.ts'
import { createRunTally, type RunTally } from './runs.ts'
import { createTcpFront } from './tcp/front.ts'
import { createTcpListeners } from './tcp/listeners.ts'
import { createWay, type Way } from './way.ts'

/** So long before a drain cuts what is left, those who still wait are told so. */
const LAST_WORD_MS = 2_000

/** Another process can take over a port that is shared, which not every system offers. */
const sharesPorts = process.platform === 'linux'

/** A data plane that runs. */
export interface Plane {
  /** Takes no more connections from this moment on, those that wait to be accepted included. */
  readonly closeListeners: () => void
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
  const state = createState(context)
  const way = createWay(context, state)
  const runs = createRunTally({ runtime, tell: parts => tell({ type: 'runs', parts }) })
  const { listener, drain, connections } = await createFront(context, state, way, runs)
  const tcp = createTcp(context, state)
  const askedNames = watchAskedNames(listener.server, state.settings().tls.certificates, runtime)

  async function stop(): Promise<void> {
    state.entrance.stop()
    connections.stop()
    tcp.listeners.close()
    tcp.front.stop()
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
      askedNames.setCertificates(settings.tls.certificates)
      if (settings.tls.ca !== before.tls.ca) connections.setAuthorities(authoritiesOf(settings.tls.ca))
    }
    if (revoked) connections.cutRevoked(revoked)
    if (publication.snapshot) way.reconsider(publication.snapshot)
    tcp.front.reconsider()
  }

  port.on('message', (order: Order) => {
    switch (order.type) {
      case 'publish':
        apply(order.publication)
        tell({ type: 'applied', version: order.publication.version })
        break
      case 'ghosts-done':
        way.dropGhosts(order.masterId, order.leftBeforeMs)
        break
      case 'metrics':
        tcp.front.tally()
        void state.registry
          .getMetricsAsJSON()
          .then(json => tell({ type: 'metrics', id: order.id, metrics: json }))
        break
      case 'why':
        tell({ type: 'why', id: order.id, explanation: state.history.find(order.requestId) })
        break
      case 'names':
        tell({ type: 'names', id: order.id, names: askedNames.all() })
        break
      case 'runs':
        runs.tellEnded()
        tell({ type: 'runs-told', id: order.id })
        break
      case 'drain':
        runtime.schedule(Math.max(0, order.timeoutMs - LAST_WORD_MS), way.close)
        void Promise.all([drain.start(order.timeoutMs), tcp.drain(order.timeoutMs)]).then(async cuts => {
          await stop()
          runs.tellAll()
          tell({ type: 'drained', cut: cuts[0] + cuts[1] })
        })
    }
  })

  try {
    const { host, workers, tcpPorts = [] } = start.boot.listen
    const shared = workers > 0 || sharesPorts
    const listening = await listener.listen({ host, port: start.port, shared })
    const ports = await tcp.listeners.listen({ host, ports: start.tcpPorts ?? tcpPorts, shared })
    tell({ type: 'listening', port: listening, tcpPorts: ports })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    tell({ type: 'failed', message, code })
  }
  return {
    closeListeners() {
      listener.server.close()
      tcp.listeners.close()
    },
    stop
  }
}

/** What keeps the system from accepting, told as what it is. */
function acceptFailure({ log }: Pick<PlaneContext, 'log'>, { limits }: Pick<PlaneState, 'limits'>) {
  return (err: Error): void => {
    if (isOwnFault(err)) limits.refused('descriptors')
    else log.error({ err }, 'a connection could not be accepted')
  }
}

/** What passes raw TCP on. */
function createTcp(context: PlaneContext, state: PlaneState) {
  const { start, runtime, log, tell } = context
  const front = createTcpFront({
    ...{ ...state, runtime, log },
    worker: start.worker,
    report: outcome => tell({ type: 'outcome', outcome }),
    firstByteMs: usualTimeouts.handshakeMs
  })
  const listeners = createTcpListeners(start.boot.listen.tcpPorts ?? [], {
    silenceMs: usualTimeouts.silenceMs,
    accepted: front.accept,
    failed: acceptFailure(context, state),
    runtime
  })
  return {
    front,
    listeners,
    async drain(timeoutMs: number): Promise<number> {
      await listeners.closeWhenQuiet()
      return front.drain(timeoutMs)
    }
  }
}

/** What stands towards the agents: listener, connections, drain. */
async function createFront(
  context: PlaneContext,
  state: PlaneState,
  { responder, serveDeps }: Way,
  runs: RunTally
) {
  const { start, runtime, log } = context
  const books = {
    metrics: state.metrics,
    accessLog: createAccessLog(log, () => state.settings().log.access),
    now: runtime.now,
    history: state.history,
    runs,
    saysWhy: () => log.isLevelEnabled('debug'),
    generation: state.generation,
    onDefect: (err: unknown) => log.error({ err }, 'the books on a request could not be closed')
  }
  const requestId = createRequestIds(start.worker, runtime)
  const conversations = createConversations(arrival => {
    if (arrival.exchange) {
      endExchange(arrival.exchange, books)
      if (arrival.exchange.end === 'certificate-refused')
        state.connections.count(start.worker, 'unbelieved', 1)
    }
    pipelining.over(arrival)
    connections.onAnswered(arrival)
  })
  const pipelining = createPipelining(({ request, response }) => listener.route(request, response))
  const clientErrors = createClientErrors({
    ...{ ...books, conversations, requestId, schedule: runtime.schedule },
    remoteOf: socket => connections.remoteOf(socket)
  })
  const deps = {
    ...serveDeps,
    endConversation({ request, response }: Exchange) {
      conversations.end(request.socket)
      response.setHeader('connection', 'close')
    },
    onPinned: ({ response, certname }: Exchange) => {
      if (certname !== undefined && !isKnownElsewhere(certname)) drain.onStay(response)
    }
  }
  const isKnownElsewhere = (certname: string) =>
    state.generation().pools.every(pool => state.pins.isTold(certnameIn(pool, certname)))
  const { tls } = start.publication.settings
  const listener = await createListener({
    tls,
    requestId,
    onRequest(request, response) {
      const { socket } = request
      nameProtocol(request, conversations.isNew(socket), () => bytesInHand(socket))
      const arrival = conversations.arrive(request, response)
      if (arrival) pipelining.arrive(arrival)
    },
    serve(id, request, response) {
      const arrival = conversations.of(request.socket).current
      if (arrival?.request !== request || arrival.isAbandoned) return
      const connection = connections.onRequest(arrival)
      drain.onRequest(response, connection)
      const remote = connection?.remote ?? connections.remoteOf(request.socket)
      const exchange = openExchange({ id, request, response, remote }, books)
      arrival.exchange = exchange
      try {
        const identity = connection?.identity ?? connections.identityOf(request.socket)
        if (connection?.isOneTooMany) refuseOneTooMany(exchange, identity.certname, deps)
        else serve(exchange, identity, deps)
      } catch (error) {
        responder.fail(exchange, error)
      }
    },
    onClientError: clientErrors.onError,
    onTunnel: clientErrors.onTunnel
  })
  const connections = createConnections({
    server: listener.server,
    authorities: authoritiesOf(tls.ca),
    metrics: state.metrics,
    worker: start.worker,
    table: state.connections,
    limits: state.limits,
    entrance: state.entrance,
    reception: state.reception,
    now: runtime.now,
    wallClock: runtime.wallClock,
    acceptFailed: acceptFailure(context, state),
    onIdle: connection => drain.onIdle(connection),
    onClose: () => drain.onClose()
  })
  const drain = createDrain(listener.server, {
    ...runtime,
    connections: connections.all,
    mayLeave: ({ identity }) => identity?.certname === undefined || isKnownElsewhere(identity.certname)
  })
  watchUnread(connections.served, runtime.schedule)
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
