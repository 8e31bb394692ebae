import { errors } from 'undici'
import type { ReasonCode } from '../../model/errors.ts'

/** What a failed attempt means for its request. */
export interface Failure {
  /** For `retries_total` and the log. */
  readonly reason:
    | 'connect-failed'
    | 'master-lost'
    | 'master-busy'
    | 'master-timeout'
    | 'master-answer'
    | 'bad-request'
  readonly code: ReasonCode
  readonly cause: string
  /** Another master might do better. */
  readonly worthAnother: boolean
}

/** What undici's error means; `sent`: a byte of the request may have reached the master. */
export function failureOf(error: Error, sent: boolean): Failure {
  const cause = (error as NodeJS.ErrnoException).code ?? error.name
  if (cause === 'UND_ERR_INVALID_ARG') {
    return { reason: 'bad-request', code: 'bad-request', cause, worthAnother: false }
  }
  if (!sent) return { reason: 'connect-failed', code: 'no-master', cause, worthAnother: true }
  if (cause === 'UND_ERR_HEADERS_TIMEOUT' || cause === 'UND_ERR_BODY_TIMEOUT') {
    return { reason: 'master-timeout', code: 'master-timeout', cause, worthAnother: false }
  }
  const isMalformed = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError
  if (isMalformed || cause.startsWith('UND_ERR_RES')) {
    return { reason: 'master-answer', code: 'master-answer', cause, worthAnother: false }
  }
  return { reason: 'master-lost', code: 'master-lost', cause, worthAnother: true }
}

/** Why we break an attempt off ourselves. */
export const agentGone = new Error('the agent hung up')
export const passedOn = new Error('the master is busy')
