import type { RunPart } from '../../model/agents.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Agent } from '../agents/agent.ts'
import type { Agents } from '../agents/agents.ts'

/** Agents in one message, and how long it is until the next one: 100,000 must not keep anybody waiting. */
const BATCH = 1_000
const PAUSE_MS = 10

export interface ToldOfAgents {
  /** What is known of some: each agent once. */
  readonly agents: (agents: readonly Agent[]) => void
  /** What was seen since of those that were told. */
  readonly runs: (parts: readonly RunPart[]) => void
}

/** Tells a successor what is known of agents, those heard of longest ago first, and from then on what is seen. The result ends it. */
export function tellAgents(
  { book, follow }: Pick<Agents, 'book' | 'follow'>,
  { schedule }: Pick<Runtime, 'schedule'>,
  told: ToldOfAgents
): () => void {
  const untold = new Set(Array.from(book.all(), ({ certname }) => certname))
  let cancel = () => {}

  function tellNext(): void {
    const agents: Agent[] = []
    for (const certname of untold) {
      untold.delete(certname)
      const agent = book.find(certname)
      if (agent) agents.push(agent)
      if (agents.length === BATCH) break
    }
    if (agents.length > 0) told.agents(agents)
    if (untold.size > 0) cancel = schedule(PAUSE_MS, tellNext)
  }

  tellNext()
  const unfollow = follow(parts => {
    // Of the others it is in what is told next.
    const news = parts.filter(({ certname }) => !untold.has(certname))
    if (news.length > 0) told.runs(news)
  })
  return () => {
    cancel()
    unfollow()
  }
}
