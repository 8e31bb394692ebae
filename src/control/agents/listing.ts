import type { AgentFilter, AgentList, AgentQuery, AgentStatus } from '../../model/agents.ts'
import { majorOf } from '../../puppet/agent-version.ts'
import { type Agent, failedRunsOf, failureOf, requestsPerHour } from './agent.ts'
import type { AgentBook } from './book.ts'

const DAY_MS = 86_400_000

/** What agents are judged by. */
export interface Yardstick {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** The lowest major version of a master; `undefined` when no master tells its version. */
  readonly mastersMajor: number | undefined
}

type Book = Pick<AgentBook, 'find' | 'certnames'>

/** Answers a question about agents. Pure. */
export function listAgents(book: Book, query: AgentQuery, yardstick: Yardstick): AgentList {
  const names = namesFrom(book.certnames(), query.query)
  const { total, agents } = query.filter
    ? byRank(book, names, rankFor(query.filter, query.withinDays, yardstick), query)
    : byName(book, names, query)
  return { total, agents: agents.map(agent => statusOf(agent, yardstick.nowMs)) }
}

interface Page {
  readonly total: number
  readonly agents: readonly Agent[]
}

/** They are sorted already, so that only those of the page are looked at. */
function byName({ find }: Book, names: readonly string[], { offset, limit }: AgentQuery): Page {
  const page = names.slice(offset, offset + limit)
  return { total: names.length, agents: page.map(name => find(name) as Agent) }
}

/** Those that begin so, of names that are sorted. */
function namesFrom(names: readonly string[], prefix: string): readonly string[] {
  if (prefix === '') return names
  const from = firstAt(names, 0, name => name >= prefix)
  return names.slice(
    from,
    firstAt(names, from, name => !name.startsWith(prefix))
  )
}

/** The first place from `from` on where something holds that holds for all behind it as well. */
function firstAt(names: readonly string[], from: number, holds: (name: string) => boolean): number {
  let [low, high] = [from, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(names[middle] as string)) high = middle
    else low = middle + 1
  }
  return low
}

/** How far an agent is to the front; `undefined`: it is not asked for. */
type Rank = (agent: Agent) => number | undefined

function rankFor(filter: AgentFilter, withinDays: number, { nowMs, mastersMajor }: Yardstick): Rank {
  switch (filter) {
    case 'expiring':
      return ({ certificateEndsAtMs }) =>
        certificateEndsAtMs <= nowMs + withinDays * DAY_MS ? -certificateEndsAtMs : undefined
    case 'slow':
      return ({ compileMs }) => compileMs
    case 'failing':
      return agent => failedRunsOf(agent) || undefined
    case 'old':
      return ({ version }) => {
        const major = majorOf(version)
        return major !== undefined && major < (mastersMajor ?? 0) ? -major : undefined
      }
    case 'noisy':
      return agent => requestsPerHour(agent, nowMs)
  }
}

interface Ranked {
  readonly agent: Agent
  readonly rank: number
}

/** Those with a rank, the greatest first and among equals by name. Only as many are sorted as are wanted. */
function byRank({ find }: Book, names: readonly string[], rankOf: Rank, { offset, limit }: AgentQuery): Page {
  const ranked: Ranked[] = []
  for (const name of names) {
    const agent = find(name) as Agent
    const rank = rankOf(agent)
    if (rank !== undefined) ranked.push({ agent, rank })
  }
  const first = greatest(ranked, offset + limit).sort((a, b) => b.rank - a.rank)
  return { total: ranked.length, agents: first.slice(offset).map(({ agent }) => agent) }
}

/** The `count` greatest, in the order in which they are given. */
function greatest(ranked: readonly Ranked[], count: number): Ranked[] {
  if (count >= ranked.length) return [...ranked]
  const last = Float64Array.from(ranked, ({ rank }) => rank).sort()[ranked.length - count] as number
  let equals = count - ranked.filter(({ rank }) => rank > last).length
  return ranked.filter(({ rank }) => rank > last || (rank === last && equals-- > 0))
}

function statusOf(agent: Agent, nowMs: number): AgentStatus {
  const { certname, lastSeenMs, runStartedAtMs, compileMs, report, requests, failures } = agent
  return {
    certname,
    lastSeen: isoDate(lastSeenMs),
    lastRunSeconds: tenths(lastSeenMs - runStartedAtMs),
    reported: report !== undefined,
    compileSeconds: compileMs === undefined ? null : tenths(compileMs),
    requests,
    requestsPerHour: Math.round(requestsPerHour(agent, nowMs)),
    failures,
    failure: failureOf(agent) ?? null,
    failedRuns: failedRunsOf(agent),
    version: agent.version ?? null,
    environment: agent.environment ?? null,
    master: agent.master ?? null,
    certificateNotAfter: isoDate(agent.certificateEndsAtMs)
  }
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString()
}

/** Seconds of milliseconds, to a tenth. */
function tenths(ms: number): number {
  return Math.round(ms / 100) / 10
}
