import type { Logger } from 'pino'
import type { Reasons } from '../model/explanation.ts'
import type { EndpointClass } from '../puppet/endpoint.ts'

/** One request as the access log tells it, with the reasons at level `debug`. Milliseconds are rounded to a tenth. */
export interface AccessEntry extends Partial<Reasons> {
  readonly id: string
  readonly remote: string | undefined
  readonly certname: string | undefined
  readonly method: string
  /** Without the query, in which old agents send facts. A line shows the begin of a long one. */
  readonly path: string
  readonly class: EndpointClass
  /** Whose masters it wanted, where there are routes. */
  readonly pool?: string | undefined
  /** Who answered, or was asked last; empty when nobody was asked. */
  readonly master: string
  readonly attempts: number
  readonly queueMs: number
  readonly upstreamMs: number
  readonly durationMs: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly status: number
  /** `complete`, `agent-gone`, `unread`, `made-room`, `master-lost` in the middle of an answer, or the reason code of an own answer. */
  readonly end: string
  /** Of an own answer: what its code does not say, as its agent is told. */
  readonly cause?: string | undefined
}

/** The access log: one line a request at level `info`. */
export type AccessLog = (entry: AccessEntry) => void

/** Longer ones say nothing more to a person; a client may choose them. In characters. */
const LONGEST = { path: 1024, certname: 256, method: 32 } as const
/** At the end of what was cut. */
const CUT_MARK = '…'

/** `isOn` says whether it is wanted now: a reload may change that, and the level. */
export function createAccessLog(log: Logger, isOn: () => boolean): AccessLog {
  return entry => {
    if (!isOn() || !log.isLevelEnabled('info')) return
    log.info(bounded(entry), 'request')
  }
}

function bounded(entry: AccessEntry): AccessEntry {
  const { path, certname, method } = entry
  const isShort =
    path.length <= LONGEST.path &&
    method.length <= LONGEST.method &&
    (certname === undefined || certname.length <= LONGEST.certname)
  if (isShort) return entry
  return {
    ...entry,
    path: cut(path, LONGEST.path),
    method: cut(method, LONGEST.method),
    certname: certname === undefined ? undefined : cut(certname, LONGEST.certname)
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}${CUT_MARK}`
}
