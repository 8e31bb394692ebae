import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Authority } from '../../pki/authorities.ts'
import { renewedChain } from '../../pki/renewed-chain.ts'
import { hasSerial, serialOf } from '../../pki/serials.ts'
import { certnameOf, identityHeaders } from '../../puppet/identity.ts'
import { expired, notOurs, sentenceFor } from './verdict.ts'

/** Who is at the other end of a connection, worked out once for the connection. */
export interface Identity {
  /** Of a verified certificate only. */
  readonly certname: string | undefined
  /** What masters are told, as a flat list of header names and values. */
  readonly headers: readonly string[]
  /** Why the certificate the client showed is not accepted; nothing of such a connection is ever forwarded. */
  readonly refusal: string | undefined
  /** The certificate and those above it, as a `RevokedSet` is asked for them. */
  readonly revocationKeys: readonly RevocationKey[]
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
}

/** A certificate by who issued it and its serial number. */
export interface RevocationKey {
  /** The CA's `keyId`. */
  readonly authority: string
  /** As `serialOf` gives it. */
  readonly serial: Uint8Array
}

/** Somebody who showed no certificate. */
export const anonymous: Identity = Object.freeze({
  certname: undefined,
  headers: identityHeaders(undefined),
  refusal: undefined,
  revocationKeys: [],
  notAfterMs: Number.POSITIVE_INFINITY
})

const revoked = 'it is revoked'
const late = 'the revocation list of its CA is out of date'

/** Reads the identity off a finished handshake: the verified peer certificate, or none, or a refusal. */
export function readIdentity(
  socket: TLSSocket,
  authorities: readonly Authority[],
  wallClock: Runtime['wallClock']
): Identity {
  const peer = socket.getPeerX509Certificate()
  if (!peer) return anonymous
  const code = socket.authorized ? undefined : String(socket.authorizationError)
  const nowMs = wallClock()
  const renewed =
    code !== undefined && leftBehind.has(code) ? keysByRenewal(peer, authorities, nowMs) : undefined
  if (code !== undefined && !renewed) {
    const isIssuerKnown = authorities.some(({ certificate }) => certificate.subject === peer.issuer)
    const chain = chainOf(peer, authorities, nowMs)
    const verification = { code, chain, isOurs: leadsTo(authorities, chain), isIssuerKnown }
    return { ...anonymous, refusal: sentenceFor(verification, nowMs) }
  }
  const certname = certnameOf(commonNameOf(peer))
  if (certname === undefined) return { ...anonymous, refusal: 'its subject is not a single valid certname' }
  const revocationKeys = renewed ?? revocationKeysOf(peer, authorities)
  if (!revocationKeys) return { ...anonymous, refusal: notOurs }
  return Object.freeze({
    certname,
    headers: identityHeaders({ certname, pem: peer.toString() }),
    refusal: undefined,
    revocationKeys,
    notAfterMs: peer.validToDate.getTime()
  })
}

/** What OpenSSL says when a CA that it has, or looks for, is one that has been renewed since. */
const leftBehind: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])

/**
 * The certificate and all above it by the certificates that its CAs have now, and those that they had; `undefined`: they do
 * not vouch for it.
 */
function keysByRenewal(
  peer: X509Certificate,
  authorities: readonly Authority[],
  nowMs: number
): readonly RevocationKey[] | undefined {
  const chain = renewedChain(peer, authorities, nowMs)
  const [issuer] = chain ?? []
  if (!chain || !issuer) return undefined
  const above = chain.flatMap((ca, index) =>
    authorities
      .filter(({ keyId }) => keyId === ca.keyId)
      // A root is signed by itself.
      .map(({ certificate }) => ({
        authority: (chain[index + 1] ?? ca).keyId,
        serial: serialOf(certificate.raw)
      }))
  )
  return [{ authority: issuer.keyId, serial: serialOf(peer.raw) }, ...above]
}

/**
 * The identity of a connection that was verified when it began, now that the CAs are others: the same with its keys
 * read anew, or a refusal when its certificate does not lead to any of them by valid signatures. OpenSSL's verdict is
 * that of the handshake, so the signatures are checked here. A connection that was refused stays so: it is
 * closed with the answer, and its agent begins another one.
 */
export function judgeAnew(
  identity: Identity,
  socket: TLSSocket,
  authorities: readonly Authority[],
  nowMs: number
): Identity {
  const peer = socket.getPeerX509Certificate()
  const revocationKeys =
    peer && (revocationKeysOf(peer, authorities, isSignedBy) ?? keysByRenewal(peer, authorities, nowMs))
  if (!revocationKeys) return { ...anonymous, refusal: notOurs }
  return Object.freeze({ ...identity, revocationKeys })
}

/** Whether one certificate's signature is by another's key. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.verify(issuer.publicKey)
}

/** Longer than any chain that OpenSSL follows is of use to nobody. */
const MAX_CHAIN = 10

/** Whether a chain ends at a root among these, by valid signatures. */
function leadsTo(authorities: readonly Authority[], chain: readonly X509Certificate[]): boolean {
  const root = chain.at(-1)
  const isKnown = authorities.some(({ certificate }) => certificate.fingerprint256 === root?.fingerprint256)
  return isKnown && chain.every((each, index) => isSignedBy(each, chain[index + 1] ?? each))
}

/** Whether a CA signed it under this name, whichever of its certificates it had then. */
function isByName(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.issuer === issuer.subject && isSignedBy(certificate, issuer)
}

/** A certificate and those above it, as OpenSSL takes them: ours first, valid ones before others, then the client's. */
function chainOf(
  peer: X509Certificate,
  authorities: readonly Authority[],
  nowMs: number
): readonly X509Certificate[] {
  const chain = [peer]
  for (let certificate = peer; chain.length < MAX_CHAIN; ) {
    const issuers = authorities
      .map(each => each.certificate)
      .filter(each => certificate.checkIssued(each) || isByName(certificate, each))
    const next = issuers.find(each => isValidAt(each, nowMs)) ?? issuers[0] ?? certificate.issuerCertificate
    if (!next || chain.some(each => each.fingerprint256 === next.fingerprint256)) break
    chain.push(next)
    certificate = next
  }
  return chain
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs <= validToDate.getTime()
}

/** A subject as Puppet makes it. Its common name alone, and nothing in it that would be escaped. */
const plainSubject = /^CN=([a-z0-9._-]+)$/

/** The common names of the subject. Node's object with all of a certificate in it costs a tenth of a handshake. */
function commonNameOf(peer: X509Certificate): string | readonly string[] | undefined {
  return plainSubject.exec(peer.subject)?.[1] ?? peer.toLegacyObject().subject.CN
}

/**
 * The certificate and all above it, each under every CA that may have issued it; `undefined` when they do not lead
 * to a root among `authorities` by steps that `mayIssue` accepts. A client may send intermediates of its own and so satisfy TLS, but Node does not
 * tell which, and what is not known cannot be found on a revocation list.
 */
function revocationKeysOf(
  peer: X509Certificate,
  authorities: readonly Authority[],
  mayIssue: (certificate: X509Certificate, issuer: X509Certificate) => boolean = () => true
): readonly RevocationKey[] | undefined {
  const keys: RevocationKey[] = []
  const chain = [peer]
  let isRooted = false
  // The chain grows while it is walked, until nothing new stands above it.
  for (const certificate of chain) {
    for (const issuer of authorities) {
      if (!certificate.checkIssued(issuer.certificate)) continue
      if (!mayIssue(certificate, issuer.certificate)) continue
      keys.push({ authority: issuer.keyId, serial: serialOf(certificate.raw) })
      if (certificate === issuer.certificate) isRooted = true
      if (!chain.includes(issuer.certificate)) chain.push(issuer.certificate)
    }
  }
  return isRooted ? keys : undefined
}

/** Why a request on this connection is refused now; an open connection outlives neither its certificate nor a CRL. */
export function refusalOf(identity: Identity, revokedSet: RevokedSet, nowMs: number): string | undefined {
  if (identity.refusal !== undefined) return identity.refusal
  if (nowMs > identity.notAfterMs) return expired
  if (isRevoked(identity, revokedSet)) return revoked
  return isLate(identity, revokedSet, nowMs) ? late : undefined
}

export function isRevoked({ revocationKeys }: Identity, revokedSet: RevokedSet): boolean {
  for (const { authority, serial } of revocationKeys) {
    for (const list of revokedSet) if (list.authority === authority && hasSerial(list, serial)) return true
  }
  return false
}

/** Whether a list that may name it is out of date, and nobody is to go by it. */
function isLate({ revocationKeys }: Identity, revokedSet: RevokedSet, nowMs: number): boolean {
  for (const list of revokedSet) {
    if (nowMs > list.validUntilMs && revocationKeys.some(({ authority }) => authority === list.authority))
      return true
  }
  return false
}
