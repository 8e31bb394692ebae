import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointClass } from '../../puppet/endpoint.ts'
import type { AccessLog } from '../../telemetry/access-log.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Generation } from '../generation.ts'
import type { RequestHistory } from '../history.ts'
import { countedPool, type RequestRecord, tenths } from '../request-record.ts'
import type { RunTally } from '../runs.ts'

/** One request and its answer, and what there is to tell about them in the end. */
export interface Exchange {
  readonly id: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedAtMs: number
  readonly remote: string | undefined
  certname: string | undefined
  /** Of the certificate that names it, milliseconds since 1970. */
  certificateEndsAtMs: number
  class: EndpointClass
  /** Name of the master that answered, or was asked last. */
  master: string
  attempts: number
  queueMs: number
  upstreamMs: number
  bytesIn: number
  bytesOut: number
  /** Set when its answer went past the response object. */
  status?: number | undefined
  /** Set when something other than a complete answer ended it. */
  end: string | undefined
  /** Of an answer of ours: what its code does not say. */
  cause?: string | undefined
  /** Its agent was told to come back, and does. */
  isSentAway: boolean
  /** It brought the report of a run, which says so. */
  hasRunFailed?: boolean | undefined
  /**
   * Gives up what is done for it: nobody waits for that any more. Set by whoever does it, by the name of a function: one
   * that is written where it is assigned to a property V8 makes old at once, and with it the whole request.
   */
  breakOff: () => void
  /** Its agent has ended its side of the connection. Set by whoever wants to know. */
  sideEnded: () => void
  /** Why it went where it went. */
  readonly record: RequestRecord
  /** The settings it began with, which it keeps. */
  readonly generation: Generation
}

export interface Bookkeeping {
  readonly metrics: TrafficMetrics
  readonly accessLog: AccessLog
  readonly now: () => number
  readonly history: RequestHistory
  readonly runs: Pick<RunTally, 'note'>
  /** Whether the access log is to say why as well. */
  readonly saysWhy: () => boolean
  /** The settings that requests begin with now. */
  readonly generation: () => Generation
  /** Told of a defect that showed while the books on a request were closed; everybody else's request goes on. */
  readonly onDefect: (error: unknown) => void
}

/** Agents hang up rather than wait; nginx's number for it keeps such requests apart in the metrics. */
const AGENT_GONE_STATUS = 499

/** A request that has come, and what is known of it before it is read. */
export interface Opening {
  readonly id: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Address of its client. */
  readonly remote: string | undefined
}

/** Opens the books on a request. `endExchange` closes them. */
export function openExchange(
  { id, request, response, remote }: Opening,
  { now, history, generation }: Bookkeeping
): Exchange {
  const record = history.open(id)
  const exchange: Exchange = {
    id,
    request,
    response,
    startedAtMs: now(),
    remote,
    certname: undefined,
    certificateEndsAtMs: Number.POSITIVE_INFINITY,
    class: 'other',
    master: '',
    attempts: 0,
    queueMs: 0,
    upstreamMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    status: undefined,
    end: undefined,
    cause: undefined,
    isSentAway: false,
    hasRunFailed: undefined,
    breakOff: nothing,
    sideEnded: nothing,
    record,
    generation: generation()
  }
  record.summary = exchange
  return exchange
}

/** To be called once, when its answer is over, however that came about: gives up what is still done and closes the books. */
export function endExchange(exchange: Exchange, books: Bookkeeping): void {
  // First, since the books are to tell how long a master had it.
  exchange.breakOff()
  try {
    closeBooks(exchange, books)
  } catch (error) {
    books.onDefect(error)
  }
}

function closeBooks(exchange: Exchange, books: Bookkeeping): void {
  const { metrics, accessLog, history, saysWhy } = books
  const { id, request, response, record } = exchange
  const isComplete = response.writableFinished
  const status = exchange.status ?? (response.headersSent ? response.statusCode : AGENT_GONE_STATUS)
  const nowMs = books.now()
  const durationMs = nowMs - exchange.startedAtMs
  const end = exchange.end ?? (isComplete ? 'complete' : 'agent-gone')
  metrics.requests.inc({ class: exchange.class, master: exchange.master, code: status })
  const pool = countedPool(record)
  if (pool !== undefined) metrics.poolRequests.inc({ pool, code: status })
  metrics.requestDuration.observe({ class: exchange.class }, durationMs / 1000)
  books.runs.note(exchange, { status, end, atMs: nowMs })
  accessLog({
    id,
    remote: exchange.remote,
    certname: exchange.certname,
    method: request.method ?? '',
    path: pathOf(request.url ?? ''),
    class: exchange.class,
    ...(record.pool !== undefined && { pool: record.pool }),
    master: exchange.master,
    attempts: exchange.attempts,
    queueMs: tenths(exchange.queueMs),
    upstreamMs: tenths(exchange.upstreamMs),
    durationMs: tenths(durationMs),
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    status,
    end,
    ...(exchange.cause !== undefined && { cause: exchange.cause }),
    ...(saysWhy() && history.reasonsOf(record))
  })
  const { remote, certname, class: endpointClass, queueMs, cause } = exchange
  record.summary = { remote, certname, class: endpointClass, queueMs, status, durationMs, end, cause }
}

function nothing(): void {}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? target : target.slice(0, query)
}
