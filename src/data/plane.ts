import type { MessagePort } from 'node:worker_threads'
import { Registry } from 'prom-client'
import { policies } from '../balance/registry.ts'
import { ProxyError } from '../model/errors.ts'
import type { Order, Outcome, PlaneStart, Report } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Master } from '../model/snapshot.ts'
import { authoritiesOf } from '../pki/authorities.ts'
import { createBoard } from '../shared/board.ts'
import { createPinTable } from '../shared/pins.ts'
import { sizesOf } from '../shared/sizes.ts'
import { createSlotTable } from '../shared/slots/table.ts'
import { createAccessLog } from '../telemetry/access-log.ts'
import { createLog, flushLog } from '../telemetry/log.ts'
import { createTrafficMetrics } from '../telemetry/metrics.ts'
import { createUpstream, type Upstream } from '../upstream/pools.ts'
import { createClientErrors } from './accept/client-errors.ts'
import { createConnections } from './accept/connections.ts'
import type { Identity } from './accept/identity.ts'
import { createListener } from './accept/listener.ts'
import { createDrain } from './drain.ts'
import { createDecisions } from './history.ts'
import { admit } from './http/admission.ts'
import type { Errand } from './http/errand.ts'
import { type Exchange, openExchange } from './http/exchange.ts'
import { fanOut } from './http/fan-out.ts'
import { Forwarding } from './http/forward.ts'
import { hasOneHost } from './http/host-header.ts'
import { createResponder } from './http/respond.ts'
import { createRetryBudget } from './http/retry-budget.ts'
import { createReturns } from './http/return-times.ts'
import { createSlotQueue, ranks } from './http/wait.ts'

/**
 * One data plane: a listener and the way of a request through it. Takes orders from `port` and reports there;
 * knows nothing else of the control plane.
 */
export async function startPlane(
  start: PlaneStart,
  port: MessagePort,
  runtime: Runtime,
  log = createLog(start.config.log.level)
): Promise<void> {
  const { config, worker } = start
  const tell = (report: Report) => port.postMessage(report)
  let { snapshot, revoked } = start
  const masters = [...snapshot.masters, snapshot.ca]
  const board = createBoard({ workers: start.workers, masters: masters.length }, start.board)
  const registry = new Registry()
  const metrics = createTrafficMetrics(registry)
  const upstreams = new Map<number, Upstream>(
    masters.map(master => [master.index, createUpstream(master, config.upstream)])
  )
  const upstreamOf = (master: Master) => upstreams.get(master.index) as Upstream
  const responder = createResponder({ metrics, random: runtime.random, schedule: runtime.schedule })
  const sizes = sizesOf(config)
  const table = createSlotTable(sizes.slots, runtime.now, start.slots)
  const slots = createSlotQueue({
    user: table.join(worker),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(ranks.indexOf('catalog')),
    limit: config.queue.limit,
    timeoutMs: config.queue.timeoutMs
  })
  // Of its JRubies, those that work for others count like those that work for us.
  const load = ({ index }: Master) =>
    (board.inFlight(index) + table.foreign(index)) / Math.max(1, table.capacity(index))
  const policy = policies[config.balance.policy]({ load, random: runtime.random })
  const decisions = createDecisions({
    now: runtime.now,
    masters,
    tier: () => snapshot.tiers[0] ?? [],
    inFlight: board.inFlight,
    taken: table.taken,
    foreign: table.foreign,
    capacity: table.capacity,
    policyName: config.balance.policy
  })
  const books = {
    metrics,
    accessLog: createAccessLog(log),
    now: runtime.now,
    decisions,
    saysWhy: log.isLevelEnabled('debug')
  }
  const forwardDeps = {
    decisions,
    metrics,
    responder,
    now: runtime.now,
    upstreamOf,
    begin: (master: Master) => board.begin(worker, master.index),
    end: (master: Master) => board.end(worker, master.index),
    report: (outcome: Outcome) => tell({ type: 'outcome', outcome }),
    slots,
    masterAt: (index: number) => masters[index] as Master,
    hasRoom: ({ index }: Master) => table.taken(index) + table.foreign(index) < table.capacity(index),
    budget: createRetryBudget(runtime.now)
  }
  const admission = {
    responder,
    policy,
    snapshot: () => snapshot,
    revoked: () => revoked,
    allowed: new Set(config.admin.allow),
    nextTicket: board.nextTicket,
    wallClock: runtime.wallClock,
    now: runtime.now,
    affinity: config.balance.affinity,
    pins: createPinTable(sizes.pins, start.pins),
    forecastMs: table.forecastMs,
    shedAboveMs: config.queue.shedAboveMs,
    returns: createReturns({ now: runtime.now, depth: table.depth, workers: start.workers }),
    forward: (errand: Errand) => new Forwarding(errand, forwardDeps).start(),
    fanOut: (exchange: Exchange, identity: Identity) =>
      void fanOut(exchange, identity.headers, snapshot.masters, { ...forwardDeps })
  }

  const requestId = createRequestIds(worker, runtime)
  const clientErrors = createClientErrors({ ...books, requestId, schedule: runtime.schedule })
  const listener = await createListener({
    tls: config.tls,
    requestId,
    serve(id, request, response) {
      drain.onRequest(request.socket, response)
      const exchange = openExchange(id, request, response, books)
      clientErrors.onRequest(exchange)
      try {
        if (hasOneHost(request)) admit(exchange, connections.identityOf(request.socket), admission)
        else responder.refuse(exchange, new ProxyError('bad-request', 'it must name one host'))
      } catch (error) {
        log.error({ id, err: error }, 'request failed inside the balancer')
        responder.refuse(exchange, new ProxyError('internal'))
      }
    },
    onClientError: clientErrors.onError
  })
  const connections = createConnections(listener.server, authoritiesOf(config.tls.ca), metrics)
  const drain = createDrain(listener.server, runtime)

  async function stop(): Promise<void> {
    listener.server.closeAllConnections()
    await listener.close()
    await Promise.all([...upstreams.values()].map(({ pool }) => pool.destroy()))
    await flushLog(log)
  }

  // In the main thread this is how a plane ends at once; a thread of its own is simply terminated.
  port.once('close', () => void stop())
  port.on('message', (order: Order) => {
    switch (order.type) {
      case 'snapshot':
        snapshot = order.snapshot
        slots.dismissStranded()
        break
      case 'revoked':
        revoked = order.revoked
        connections.cutRevoked(revoked)
        break
      case 'ghosts-done':
        slots.dropGhosts(order.masterIndex, order.leftBeforeMs)
        break
      case 'metrics':
        void registry.getMetricsAsJSON().then(json => tell({ type: 'metrics', id: order.id, metrics: json }))
        break
      case 'why':
        tell({ type: 'why', id: order.id, explanation: decisions.find(order.requestId) })
        break
      case 'drain':
        void drain.start(order.timeoutMs).then(async cut => {
          await stop()
          tell({ type: 'drained', cut })
        })
    }
  })

  try {
    const { host } = config.listen
    tell({
      type: 'listening',
      port: await listener.listen({ host, port: start.port, shared: config.listen.workers > 0 })
    })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    tell({ type: 'failed', message, code })
  }
}

/** Short, unique over workers and restarts for all practical purposes, and easy to read out over a telephone. */
function createRequestIds(worker: number, { random }: Runtime): () => string {
  const start = Math.floor(random() * 36 ** 5)
    .toString(36)
    .padStart(5, '0')
  let count = 0
  return () => `${start}-${worker}-${(count++).toString(36)}`
}
