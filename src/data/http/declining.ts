import type { AnswerHeaders } from './attempt.ts'

/**
 * Why a master did not run a request. Puppet Server says so with 503 alone: past its `max-queued-requests` with
 * `Retry-After` (`master-busy`), and without one while its JRubies are shut down or none was free for 20 minutes
 * (`master-unavailable`).
 */
export type NotRun = 'master-busy' | 'master-unavailable'

/** What an answer says of that; `undefined`: the master has run the request. */
export function notRunOf(status: number, headers: AnswerHeaders): NotRun | undefined {
  if (status !== 503) return undefined
  return headers['retry-after'] === undefined ? 'master-unavailable' : 'master-busy'
}

/** The headers of an answer for an agent that would not survive to be told when to come back. */
export function withoutRetryAfter({ 'retry-after': _, ...headers }: AnswerHeaders): AnswerHeaders {
  return headers
}
