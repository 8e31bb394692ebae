import type { IncomingHttpHeaders } from 'node:http'
import type { CaDocument, CaDocumentKind, CaDocuments } from '../../model/ca-documents.ts'
import type { ReasonCode } from '../../model/errors.ts'
import type { Runtime } from '../../model/runtime.ts'
import { caDocumentOf } from '../../puppet/ca-document.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { pourAll } from './back-pressure.ts'
import { hasBody } from './body.ts'
import type { Exchange } from './exchange.ts'

/** A CA reads these from its disk. One that has not begun to answer by then is taken for away. */
const CA_ANSWER_MS = 10_000

/** What keeps a request from the CA or its answer from the agent. Anything else is the agent's own fault. */
const awayCodes: ReadonlySet<ReasonCode> = new Set([
  'ca-unavailable',
  'no-connection',
  'no-master',
  'master-lost',
  'master-timeout',
  'master-answer'
])

/** The copy of a document that a request reads at the CA. */
export interface CaCopy {
  readonly isThere: () => boolean
  /** Answers the request in place of an answer of ours with this code; false: that is to be given. */
  readonly standsIn: (code: ReasonCode) => boolean
  /** The CA is being asked: `giveUp` is called when its answer is late, and there is a copy. The result cancels it. */
  readonly awaitAnswer: (giveUp: () => void) => () => void
  /** The CA has answered the request itself. */
  readonly given: (status: number) => void
}

export interface CaCopyDeps extends Pick<Runtime, 'wallClock' | 'schedule'> {
  /** The copies by now. */
  readonly caDocuments: () => CaDocuments
  /** To be told that the CA gave somebody a document. */
  readonly caDocumentRead: () => void
  readonly metrics: Pick<TrafficMetrics, 'caCopies'>
}

/** The copy for a request for the CA; `undefined` for what reads none of these documents. */
export function caCopyFor(exchange: Exchange, deps: CaCopyDeps): CaCopy | undefined {
  const { request } = exchange
  const kind = caDocumentOf(request.method, request.url as string)
  if (kind === undefined || hasBody(request)) return undefined
  // One that comes later comes from a CA that is back, and its answer is waited for by then.
  const wasThere = deps.caDocuments()[kind] !== undefined
  const document = () => (wasThere ? deps.caDocuments()[kind] : undefined)
  const isThere = () => document() !== undefined
  return {
    isThere,
    standsIn(code) {
      const { headersSent, destroyed } = exchange.response
      const there = awayCodes.has(code) && !headersSent && !destroyed ? document() : undefined
      if (there) answerFrom(exchange, kind, there, deps)
      return there !== undefined
    },
    awaitAnswer: giveUp =>
      deps.schedule(CA_ANSWER_MS, () => {
        if (isThere()) giveUp()
      }),
    given(status) {
      if (status === 200 && request.method === 'GET') deps.caDocumentRead()
    }
  }
}

function answerFrom(
  exchange: Exchange,
  kind: CaDocumentKind,
  document: CaDocument,
  { metrics, wallClock, schedule }: CaCopyDeps
): void {
  const { request, response } = exchange
  metrics.caCopies.inc({ document: kind })
  exchange.end = 'ca-copy'
  const headers = headersOf(document, wallClock())
  if (isUnmodified(document, request.headers)) {
    response.writeHead(304, headers).end()
    return
  }
  const { body, contentType } = document
  response.writeHead(200, ['content-type', contentType, 'content-length', String(body.length), ...headers])
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const onUnread = () => {
    exchange.end = 'unread'
    response.destroy()
  }
  pourAll(response, Buffer.from(body.buffer, body.byteOffset, body.length), schedule, onUnread, bytes => {
    exchange.bytesOut += bytes
  })
}

/**
 * `Age` is what a cache says (RFC 9111, 5.1), but any cache on the way may add one. That nobody could ask the CA was said
 * by `Warning: 111`, which that RFC has made obsolete (5.5) with nothing in its place, so it has a header of ours.
 */
function headersOf({ lastModified, etag, confirmedAtMs }: CaDocument, nowMs: number): string[] {
  const seconds = String(Math.max(0, Math.floor((nowMs - confirmedAtMs) / 1000)))
  const headers = ['age', seconds, 'x-puppet-lb-stale', seconds]
  if (lastModified !== undefined) headers.push('last-modified', lastModified)
  if (etag !== undefined) headers.push('etag', etag)
  return headers
}

/**
 * Whether who asks has these bytes, or newer ones, already (RFC 9110, 13.1.2 and 13.1.3). Without `Last-Modified` of the
 * CA the date counts since when it has been giving just these (RFC 9111, 4.3.2).
 */
export function isUnmodified(
  { lastModified, etag, sinceMs }: Pick<CaDocument, 'lastModified' | 'etag' | 'sinceMs'>,
  {
    'if-none-match': tags,
    'if-modified-since': date
  }: Pick<IncomingHttpHeaders, 'if-none-match' | 'if-modified-since'>
): boolean {
  if (tags !== undefined) return tags.trim() === '*' || (etag !== undefined && namesTag(tags, etag))
  if (date === undefined) return false
  const modifiedMs = lastModified === undefined ? sinceMs : Date.parse(lastModified)
  // Dates of HTTP are whole seconds.
  return Date.parse(date) >= Math.floor(modifiedMs / 1000) * 1000
}

function namesTag(tags: string, etag: string): boolean {
  const plain = (tag: string) => tag.trim().replace(/^W\//, '')
  return (tags.match(/(?:W\/)?"[^"]*"/g) ?? []).some(tag => plain(tag) === plain(etag))
}
