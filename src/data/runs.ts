import type { CatalogEnd, ReportSays, RunPart } from '../model/agents.ts'
import type { Runtime } from '../model/runtime.ts'
import { versionSaid } from '../puppet/agent-version.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'
import { environmentOf } from '../puppet/environment.ts'
import { isReport } from '../puppet/report.ts'
import type { Exchange } from './http/exchange.ts'
import { puppetVersionOf } from './http/respond.ts'

/** An agent that says nothing for so long is told of, though its run may go on: what comes then is another part. */
export const QUIET_MS = 30_000
/** So is one that goes on for so long without a report. */
const LONGEST_MS = 10 * 60_000
/** How often it is told what has ended. */
export const TELL_MS = 2_000
/** Runs that one worker follows at a time. With more, all are told of as far as they are. */
const MOST_OPEN = 20_000
/** Parts in one message: a worker that tells must not keep requests waiting. */
const BATCH = 500

/** How a request ended. */
export interface RequestEnd {
  /** 499: its agent left. */
  readonly status: number
  /** `complete`, `agent-gone` or what else ended it, as the access log has it. */
  readonly end: string
  /** On the clock of `Runtime.now`. */
  readonly atMs: number
}

/** What this worker sees of agents' runs. */
export interface RunTally {
  /** A request is over. */
  readonly note: (exchange: Exchange, end: RequestEnd) => void
  /** Tells of the runs that have ended by now. */
  readonly tellEnded: () => void
  /** Tells of all runs, as far as they are. */
  readonly tellAll: () => void
}

/** What runs are made of. Certificates and questions how somebody is belong to none, nor does what operators ask. */
const ofRuns: ReadonlySet<EndpointClass> = new Set(['catalog', 'light', 'static', 'filebucket', 'report'])

/** A part while it grows; times are on the clock of `Runtime.now`. */
type OpenPart = { -readonly [Key in keyof RunPart]: RunPart[Key] }

/**
 * Adds up the requests of each certname until its report, or until it is quiet, and tells that in batches: what a request
 * costs here is some numbers that are known already.
 */
export function createRunTally({
  runtime,
  tell
}: {
  readonly runtime: Pick<Runtime, 'now' | 'wallClock' | 'schedule'>
  readonly tell: (parts: readonly RunPart[]) => void
}): RunTally {
  const { now, wallClock, schedule } = runtime
  const open = new Map<string, OpenPart>()
  let ended: OpenPart[] = []
  let isAwaited = false

  function endQuiet(): void {
    const nowMs = now()
    for (const part of open.values()) {
      if (nowMs - part.endedAtMs >= QUIET_MS || nowMs - part.startedAtMs >= LONGEST_MS) endPart(part)
    }
  }

  function endPart(part: OpenPart): void {
    open.delete(part.certname)
    ended.push(part)
  }

  function tellEnded(): void {
    // Dates are the control plane's business, in another thread whose clock began at another time.
    const shiftMs = wallClock() - now()
    const parts = ended
    ended = []
    for (let from = 0; from < parts.length; from += BATCH)
      tell(parts.slice(from, from + BATCH).map(part => dated(part, shiftMs)))
  }

  function tellAll(): void {
    for (const part of open.values()) endPart(part)
    tellEnded()
  }

  /** Goes on as long as there is something to tell of. */
  function tellLater(): void {
    if (isAwaited) return
    isAwaited = true
    schedule(TELL_MS, () => {
      isAwaited = false
      endQuiet()
      tellEnded()
      if (open.size > 0) tellLater()
    })
  }

  return {
    note(exchange, end) {
      const { certname } = exchange
      if (certname === undefined || !ofRuns.has(exchange.class)) return
      let part = open.get(certname)
      if (!part) {
        if (open.size + ended.length >= MOST_OPEN) tellAll()
        part = newPart(certname, exchange)
        open.set(certname, part)
        tellLater()
      }
      addTo(part, exchange, end)
      if (part.report !== undefined) endPart(part)
    },
    tellEnded,
    tellAll
  }
}

function newPart(certname: string, { startedAtMs, request, certificateEndsAtMs }: Exchange): OpenPart {
  return {
    certname,
    startedAtMs,
    endedAtMs: startedAtMs,
    requests: 0,
    failures: 0,
    catalog: undefined,
    compileMs: undefined,
    report: undefined,
    version: versionSaid(puppetVersionOf(request), request.headers['user-agent']),
    environment: undefined,
    master: undefined,
    certificateEndsAtMs
  }
}

function addTo(part: OpenPart, exchange: Exchange, end: RequestEnd): void {
  const { master, startedAtMs, certificateEndsAtMs } = exchange
  const isCatalog = exchange.class === 'catalog'
  const target = exchange.request.url ?? ''
  part.startedAtMs = Math.min(part.startedAtMs, startedAtMs)
  part.endedAtMs = end.atMs
  part.certificateEndsAtMs = certificateEndsAtMs
  part.requests++
  if (hasFailed(exchange, end)) part.failures++
  if (master !== '' && (isCatalog || part.catalog === undefined)) part.master = master
  if (isCatalog) takeCatalog(part, exchange, end)
  // Once a run, or twice: it is read from the target.
  if (isCatalog || part.environment === undefined)
    part.environment = shortEnvironment(target) ?? part.environment
  if (exchange.class === 'report' && !exchange.isSentAway && isReport(target))
    part.report = reportOf(exchange)
}

/** What is longer than this is nobody's environment, and would be kept for each agent. */
const LONGEST_ENVIRONMENT = 100

function shortEnvironment(target: string): string | undefined {
  const environment = environmentOf(target)
  return environment !== undefined && environment.length <= LONGEST_ENVIRONMENT ? environment : undefined
}

function takeCatalog(part: OpenPart, exchange: Exchange, end: RequestEnd): void {
  const catalog = catalogEnd(exchange, end)
  part.catalog = catalog ?? part.catalog
  if (catalog === 'given') part.compileMs = exchange.upstreamMs
}

/** `undefined`: its agent did not wait for it, or was told to come back. */
function catalogEnd(exchange: Exchange, end: RequestEnd): CatalogEnd | undefined {
  if (hasFailed(exchange, end)) return 'failed'
  return end.status < 400 && end.end === 'complete' ? 'given' : undefined
}

function hasFailed({ isSentAway, class: endpointClass }: Exchange, { status, end }: RequestEnd): boolean {
  if (isSentAway || end === 'agent-gone' || end === 'unread') return false
  if (status >= 500 || (endpointClass === 'catalog' && status >= 400)) return true
  // It had begun well, and broke off.
  return status < 400 && end !== 'complete'
}

function reportOf({ hasRunFailed }: Exchange): ReportSays {
  if (hasRunFailed === undefined) return 'unread'
  return hasRunFailed ? 'failed' : 'fine'
}

function dated(part: OpenPart, shiftMs: number): RunPart {
  return { ...part, startedAtMs: part.startedAtMs + shiftMs, endedAtMs: part.endedAtMs + shiftMs }
}
