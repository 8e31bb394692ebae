import type { AgentBits } from '../../shared/results.ts'
import { both, countOf, either, isNobody, noAgents, without } from './agents.ts'
import { chanceOf } from './chance.ts'

/** What became of the agents of one master: for whom it did well, and whom it failed. One agent may be both. */
export interface Sight {
  readonly id: number
  readonly good: AgentBits
  readonly bad: AgentBits
}

/** A master that fails more than others do, in agents. */
export interface Outlier {
  readonly id: number
  readonly failed: number
  readonly of: number
  readonly othersFailed: number
  readonly othersOf: number
}

/** Fewer agents than this prove nothing, whatever the others do. */
const FEWEST = 3
/** Its share of agents that fail must be this much above that of the others: less is no reason to do without a master. */
const EXCESS = 0.2
/** So seldom would it come about by chance. */
const CHANCE = 0.0001

/**
 * The master that most clearly fails agents whom others do not fail; `undefined` when none does. Each agent counts once at
 * each master however often it asks, and one that several failed and nobody served counts nowhere: a broken manifest is
 * no master's fault.
 */
export function outlierOf(sights: readonly Sight[]): Outlier | undefined {
  if (sights.every(({ bad }) => isNobody(bad))) return undefined
  const hopeless = hopelessAgents(sights)
  const counts = sights.map(({ id, good, bad }) => {
    const failed = without(bad, hopeless)
    return { id, failed: countOf(failed), of: countOf(either(failed, good)) }
  })
  const total = (what: 'failed' | 'of') => counts.reduce((sum, each) => sum + each[what], 0)
  const [failed, of] = [total('failed'), total('of')]
  return counts
    .map(each => ({ ...each, othersFailed: failed - each.failed, othersOf: of - each.of }))
    .filter(isOutlier)
    .sort((a, b) => excessOf(b) - excessOf(a))[0]
}

/** Those whom several masters failed and nobody served. */
function hopelessAgents(sights: readonly Sight[]): AgentBits {
  let [once, often, served] = [noAgents(), noAgents(), noAgents()]
  for (const { good, bad } of sights) {
    often = either(often, both(once, bad))
    once = either(once, bad)
    served = either(served, good)
  }
  return without(often, served)
}

function isOutlier(outlier: Outlier): boolean {
  const { failed, of, othersFailed, othersOf } = outlier
  if (failed < FEWEST || othersOf === 0 || excessOf(outlier) < EXCESS) return false
  return chanceOf(failed, of, othersFailed, othersOf) < CHANCE
}

function excessOf({ failed, of, othersFailed, othersOf }: Outlier): number {
  return failed / Math.max(1, of) - othersFailed / Math.max(1, othersOf)
}
