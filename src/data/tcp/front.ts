import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Master } from '../../model/master.ts'
import type { Outcome } from '../../model/messages.ts'
import { isOwnFault } from '../../model/own-fault.ts'
import { isIn } from '../../model/pool.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings, TcpSettings } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { Arrivals } from '../../shared/arrivals.ts'
import type { Board } from '../../shared/board.ts'
import type { ConnectionTable } from '../../shared/connections.ts'
import type { ResultTable } from '../../shared/results.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { causeOf } from '../../upstream/cause.ts'
import type { Descriptors } from '../../upstream/connector.ts'
import { proxyHeader } from '../../upstream/proxy-header.ts'
import type { Entrance } from '../accept/entrance.ts'
import { beginsWithProxyHeader } from '../accept/proxy-protocol.ts'
import type { Reception } from '../accept/reception.ts'
import { createChoice } from './choice.ts'
import { Passage, type PassageEnd } from './passage.ts'
import { createPassageBooks } from './passage-books.ts'
import { cut, pass } from './passing.ts'
import { createReach } from './reach.ts'

/** Whoever came just before a drain may say something yet, for so long. A check says nothing, and is gone by then. */
const SILENT_GRACE_MS = 5_000

/** Passes TLS on to masters as it is: whoever connects to a listener talks to a master of its pool. */
export interface TcpFront {
  /** A connection that has come to a listener, which the configuration knows by this port. */
  readonly accept: (socket: Socket, port: number) => void
  /** Cuts connections to masters that are not of the pool of their listener any more: they get HTTP now, or others. */
  readonly reconsider: () => void
  /** Brings the metrics up to date. */
  readonly tally: () => void
  /** Resolves once every connection is gone, with the number of those that were cut at the deadline. */
  readonly drain: (timeoutMs: number) => Promise<number>
  /** Cuts everything. */
  readonly stop: () => void
}

export interface TcpFrontDeps {
  readonly worker: number
  readonly board: Pick<Board, 'inFlight' | 'elsewhere' | 'begin' | 'end'>
  readonly connections: Pick<ConnectionTable, 'count'>
  /** A master that says something is not frozen. */
  readonly arrivals: Pick<Arrivals, 'add'>
  /** One that takes a connection and says something on it has done well. */
  readonly results: Pick<ResultTable, 'add'>
  readonly entrance: Pick<Entrance, 'place' | 'leave'>
  readonly reception: Pick<Reception, 'receive' | 'refusedAsNoTls'>
  readonly descriptors: Descriptors
  readonly metrics: Pick<TrafficMetrics, 'tcpConnections' | 'tcpConnectionsTotal' | 'tcpBytes'>
  readonly settings: () => Settings
  readonly snapshot: () => Snapshot
  readonly report: (outcome: Outcome) => void
  /** For the first byte of the agent. */
  readonly firstByteMs: number
  readonly runtime: Pick<Runtime, 'now' | 'random' | 'schedule'>
  readonly log: Logger
}

export function createTcpFront(deps: TcpFrontDeps): TcpFront {
  const { worker, board, entrance, descriptors, settings, snapshot, runtime } = deps
  const { now, schedule } = runtime
  /** All of them; and those that were let in, until both sides are gone. */
  const known = new Set<Passage>()
  const open = new Set<Passage>()
  const books = createPassageBooks(deps)
  const reach = createReach(runtime)
  const choose = createChoice({
    connections: ({ seat }) => board.inFlight(seat) + board.elsewhere(seat),
    random: runtime.random
  })
  const ruleOf = (port: number): TcpSettings | undefined =>
    settings().listen.tcp.find(each => each.port === port)
  let onEmpty = () => {}

  /** The agent is gone, or is to go: nothing more is done for it, and it is counted out. */
  function forget(passage: Passage): void {
    known.delete(passage)
    passage.cancel()
    if (entrance.leave(passage) && open.has(passage)) {
      deps.connections.count(worker, 'raw', -1)
      if (passage.state !== 'open') finish(passage, passage.end ?? 'agent-gone')
    }
    if (isEmpty()) onEmpty()
  }

  function finish(passage: Passage, end: PassageEnd): void {
    if (!open.delete(passage)) return
    passage.end ??= end
    books.end(passage)
    passage.state = 'over'
    if (isEmpty()) onEmpty()
  }

  const isEmpty = () => known.size === 0 && open.size === 0
  const all = () => new Set([...known, ...open])

  function setState(passage: Passage, state: 'connecting' | 'open'): void {
    books.move(passage, state)
    passage.state = state
    entrance.place(passage)
  }

  /** No master is asked for somebody who only looks whether the port is open. */
  function awaitFirstByte(passage: Passage): void {
    const { client } = passage
    const cancel = schedule(deps.firstByteMs, () => passage.dismiss())
    const look = () => {
      const first: Buffer | null = client.read()
      if (!first) return
      stop()
      client.unshift(first)
      if (beginsWithProxyHeader(first)) refuseHeader(passage)
      else connect(passage)
    }
    const stop = () => {
      cancel()
      client.off('readable', look)
      client.off('end', dismiss)
    }
    const dismiss = () => passage.dismiss()
    passage.cancel = stop
    client.on('readable', look)
    client.on('end', dismiss)
    client.on('error', () => {}) // Its close tells all there is to know.
  }

  /** Nobody may send one who owes none: its master would take it for TLS, or for ours. */
  function refuseHeader(passage: Passage): void {
    deps.reception.refusedAsNoTls(passage.remote)
    passage.dismiss()
  }

  function connect(passage: Passage): void {
    if (passage.state === 'silent') setState(passage, 'connecting')
    const rule = ruleOf(passage.port)
    const master = rule && choose(snapshot(), rule.pool, passage.tried)
    if (!master || !descriptors.take()) {
      passage.end = master || passage.lacked ? 'own-fault' : 'no-master'
      passage.dismiss()
      return
    }
    passage.tried.push(master.id)
    passage.master = master
    board.begin(worker, master.seat)
    const giveBack = () => {
      board.end(worker, master.seat)
      descriptors.giveBack()
    }
    const giveUp = reach(master, settings().upstream.connectTimeoutMs, (error, socket) => {
      passage.cancel = () => {}
      if (socket) {
        socket.once('close', giveBack)
        join(passage, socket, master, rule)
        return
      }
      giveBack()
      passage.lacked ||= isOwnFault(error)
      tell(master, error)
      connect(passage)
    })
    passage.cancel = () => {
      giveUp()
      giveBack()
    }
  }

  function tell({ id }: Master, error: Error): void {
    const result = isOwnFault(error) ? 'own-fault' : 'connect-failed'
    deps.report({ masterId: id, result, cause: causeOf(error).text })
  }

  function join(passage: Passage, upstream: Socket, { seat }: Master, { proxyProtocol }: TcpSettings): void {
    passage.upstream = upstream.on('error', () => {})
    if (isMisplaced(passage)) {
      cut(passage)
      return
    }
    setState(passage, 'open')
    upstream.once('data', () => deps.results.add(seat, 'answered', 0))
    upstream.on('data', () => deps.arrivals.add(seat))
    if (proxyProtocol) upstream.write(proxyHeader(passage.ends))
    const idleMs = () => settings().upstream.responseTimeoutMs
    pass({ client: passage.client, upstream }, { schedule, idleMs }, end => finish(passage, end))
  }

  const isMisplaced = ({ port, master }: Passage) => {
    const pool = ruleOf(port)?.pool
    const now = snapshot().masters.find(({ id }) => id === master?.id) ?? master
    return now !== undefined && (pool === undefined || !isIn(now, pool))
  }

  return {
    accept(socket, port) {
      const make = (remote: string) => {
        const passage = new Passage(socket, { port, remote, nowMs: now() }, forget)
        known.add(passage)
        socket.once('close', () => passage.dismiss())
        return passage
      }
      deps.reception.receive(socket, make, (passage, header) => {
        deps.connections.count(worker, 'raw', 1)
        open.add(passage)
        passage.begin(header)
        awaitFirstByte(passage)
      })
    },
    reconsider() {
      for (const passage of open) if (passage.state === 'open' && isMisplaced(passage)) cut(passage)
    },
    tally() {
      for (const passage of open) books.count(passage)
    },
    async drain(timeoutMs) {
      if (isEmpty()) return 0
      const { promise, resolve } = Promise.withResolvers<void>()
      onEmpty = resolve
      let count = 0
      const cancelGrace = schedule(SILENT_GRACE_MS, () => {
        for (const passage of known) if (passage.state === 'silent') passage.dismiss()
      })
      const cancel = schedule(timeoutMs, () => {
        for (const passage of all()) {
          if (passage.state !== 'silent') count++
          cut(passage)
        }
      })
      await promise
      cancelGrace()
      cancel()
      return count
    },
    stop() {
      for (const passage of all()) cut(passage)
    }
  }
}
