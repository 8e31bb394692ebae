import type { Logger } from 'pino'
import type { Reasons } from '../model/explanation.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'

/** One request as the access log tells it, with the reasons at level `debug`. Milliseconds are rounded to a tenth. */
export interface AccessEntry extends Partial<Reasons> {
  readonly id: string
  readonly remote: string | undefined
  readonly certname: string | undefined
  readonly method: string
  /** Without the query, in which old agents send facts. */
  readonly path: string
  readonly class: EndpointClass
  /** Who answered, or was asked last; empty when nobody was asked. */
  readonly master: string
  readonly attempts: number
  readonly queueMs: number
  readonly upstreamMs: number
  readonly durationMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly status: number
  /** `complete`, `agent-gone`, `master-lost` in the middle of an answer, or the reason code of an own answer. */
  readonly end: string
}

/** The access log: one line a request at level `info`. */
export type AccessLog = (entry: AccessEntry) => void

export function createAccessLog(log: Logger): AccessLog {
  // A reload may change the level.
  return entry => {
    if (log.isLevelEnabled('info')) log.info(entry, 'request')
  }
}
