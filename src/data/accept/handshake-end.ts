/** Codes by which a client hangs up; whatever keeps a handshake from ending otherwise has a code of its own. */
const hangUps: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/**
 * What a handshake that did not end counts as. `abandoned`: its client hung up in the middle of it, without a word of
 * TLS. `undefined`: nobody has said a byte, as when a balancer in front looks whether the port is open.
 */
export function failedHandshake(
  { code = '' }: NodeJS.ErrnoException,
  bytesRead: number
): 'failure' | 'abandoned' | undefined {
  if (!hangUps.has(code)) return 'failure'
  return bytesRead > 0 ? 'abandoned' : undefined
}

/** Whether the first bytes were no TLS, nor a request in plain HTTP, which OpenSSL has another word for. */
export function isNoTls({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER'
}
