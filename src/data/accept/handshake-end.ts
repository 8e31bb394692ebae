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

/** What kept a handshake from ending, about the agent, for people; by the end of the code that OpenSSL or Node gives it. */
const causes: readonly (readonly [RegExp, string])[] = [
  [
    /UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|NO_SUITABLE|VERSION_TOO_LOW$/,
    'it offers nothing that tls.profile allows'
  ],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)$/,
    'it does not believe our certificate'
  ],
  [/_HTTP_REQUEST$/, 'it speaks plain HTTP'],
  [/HANDSHAKE_TIMEOUT$/, 'it did not go on in time']
]

/** Why a handshake failed, about the agent. `undefined`: the code says all there is. */
export function handshakeCause({ code = '' }: NodeJS.ErrnoException): string | undefined {
  return causes.find(([pattern]) => pattern.test(code))?.[1]
}

/** Whether the first bytes were no TLS, nor a request in plain HTTP, which OpenSSL has another word for. */
export function isNoTls({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_SSL_WRONG_VERSION_NUMBER'
}
