import type { IncomingHttpHeaders } from 'node:http'
import { gte, valid } from 'semver'
import { type Answer, text } from './answer.ts'
import type { Dice } from './dice.ts'

/** Puppet Server's `max-queued-requests` and `max-retry-delay`. */
export interface QueueLimit {
  /** 0 switches the limit off. */
  readonly maxQueued: number
  /** Seconds; 0 leaves `Retry-After` out. */
  readonly maxRetryDelayS: number
}

/** Tells clients to come back later; only those who understand it. */
export interface Overload {
  /** From now on every request for a JRuby is turned away, with exactly this `Retry-After` if given. */
  readonly begin: (retryAfterS?: number) => void
  readonly end: () => void
  /** The 503 for this request, or `undefined` when it may queue. */
  readonly refusalFor: (headers: IncomingHttpHeaders, waiting: number) => Answer | undefined
}

/** The first agents that honour `Retry-After`; Puppet Server lets older ones wait. */
const firstPatientAgent = '5.3.1'

export function createOverload({ maxQueued, maxRetryDelayS }: QueueLimit, dice: Dice): Overload {
  let forced: { readonly retryAfterS: number | undefined } | undefined

  const retryAfter = (): number | undefined => {
    if (forced) return forced.retryAfterS
    return maxRetryDelayS === 0 ? undefined : Math.floor(dice() * maxRetryDelayS)
  }

  return {
    begin: retryAfterS => {
      forced = { retryAfterS }
    },
    end: () => {
      forced = undefined
    },
    refusalFor: (headers, waiting) => {
      const full = forced !== undefined || (maxQueued > 0 && waiting >= maxQueued)
      const version = valid(String(headers['x-puppet-version'] ?? ''))
      if (!full || version === null || !gte(version, firstPatientAgent)) return undefined
      const seconds = retryAfter()
      const delay = seconds === undefined ? {} : { 'Retry-After': String(seconds) }
      return text(503, 'The number of requests waiting for a JRuby instance has exceeded the limit.', {
        ...delay,
        Connection: 'close'
      })
    }
  }
}
