import type { RunPart } from '../../model/agents.ts'
import { type Agent, agentOf, copyOf, takePart } from './agent.ts'

/** So many agents are known at most, in less than 64 MB; of more, those that were not heard of for longest are forgotten. */
export const MOST_AGENTS = 100_000
/** Who was not heard of for so long is forgotten. */
export const FORGET_MS = 30 * 86_400_000
/** Texts that many agents share are held once; there are a few of them, and a bound against inventors. */
const MOST_WORDS = 4_096

/** What is known of the agents: the last run of each. */
export interface AgentBook {
  /** Takes what workers saw of runs, in any order. */
  readonly take: (parts: readonly RunPart[]) => void
  /** Takes what another book knew. Who is known here already stays as here. */
  readonly adopt: (agents: readonly Agent[]) => void
  readonly find: (certname: string) => Agent | undefined
  /** Those heard of longest ago first. */
  readonly all: () => Iterable<Agent>
  readonly size: () => number
  /** All certnames, sorted by their characters' codes. */
  readonly certnames: () => readonly string[]
}

/** `wallClock`: milliseconds since 1970. `most`: how many agents at most. */
export function createAgentBook(wallClock: () => number, most = MOST_AGENTS): AgentBook {
  /** Each moves to the end when it is heard of. */
  const agents = new Map<string, Agent>()
  const once = createWords()
  let sorted: readonly string[] | undefined

  function put(agent: Agent): void {
    if (!agents.delete(agent.certname)) sorted = undefined
    agents.set(agent.certname, agent)
  }

  function forgetOldest(): void {
    const leastMs = wallClock() - FORGET_MS
    for (const { certname, lastSeenMs } of agents.values()) {
      if (agents.size <= most && lastSeenMs >= leastMs) return
      agents.delete(certname)
      sorted = undefined
    }
  }

  /** As the one that is held already. */
  function share(agent: Agent): void {
    agent.version = once(agent.version)
    agent.environment = once(agent.environment)
    agent.master = once(agent.master)
    agent.catalog = once(agent.catalog)
    agent.report = once(agent.report)
  }

  return {
    take(parts) {
      for (const part of parts) {
        const known = agents.get(part.certname)
        const agent = known ?? agentOf(part)
        if (known) takePart(known, part)
        share(agent)
        put(agent)
      }
      forgetOldest()
    },
    adopt(told) {
      for (const agent of told) {
        if (agents.has(agent.certname)) continue
        const own = copyOf(agent)
        share(own)
        put(own)
      }
      forgetOldest()
    },
    find: certname => agents.get(certname),
    all: () => agents.values(),
    size: () => agents.size,
    certnames() {
      sorted ??= [...agents.keys()].sort()
      return sorted
    }
  }
}

/** Gives for equal texts one and the same string, so that what came in thousands of messages is held once. */
function createWords() {
  const words = new Map<string, string>()
  return <Text extends string | undefined>(text: Text): Text => {
    if (text === undefined) return text
    const held = words.get(text)
    if (held !== undefined) return held as Text
    if (words.size < MOST_WORDS) words.set(text, text)
    return text
  }
}
