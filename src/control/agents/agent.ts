import type { AgentFailure, CatalogEnd, ReportSays, RunPart } from '../../model/agents.ts'

/** Silence of so long ends a run that has sent no report. */
export const SILENCE_MS = 10 * 60_000
/** But a run may apply its catalog for an hour (`runtimeout`) before it sends its report. */
const LONGEST_APPLY_MS = 60 * 60_000
/** Requests that are so old count for half of what they did. */
const HALF_LIFE_MS = 60 * 60_000

/** What is kept of an agent: flat, since there may be 100,000. Dates are milliseconds since 1970. */
export interface Agent {
  readonly certname: string
  runStartedAtMs: number
  /** The end of its last request. */
  lastSeenMs: number
  /** Of its last run, as all up to `report`. */
  requests: number
  failures: number
  catalog: CatalogEnd | undefined
  report: ReportSays | undefined
  /** The end of the run before the last one; 0 when none is known. */
  earlierUntilMs: number
  /** Runs in a row that failed, before the last one. */
  failedBefore: number
  /** Of the last catalog that it got, as all from here to `certificateEndsAtMs` are of its last word. */
  compileMs: number | undefined
  version: string | undefined
  environment: string | undefined
  master: string | undefined
  certificateEndsAtMs: number
  /** Requests, those of some time ago counting less; as of `lastSeenMs`. */
  recentRequests: number
}

/** An agent of which one part of a run is known. */
export function agentOf(part: RunPart): Agent {
  return {
    certname: part.certname,
    runStartedAtMs: part.startedAtMs,
    lastSeenMs: part.endedAtMs,
    requests: part.requests,
    failures: part.failures,
    catalog: part.catalog,
    report: part.report,
    earlierUntilMs: 0,
    failedBefore: 0,
    compileMs: part.compileMs,
    version: part.version,
    environment: part.environment,
    master: part.master,
    certificateEndsAtMs: part.certificateEndsAtMs,
    recentRequests: part.requests
  }
}

/** A copy of its own, whatever a message has left out. */
export function copyOf(agent: Agent): Agent {
  return { ...blank, ...agent }
}

/** All fields in their order, so that all copies are of one shape. */
const blank: Agent = Object.freeze({
  certname: '',
  runStartedAtMs: 0,
  lastSeenMs: 0,
  requests: 0,
  failures: 0,
  catalog: undefined,
  report: undefined,
  earlierUntilMs: 0,
  failedBefore: 0,
  compileMs: undefined,
  version: undefined,
  environment: undefined,
  master: undefined,
  certificateEndsAtMs: 0,
  recentRequests: 0
})

/**
 * Takes one more part. Workers see parts of one run and tell them in any order: each is joined to the run that it belongs
 * to by its dates. One of a run before the last adds to the requests alone.
 */
export function takePart(agent: Agent, part: RunPart): void {
  const place = placeOf(part, agent)
  const nowMs = Math.max(agent.lastSeenMs, part.endedAtMs)
  agent.recentRequests = recentRequestsAt(agent, nowMs) + part.requests
  if (place === 'earlier') return
  if (place === 'later') beginRun(agent, part)
  joinRun(agent, part)
}

/** Whether a part is of the last run that is known of its agent, of one before, or of the next. */
function placeOf(part: RunPart, agent: Agent): 'earlier' | 'same' | 'later' {
  const gapMs = part.startedAtMs - agent.lastSeenMs
  if (agent.report !== undefined ? gapMs > 0 : gapMs > longestGapMs(part)) return 'later'
  const isEarlier =
    part.endedAtMs <= agent.earlierUntilMs || part.endedAtMs < agent.runStartedAtMs - SILENCE_MS
  return isEarlier ? 'earlier' : 'same'
}

/** What ends with a report and has no catalog is the end of a run that got its catalog some time ago. */
function longestGapMs({ report, catalog }: RunPart): number {
  return report !== undefined && catalog === undefined ? LONGEST_APPLY_MS : SILENCE_MS
}

function beginRun(agent: Agent, { startedAtMs }: RunPart): void {
  agent.failedBefore = failedRunsOf(agent)
  agent.earlierUntilMs = agent.lastSeenMs
  agent.runStartedAtMs = startedAtMs
  agent.requests = 0
  agent.failures = 0
  agent.catalog = undefined
  agent.report = undefined
}

function joinRun(agent: Agent, part: RunPart): void {
  const isNews = part.endedAtMs >= agent.lastSeenMs
  agent.runStartedAtMs = Math.min(agent.runStartedAtMs, part.startedAtMs)
  agent.lastSeenMs = Math.max(agent.lastSeenMs, part.endedAtMs)
  agent.requests += part.requests
  agent.failures += part.failures
  if (part.catalog !== undefined || agent.catalog === undefined) agent.master = part.master ?? agent.master
  agent.catalog = isNews ? (part.catalog ?? agent.catalog) : (agent.catalog ?? part.catalog)
  agent.report = part.report ?? agent.report
  agent.compileMs = part.compileMs ?? agent.compileMs
  agent.version = isNews ? (part.version ?? agent.version) : (agent.version ?? part.version)
  if (part.catalog !== undefined || agent.environment === undefined || isNews)
    agent.environment = part.environment ?? agent.environment
  if (isNews) agent.certificateEndsAtMs = part.certificateEndsAtMs
}

/** Why its last run is said to have failed; `undefined` while it is fine. */
export function failureOf({ catalog, report, failures }: Agent): AgentFailure | undefined {
  if (catalog === 'failed') return 'catalog'
  if (report === 'failed') return 'report'
  return failures > 0 ? 'answers' : undefined
}

/** Runs in a row that failed, the last one included; 0 while that is fine. */
export function failedRunsOf(agent: Agent): number {
  return failureOf(agent) === undefined ? 0 : agent.failedBefore + 1
}

/** About how many requests an hour it made lately. One that goes on at the same pace is told right after some hours. */
export function requestsPerHour(agent: Agent, nowMs: number): number {
  return (recentRequestsAt(agent, nowMs) * Math.LN2 * 3_600_000) / HALF_LIFE_MS
}

function recentRequestsAt({ recentRequests, lastSeenMs }: Agent, nowMs: number): number {
  return recentRequests * 2 ** (-Math.max(0, nowMs - lastSeenMs) / HALF_LIFE_MS)
}
