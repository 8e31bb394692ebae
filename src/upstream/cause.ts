import { isOwnFault } from '../model/own-fault.ts'

/** What may keep a master from answering, as a bounded set for metrics. */
export const causeKinds = [
  'refused',
  'unreachable',
  'dns',
  'connect-timeout',
  'handshake-timeout',
  'timeout',
  'reset',
  'closed',
  'tls-verify',
  'tls-client-certificate',
  'tls-handshake',
  'not-tls',
  'tls-wanted',
  'not-http',
  'status-3xx',
  'status-4xx',
  'status-5xx',
  'status',
  'body',
  'own-fault',
  'other'
] as const
export type CauseKind = (typeof causeKinds)[number]

/** Why a master did not do what it was asked. */
export interface Cause {
  readonly kind: CauseKind
  /** A clause about the master, for logs, status and agents: no address, and no text of the master's. */
  readonly text: string
}

/** The error code of a master that took the connection and never ended the TLS handshake. */
export const HANDSHAKE_TIMEOUT = 'PUPPET_LB_HANDSHAKE_TIMEOUT'

const byCode: ReadonlyMap<string, Cause> = new Map(
  Object.entries({
    ECONNREFUSED: cause('refused', 'it refuses connections (ECONNREFUSED)'),
    EHOSTUNREACH: cause('unreachable', 'its host cannot be reached (EHOSTUNREACH)'),
    ENETUNREACH: cause('unreachable', 'there is no way to its network (ENETUNREACH)'),
    EHOSTDOWN: cause('unreachable', 'its host is down (EHOSTDOWN)'),
    ENOTFOUND: cause('dns', 'its name is not known (ENOTFOUND)'),
    ETIMEDOUT: cause('connect-timeout', 'it took no connection in time'),
    UND_ERR_CONNECT_TIMEOUT: cause('connect-timeout', 'it took no connection in time'),
    [HANDSHAKE_TIMEOUT]: cause(
      'handshake-timeout',
      'it took the connection and did not end the TLS handshake in time'
    ),
    UND_ERR_HEADERS_TIMEOUT: cause('timeout', 'it did not answer in time'),
    UND_ERR_BODY_TIMEOUT: cause('timeout', 'it stopped in the middle of its answer'),
    ECONNRESET: cause('reset', 'it reset the connection'),
    EPIPE: cause('reset', 'it reset the connection'),
    UND_ERR_SOCKET: cause('closed', 'it closed the connection'),
    // OpenSSL's words for X509_V_ERR_*: https://nodejs.org/api/tls.html#x509-certificate-error-codes
    CERT_HAS_EXPIRED: cause('tls-verify', 'its certificate has expired'),
    CERT_NOT_YET_VALID: cause('tls-verify', 'its certificate is not valid yet'),
    CERT_REVOKED: cause('tls-verify', 'its certificate is revoked'),
    ERR_TLS_CERT_ALTNAME_INVALID: cause('tls-verify', 'its certificate is for another name'),
    UNABLE_TO_GET_ISSUER_CERT: unknownAuthority(),
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority(),
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority(),
    SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority(),
    DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority(),
    CERT_UNTRUSTED: unknownAuthority(),
    CERT_SIGNATURE_FAILURE: unknownAuthority(),
    // Said by somebody who read our hello and is no TLS.
    ERR_SSL_WRONG_VERSION_NUMBER: cause('not-tls', 'it does not speak TLS on this port'),
    ERR_SSL_PACKET_LENGTH_TOO_LONG: cause('not-tls', 'it does not speak TLS on this port'),
    ERR_SSL_HTTP_REQUEST: cause('not-tls', 'it does not speak TLS on this port'),
    ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: cause(
      'tls-handshake',
      'it speaks no version of TLS that is spoken here'
    ),
    ERR_SSL_UNSUPPORTED_PROTOCOL: cause('tls-handshake', 'it speaks no version of TLS that is spoken here')
  })
)

/** X509_V_ERR_* that have no sentence of their own; any other fault of the certificate that it showed. */
const verifyCode =
  /^(?:CERT_|CRL_|INVALID_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS_CERT|PATH_LENGTH|HOSTNAME_)/

/**
 * Alerts by which a server refuses the certificate of its client (RFC 8446, section 6.2, and RFC 5246, section 7.2):
 * 42 to 46, 48, 49 and 116. What stands before `ALERT` differs by alert and by OpenSSL.
 */
const certificateAlert =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|ACCESS_DENIED|CERTIFICATE_REQUIRED|NO_CERTIFICATE)$/
const certificateAlertNumber = /SSL alert number (?:4[2-689]|116)\b/
/** The master refuses our client certificate, and so has read no request. */
export const clientCertificateRefused = cause(
  'tls-client-certificate',
  'it refuses the client certificate of the balancer, or wants one (upstream.tls.cert)'
)

/** OpenSSL's word for a client without a certificate before TLS 1.3, and for one with which it shares no cipher. */
const handshakeRefused = cause(
  'tls-handshake',
  'it refuses the TLS handshake: it wants a client certificate (upstream.tls.cert), or other ciphers'
)
/** The URL says http and the master speaks TLS. */
export const tlsWanted = cause('tls-wanted', 'it speaks TLS on this port, so its URL must begin with https')

/** What an error of a connection to a master, or of a request on it, means. Pure. */
export function causeOf(error: unknown): Cause {
  if (!(error instanceof Error)) return cause('other', 'it failed')
  if (isOwnFault(error)) return cause('own-fault', codeOf(error))
  if (isCertificateAlert(error)) return clientCertificateRefused
  const code = codeOf(error)
  return byCode.get(code) ?? tlsFault(code) ?? otherFault(error, code)
}

/** What an answer means that is not the one of a master that runs. */
export function causeOfAnswer(status: number): Cause {
  if (status >= 200 && status <= 299)
    return cause('body', `it answered ${status} but did not say that it runs`)
  const text = `it answered ${status}`
  const group = Math.floor(status / 100)
  if (group === 3) return cause('status-3xx', text)
  if (group === 4) return cause('status-4xx', text)
  return cause(group === 5 ? 'status-5xx' : 'status', text)
}

/** Whether the master has refused our certificate: then it has read no request. */
function isCertificateAlert(error: Error): boolean {
  return certificateAlert.test(codeOf(error)) || certificateAlertNumber.test(error.message)
}

function tlsFault(code: string): Cause | undefined {
  if (code.endsWith('ALERT_HANDSHAKE_FAILURE')) return handshakeRefused
  if (verifyCode.test(code)) return cause('tls-verify', `its certificate is not good (${code})`)
  if (code.startsWith('ERR_SSL_')) return cause('tls-handshake', `the TLS handshake with it failed (${code})`)
  return undefined
}

function otherFault(error: Error, code: string): Cause {
  // A parser of HTTP has codes of its own, HPE_*.
  if (error.name === 'HTTPParserError' || code.startsWith('HPE_') || code.startsWith('UND_ERR_RES'))
    return cause('not-http', 'its answer is not HTTP')
  return cause('other', `it failed (${code})`)
}

/** A code, or else the kind of the error: its message may hold an address, or words of the master. */
function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && code !== '') return code
  const [first] = error instanceof AggregateError ? error.errors : []
  return first instanceof Error ? codeOf(first) : error.name
}

function unknownAuthority(): Cause {
  return cause('tls-verify', 'its certificate is of a CA that is not trusted here (upstream.tls.ca)')
}

function cause(kind: CauseKind, text: string): Cause {
  return Object.freeze({ kind, text })
}
