import type { IncomingMessage } from 'node:http'

/**
 * Whether a request names its host exactly once, or never in HTTP/1.0 (RFC 9112, section 3.2). With two, one server
 * of a row may believe the first and the next one the last; Node drops the second in silence.
 */
export function hasOneHost({
  rawHeaders,
  httpVersion
}: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): boolean {
  let hosts = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0')
}
