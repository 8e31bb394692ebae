import { type AgentBits, type Result, results, type SeatResults } from '../../shared/results.ts'
import { either, isNobody, noAgents } from './agents.ts'

/** Results are kept in slices of this length. */
const SLICE_MS = 10_000

/** The results of one master in the last minutes. */
export interface Evidence {
  readonly add: (nowMs: number, results: SeatResults) => void
  /** Its agents with a result in the last `spanMs`, a slice more at most. */
  readonly over: (nowMs: number, spanMs: number, result: Result) => AgentBits
  /** The last status that a catalog failed with; 0 when there was no answer. */
  readonly lastStatus: () => number
}

interface Slice {
  readonly sinceMs: number
  readonly agents: Readonly<Record<Result, AgentBits>>
}

/** Remembers `longestMs`. */
export function createEvidence(longestMs: number): Evidence {
  let slices: readonly Slice[] = []
  let lastStatus = 0
  return {
    add(nowMs, { agents, lastStatus: status }) {
      lastStatus = status
      slices = slices.filter(({ sinceMs }) => sinceMs > nowMs - longestMs - SLICE_MS)
      if (results.every(result => isNobody(agents[result]))) return
      const last = slices.at(-1)
      if (!last || last.sinceMs <= nowMs - SLICE_MS) slices = [...slices, { sinceMs: nowMs, agents }]
      else slices = [...slices.slice(0, -1), { ...last, agents: joined(last.agents, agents) }]
    },
    over: (nowMs, spanMs, result) =>
      slices
        .filter(({ sinceMs }) => sinceMs > nowMs - spanMs - SLICE_MS)
        .reduce((sum, { agents }) => either(sum, agents[result]), noAgents()),
    lastStatus: () => lastStatus
  }
}

function joined(a: Slice['agents'], b: Slice['agents']): Slice['agents'] {
  const of = (result: Result) => either(a[result], b[result])
  return { given: of('given'), failed: of('failed'), answered: of('answered'), lost: of('lost') }
}
