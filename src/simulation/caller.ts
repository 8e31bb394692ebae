import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { readTrustedExtensions, type TrustedExtensions } from './puppet-extensions.ts'

/** Who a master takes the sender of a request for. */
export interface Caller {
  readonly authenticated: boolean
  /** The name claimed, which counts only when authenticated. */
  readonly certname: string | undefined
  /** Trusted facts of the certificate; empty without one. */
  readonly extensions: TrustedExtensions
  /** The certificate, PEM, that stands in the headers. */
  readonly certificate?: string | undefined
}

/** Identity headers so malformed that Puppet Server answers 400 with this sentence. */
export interface MalformedIdentity {
  readonly problem: string
}

const maxRemembered = 1000
const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Reads who sent a request. */
export type CallerReader = (request: IncomingMessage) => Caller | MalformedIdentity

/**
 * Identity as Puppet Server reads it with `allow-header-cert-info: true`: from three headers alone, whoever
 * holds the connection (trapperkeeper-authorization, `ring_middleware.clj`).
 */
export function createHeaderReader(): CallerReader {
  const certificates = remembered(certificateFromHeader)
  return request => {
    // Repeated headers are joined by commas there, so a second SUCCESS makes the value something else.
    const header = (name: string) => request.headersDistinct[name]?.join(',')
    const pem = header('x-client-cert')
    const extensions = pem === undefined ? {} : certificates(pem)
    if (extensions instanceof Error) return { problem: extensions.message }
    const certname = commonName(header('x-client-dn') ?? '')
    const authenticated = header('x-client-verify') === 'SUCCESS' && certname !== undefined
    return { authenticated, certname, extensions, certificate: pem && formDecode(pem) }
  }
}

/** Identity as Puppet Server reads it without that setting: from the client's certificate, whatever headers say. */
export const readPeer: CallerReader = request => {
  const socket = request.socket as TLSSocket
  const peer = socket.authorized ? socket.getPeerX509Certificate() : undefined
  const certname = peer && ofType('CN', peer.subject.split('\n'))
  return {
    authenticated: certname !== undefined,
    certname,
    extensions: peer ? readTrustedExtensions(peer.toString()) : {}
  }
}

/** Certificates come again with every request, and taking one apart costs most of a millisecond. */
function remembered<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return text => {
    if (known.size > maxRemembered) known.clear()
    const found = known.get(text) ?? read(text)
    known.set(text, found)
    return found
  }
}

function certificateFromHeader(value: string): TrustedExtensions | Error {
  const pem = formDecode(value)
  if (pem === undefined) return new Error('Unable to URL decode the x-client-cert header')
  const found = pem.match(certificatePattern) ?? []
  const [certificate] = found
  if (certificate === undefined) return new Error('No certs found in PEM read from x-client-cert')
  if (found.length > 1) {
    return new Error(`Only 1 PEM should be supplied for x-client-cert but ${found.length} found`)
  }
  try {
    return readTrustedExtensions(new X509Certificate(certificate).toString())
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
