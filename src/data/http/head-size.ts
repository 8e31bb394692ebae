import type { IncomingMessage } from 'node:http'
import { requestHeaders } from './headers.ts'

type Head = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders' | 'headers'>

/** What undici adds to a head: the version, how the connection goes on, line ends. */
const FRAME_BYTES = ' HTTP/1.1\r\nconnection: keep-alive\r\n\r\n'.length + 1
/** And how a body is framed, where there may be one. */
const BODY_BYTES = 'transfer-encoding: chunked\r\n'.length
/** Of a header: colon, blank, line end. */
const LINE_BYTES = 4

/**
 * Bytes of the head that a master would get for a request, when they are more than `limit`; `undefined` when it fits.
 * `identity` is what is added, in names and values; `host` gives the longest name and port of a master, and is asked for
 * in doubt alone. Jetty counts every byte from the request line to the empty line (`HttpParser`).
 */
export function oversizeBytes(
  { method = '', url = '', rawHeaders, headers }: Head,
  identity: readonly string[],
  limit: number,
  host: () => string
): number | undefined {
  const frame = FRAME_BYTES + (method === 'GET' ? 0 : BODY_BYTES) + method.length + url.length
  // Nearly always this is enough to know: a name of a host is not that long, and headers that stay here count as well.
  if (frame + MAX_HOST_BYTES + linesBytes(rawHeaders) + linesBytes(identity) <= limit) return undefined
  const bytes = frame + linesBytes(requestHeaders(rawHeaders, headers.connection, host(), identity))
  return bytes > limit ? bytes : undefined
}

/** `Host`, a name as long as DNS allows, and a port. */
const MAX_HOST_BYTES = 4 + 253 + 6 + LINE_BYTES

/** Latin-1 in, Latin-1 out: a character is a byte. */
function linesBytes(headers: readonly string[]): number {
  let bytes = (headers.length / 2) * LINE_BYTES
  for (const text of headers) bytes += text.length
  return bytes
}
