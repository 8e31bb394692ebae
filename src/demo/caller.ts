import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { readTrustedExtensions, type TrustedExtensions } from './puppet-extensions.ts'

/** Who a master takes the sender of a request for. */
export interface Caller {
  readonly authenticated: boolean
  /** The name claimed, which counts only when authenticated. */
  readonly certname: string | undefined
  /** Trusted facts of the certificate; empty without one. */
  readonly extensions: TrustedExtensions
}

/** Identity headers so malformed that Puppet Server answers 400 with this sentence. */
export interface MalformedIdentity {
  readonly problem: string
}

const anonymous: Caller = { authenticated: false, certname: undefined, extensions: {} }
const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Identity as Puppet Server reads it with `allow-header-cert-info: true`: from three headers alone, whoever
 * holds the connection (trapperkeeper-authorization, `ring_middleware.clj`).
 */
export function callerFromHeaders(request: IncomingMessage): Caller | MalformedIdentity {
  // Repeated headers are joined by commas there, so a second SUCCESS makes the value something else.
  const header = (name: string) => request.headersDistinct[name]?.join(',')
  const certificate = certificateFromHeader(header('x-client-cert'))
  if (certificate instanceof Error) return { problem: certificate.message }
  const certname = commonName(header('x-client-dn') ?? '')
  const authenticated = header('x-client-verify') === 'SUCCESS' && certname !== undefined
  return { authenticated, certname, extensions: certificate ? readTrustedExtensions(certificate) : {} }
}

/** Identity with `allow-header-cert-info: false`: the verified certificate of the TLS peer, headers ignored. */
export function callerFromPeer(request: IncomingMessage): Caller {
  const { socket } = request
  if (!(socket instanceof TLSSocket) || !socket.authorized) return anonymous
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return anonymous
  const certname = certificate.toLegacyObject().subject.CN
  const extensions = readTrustedExtensions(certificate.toString())
  return { authenticated: true, certname: String(certname), extensions }
}

function certificateFromHeader(value: string | undefined): string | undefined | Error {
  if (value === undefined) return undefined
  const pem = formDecode(value)
  if (pem === undefined) return new Error('Unable to URL decode the x-client-cert header')
  const found = pem.match(certificatePattern) ?? []
  const [certificate] = found
  if (certificate === undefined) return new Error('No certs found in PEM read from x-client-cert')
  if (found.length > 1) {
    return new Error(`Only 1 PEM should be supplied for x-client-cert but ${found.length} found`)
  }
  try {
    return new X509Certificate(certificate).toString()
  } catch (error) {
    return new Error(`Unable to parse x-client-cert into certificate: ${(error as Error).message}`)
  }
}

/** The server decodes as if from a form: a bare plus becomes a space, which ruins base64. */
function formDecode(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The CN of an RFC 2253 name, or of OpenSSL's old form `/O=x/CN=y`. */
function commonName(dn: string): string | undefined {
  if (dn.startsWith('/')) return ofType('CN', dn.split('/'))
  const parts = dn.match(/(?:\\.|[^,+\\])+/g) ?? []
  return ofType('CN', parts)?.replace(/\\([0-9a-f]{2}|.)/gi, (_, escaped: string) => unescape2253(escaped))
}

function ofType(type: string, parts: readonly string[]): string | undefined {
  const found = parts.map(part => part.trim()).find(part => part.toUpperCase().startsWith(`${type}=`))
  return found?.slice(type.length + 1) || undefined
}

function unescape2253(escaped: string): string {
  return escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped
}
