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

type Book = Pick<AgentBook, 'all' | 'find' | 'certnames'>

/** Answers a question about agents. Pure. */
export function listAgents(book: Book, query: AgentQuery, yardstick: Yardstick): AgentList {
  const { total, agents } = query.filter
    ? byRank(book.all(), rankFor(query.filter, query.withinDays, yardstick), query)
    : byName(book, namesFrom(book.certnames(), query.query), query)
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
      return oldRank(mastersMajor ?? 0)
    case 'noisy':
      return agent => requestsPerHour(agent, nowMs)
  }
}

/** A version is read once, however many agents have it. */
function oldRank(mastersMajor: number): Rank {
  const ranks = new Map<string | undefined, number | undefined>()
  return ({ version }) => {
    if (!ranks.has(version)) {
      const major = majorOf(version)
      ranks.set(version, major !== undefined && major < mastersMajor ? -major : undefined)
    }
    return ranks.get(version)
  }
}

interface Ranked {
  readonly agent: Agent
  readonly rank: number
}

/** So many more than wanted are gathered before those that are too many are dropped. */
const SPARE = 64

/**
 * Those with a rank, the greatest first and among equals by name. All agents are looked through, which keeps the thread; so no
 * more are held and sorted than are wanted, and a few.
 */
function byRank(agents: Iterable<Agent>, rankOf: Rank, { query, offset, limit }: AgentQuery): Page {
  const wanted = offset + limit
  const ranked: Ranked[] = []
  let total = 0
  let last: Ranked | undefined
  for (const agent of agents) {
    if (query !== '' && !agent.certname.startsWith(query)) continue
    const rank = rankOf(agent)
    if (rank === undefined) continue
    total++
    const found = { agent, rank }
    if (last && inOrder(last, found) < 0) continue
    ranked.push(found)
    if (ranked.length < 2 * wanted + SPARE) continue
    ranked.sort(inOrder)
    ranked.length = wanted
    last = ranked.at(-1)
  }
  const first = ranked.sort(inOrder).slice(offset, wanted)
  return { total, agents: first.map(({ agent }) => agent) }
}

function inOrder(a: Ranked, b: Ranked): number {
  return b.rank - a.rank || (a.agent.certname < b.agent.certname ? -1 : 1)
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
