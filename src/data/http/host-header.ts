import type { IncomingMessage } from 'node:http'

/**
 * Whether a request names its host exactly once, or never in HTTP/1.0, and by something that can be a host (RFC 9112,
 * section 3.2). With two, one server of a row may believe the first and the next one the last; Node drops the second in
 * silence.
 */
export function hasOneHost({
  rawHeaders,
  httpVersion
}: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (!hostAndPort.test(rawHeaders[index + 1] as string)) return false
    hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0')
}

/** A name or an address with a port or without, or nothing, which RFC 9112 allows where a URL has none. */
const hostAndPort = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/
