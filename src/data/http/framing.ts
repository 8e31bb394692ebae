import type { IncomingMessage } from 'node:http'

/** What of a request its framing shows in. */
export type Framed = Pick<IncomingMessage, 'httpVersion' | 'headers' | 'rawHeaders'>

/**
 * Why nobody can be sure where this request ends, as the end of a sentence; `undefined` when all is well. What Node's
 * parser refuses by itself never comes here; it lets pass a request line without a version (as 0.9), HTTP/2.0, other
 * protocols (see `nameProtocol`),
 * `Transfer-Encoding` in HTTP/1.0, which RFC 9112, section 6.1, calls faulty, and codings before `chunked`, which would
 * be lost here. The connection must end with the answer: what follows may be this request's body.
 */
export function framingFault({ httpVersion, headers }: Framed): string | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'it must be HTTP/1.1 or HTTP/1.0'
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  if (httpVersion === '1.0') return 'HTTP/1.0 knows no Transfer-Encoding'
  return coding.toLowerCase() === 'chunked'
    ? undefined
    : 'its Transfer-Encoding must be chunked, and that alone'
}

/**
 * Whether a request asks for another protocol on its connection. That is not done, and RFC 9110, section 7.8, lets it
 * be answered as it stands, but Node's parser drops what came in one piece with it: its connection cannot go on.
 */
export function asksToUpgrade({ headers }: Pick<Framed, 'headers'>): boolean {
  return headers.upgrade !== undefined && /upgrade/i.test(headers.connection ?? '')
}
