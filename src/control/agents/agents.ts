import type { AgentList, AgentQuery, RunPart } from '../../model/agents.ts'
import type { Runtime } from '../../model/runtime.ts'
import { majorOf } from '../../puppet/agent-version.ts'
import type { AgentCensus } from '../../telemetry/agent-metrics.ts'
import { type AgentBook, createAgentBook } from './book.ts'
import { censusOf } from './census.ts'
import { listAgents } from './listing.ts'

/** A scrape asks three times. */
const CENSUS_MS = 1_000

/** The agents that the balancer has seen. */
export interface Agents {
  readonly book: AgentBook
  readonly take: (parts: readonly RunPart[]) => void
  /** Hears what is taken from now on; the result ends it. */
  readonly follow: (hear: (parts: readonly RunPart[]) => void) => () => void
  readonly list: (query: AgentQuery) => AgentList
  readonly census: () => AgentCensus
}

export interface AgentsDeps {
  readonly runtime: Pick<Runtime, 'now' | 'wallClock'>
  /** The versions that masters tell. */
  readonly masterVersions: () => readonly string[]
}

export function createAgents({ runtime, masterVersions }: AgentsDeps): Agents {
  const book = createAgentBook(runtime.wallClock)
  const followers = new Set<(parts: readonly RunPart[]) => void>()
  let census: { readonly atMs: number; readonly counts: AgentCensus } | undefined

  function mastersMajor(): number | undefined {
    const majors = masterVersions().flatMap(version => majorOf(version) ?? [])
    return majors.length === 0 ? undefined : Math.min(...majors)
  }

  return {
    book,
    take(parts) {
      book.take(parts)
      for (const hear of followers) hear(parts)
    },
    follow(hear) {
      followers.add(hear)
      return () => followers.delete(hear)
    },
    list: query => listAgents(book, query, { nowMs: runtime.wallClock(), mastersMajor: mastersMajor() }),
    census() {
      const atMs = runtime.now()
      if (!census || atMs - census.atMs >= CENSUS_MS)
        census = { atMs, counts: censusOf(book.all(), runtime.wallClock()) }
      return census.counts
    }
  }
}
