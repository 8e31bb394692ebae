import type { Rank } from '../../balance/queue-order.ts'
import type { Master } from '../../model/master.ts'
import type { Result } from '../../shared/results.ts'
import { strangers } from '../../shared/slots/claimants.ts'
import type { Claimant } from '../../shared/slots/types.ts'
import type { AnswerHeaders } from './attempt.ts'
import type { Failure } from './failure.ts'

/** Counts what an attempt showed of a master, by seat; see `ResultTable`. */
export type AddResult = (seat: number, result: Result, agent: number, status?: number) => void

/** Counts how long a master took for a catalog that it gave, by seat. */
export type AddCompileMs = (seat: number, tookMs: number) => void

/** What the attempts of one request show of their masters. Agents without a certificate have no say. */
export interface Outcomes {
  /** The head of an answer is there. True when the master failed a catalog with it. */
  readonly answered: (master: Master, status: number, headers: AnswerHeaders, tookMs: number) => boolean
  /** There was no answer, though agent and balancer did their part. True when a catalog failed with it. */
  readonly unanswered: (master: Master, reason: Failure['reason']) => boolean
}

const none: Outcomes = Object.freeze({ answered: () => false, unanswered: () => false })

/** For a request that needs a JRuby; any other shows nothing. */
export function createOutcomes(
  slot: { readonly rank: Rank; readonly claimant?: Claimant | undefined } | undefined,
  add: AddResult,
  addCompileMs: AddCompileMs
): Outcomes {
  if (slot === undefined || slot.claimant === strangers) return none
  const isCatalog = slot.rank === 'catalog'
  const agent = slot.claimant?.cell ?? 0
  return {
    answered({ seat }, status, headers, tookMs) {
      add(seat, 'answered', agent)
      const result = isCatalog ? catalogResult(status, headers) : undefined
      if (result === 'failed') add(seat, 'failed', agent, status)
      else if (result === 'given') {
        add(seat, 'given', agent)
        addCompileMs(seat, tookMs)
      }
      return result === 'failed'
    },
    unanswered({ seat }, reason) {
      if (lost.has(reason)) add(seat, 'lost', agent)
      const isFailed = isCatalog && (lost.has(reason) || reason === 'master-timeout')
      if (isFailed) add(seat, 'failed', agent, 0)
      return isFailed
    }
  }
}

/**
 * Whatever is no catalog is a failure: 500 of a broken manifest, 404 of an environment that was not deployed there, 403
 * of a master that does not trust us. That an agent's own fault is none of the master's shows in that others fail it
 * too. A 503 with Retry-After says nothing but that the master is busy.
 */
export function catalogResult(status: number, headers: AnswerHeaders): 'given' | 'failed' | undefined {
  if (status < 400) return 'given'
  return status === 503 && headers['retry-after'] !== undefined ? undefined : 'failed'
}

/** The master had the request, and it was gone. */
const lost: ReadonlySet<Failure['reason']> = new Set(['master-lost', 'master-answer'])
