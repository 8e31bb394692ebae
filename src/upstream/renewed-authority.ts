import { checkServerIdentity, type TLSSocket } from 'node:tls'
import type { UpstreamSettings } from '../model/settings.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import { renewedChain, serverAuthentication } from '../pki/renewed-chain.ts'

/** By what a master's certificate is judged. */
interface Verifying {
  readonly tls: Pick<UpstreamSettings['tls'], 'ca' | 'verify'>
}

/** Settings are never edited, and a connector is made of them again and again. */
const known = new WeakMap<Verifying, { readonly authorities: readonly Authority[] | undefined }>()

/** The CAs of masters, where one stands beside its renewal, with the same name and key; `undefined` where none does. */
export function renewalIn(upstream: Verifying): readonly Authority[] | undefined {
  const read = known.get(upstream) ?? { authorities: readRenewal(upstream) }
  known.set(upstream, read)
  return read.authorities
}

function readRenewal({ tls: { ca, verify } }: Verifying): readonly Authority[] | undefined {
  if (ca === undefined || !verify) return undefined
  const authorities = authoritiesOf(ca)
  const names = authorities.map(({ certificate, keyId }) => `${keyId} ${certificate.subject}`)
  return new Set(names).size < names.length ? authorities : undefined
}

/**
 * Why the certificate of a master is not good, now that its handshake has ended; `undefined` when it is: OpenSSL says so,
 * or it found a CA that has been renewed since, and the CAs as they are now vouch for it. `name`: of the master.
 */
export function faultOf(
  socket: TLSSocket,
  name: string,
  authorities: readonly Authority[],
  nowMs: number
): Error | undefined {
  if (socket.authorized) return undefined
  const code = String(socket.authorizationError)
  const certificate = socket.getPeerX509Certificate()
  const isBehind = code === 'CERT_HAS_EXPIRED'
  if (!isBehind || !certificate || !renewedChain(certificate, authorities, nowMs, serverAuthentication))
    return Object.assign(new Error(code), { code })
  return checkServerIdentity(name, certificate.toLegacyObject())
}
