import type { ReasonCode } from '../../model/errors.ts'

/** What an error on a connection means. */
export interface ParserFault {
  /**
   * `told`: the client did something that HTTP has a word for. `lost`: the fault is not the client's, but where its next
   * request begins is no longer known. `gone`: nobody is there who would read an answer. `behind-the-last`: bytes
   * behind a request that said it was the last one, which nobody has to read (RFC 9112, section 9.6).
   */
  readonly kind: 'told' | 'lost' | 'gone' | 'behind-the-last'
  /** What to tell the client; for `told` alone. */
  readonly reason: ReasonCode | undefined
}

/** By the code of the error: llhttp's, Node's own, or the system's. */
export function faultOf(code = ''): ParserFault {
  if (code === 'HPE_HEADER_OVERFLOW') return told('headers-too-large')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return told('request-timeout')
  if (code === 'HPE_CLOSED_CONNECTION') return behindTheLast
  // The connection ended in the middle of a request: that is an agent that hung up.
  if (code === 'HPE_INVALID_EOF_STATE' || !code.startsWith('HPE_')) return gone
  return ours.test(code) ? lost : told('bad-request')
}

const lost: ParserFault = Object.freeze({ kind: 'lost', reason: undefined })
const gone: ParserFault = Object.freeze({ kind: 'gone', reason: undefined })
const behindTheLast: ParserFault = Object.freeze({ kind: 'behind-the-last', reason: undefined })

/** A parser that was stopped by its user, or failed by itself. A preface of HTTP/2 is the client's. */
const ours = /^HPE_(?:PAUSED|PAUSED_UPGRADE|USER|INTERNAL|OK|CB_\w+)$/

function told(reason: ReasonCode): ParserFault {
  return { kind: 'told', reason }
}
