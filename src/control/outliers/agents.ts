import { AGENT_WORDS, type AgentBits } from '../../shared/results.ts'

const BITS = AGENT_WORDS * 32

export function noAgents(): AgentBits {
  return new Int32Array(AGENT_WORDS)
}

/** Those of either. */
export function either(a: AgentBits, b: AgentBits): AgentBits {
  return a.map((word, index) => word | (b[index] as number))
}

export function both(a: AgentBits, b: AgentBits): AgentBits {
  return a.map((word, index) => word & (b[index] as number))
}

/** Those of the first without those of the second. */
export function without(a: AgentBits, b: AgentBits): AgentBits {
  return a.map((word, index) => word & ~(b[index] as number))
}

export function isNobody(agents: AgentBits): boolean {
  return agents.every(word => word === 0)
}

/**
 * How many agents there are, to a whole number: linear counting makes up for those that share a bit (Whang and others,
 * "A linear-time probabilistic counting algorithm", 1990). With every bit set it can tell no more than its greatest.
 */
export function countOf(agents: AgentBits): number {
  const bits = agents.reduce((sum, word) => sum + ones(word), 0)
  const unset = Math.max(1, BITS - bits)
  return Math.round(BITS * Math.log(BITS / unset))
}

function ones(word: number): number {
  let count = 0
  for (let bits = word; bits !== 0; bits &= bits - 1) count++
  return count
}
