import type { IncomingHttpHeaders } from 'node:http'
import { gte, valid } from 'semver'
import { type Answer, text } from './answer.ts'

/** Tells clients to come back later, as Puppet Server does past its `max-queued-requests`. */
export interface Overload {
  /** From now on every request for a JRuby is turned away with this `Retry-After`. */
  readonly begin: (retryAfterS: number) => void
  readonly end: () => void
  /** The 503 for a request with these headers, or `undefined` when it may queue. */
  readonly refusalFor: (headers: IncomingHttpHeaders) => Answer | undefined
}

/** The first agents that honour `Retry-After`; Puppet Server lets older ones wait. */
const firstPatientAgent = '5.3.1'

/** An overload, over at first. */
export function createOverload(): Overload {
  let retryAfterS: number | undefined
  return {
    begin: seconds => {
      retryAfterS = seconds
    },
    end: () => {
      retryAfterS = undefined
    },
    refusalFor: headers => {
      const version = valid(String(headers['x-puppet-version'] ?? ''))
      if (retryAfterS === undefined || version === null || !gte(version, firstPatientAgent)) return undefined
      return text(503, 'The number of requests waiting for a JRuby instance has exceeded the limit.', {
        'Retry-After': String(retryAfterS),
        Connection: 'close'
      })
    }
  }
}
