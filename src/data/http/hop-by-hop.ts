/**
 * Headers that belong to one connection and stop here, both ways, in lower case (RFC 9110, section 7.6.1, and
 * what older software sends). `transfer-encoding` is among them because each side frames its own body, and
 * `expect` because the listener answers it.
 */
export const hopByHopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

/**
 * The header names a `Connection` value asks to drop, in lower case: all it names but those that must not be
 * named away. Who guards what: headers that say whom a message is for, how its body is framed and read, and
 * what its sender may do or understands, are kept back here. Identity headers need no guard here as long as
 * they are added after the client's headers were filtered, which is the forwarder's duty; the client's own are
 * gone already (`isForgeable`). Whatever else a client names away it might as well not have sent.
 */
export function connectionTokens(value: string): readonly string[] {
  const list = value.toLowerCase()
  if (list === 'keep-alive' || list === 'close') return none
  return list.split(',').map(trim).filter(isDroppable)
}

const none: readonly string[] = Object.freeze([])
const guarded: ReadonlySet<string> = new Set([
  '',
  'authorization',
  'close',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'x-authentication',
  'x-puppet-version'
])

function trim(token: string): string {
  return token.trim()
}

function isDroppable(token: string): boolean {
  return !guarded.has(token)
}
