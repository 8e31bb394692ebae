import type { X509Certificate } from 'node:crypto'
import type { Settings } from '../model/settings.ts'
import { authorityKeyId, certificatesOf } from '../pki/authorities.ts'
import type { PresentedCertificate } from './presented-certificates.ts'

/** When a certificate in use ends, or a revocation list is out of date. */
export interface CertificateEnd {
  /**
   * What it is used for, each once: `server`, `server-2`, `server-intermediate-1`, `ca-1`, `upstream-ca-1`,
   * `upstream-client`, `master-NAME`, `ca-master`, `crl`.
   */
  readonly role: string
  readonly notAfter: Date
  /** The file it was read from, or the URL of who showed it. */
  readonly source: string
  /** Its end changes nothing: another one beside it has its name and key, and ends later. */
  readonly hasHeir?: boolean
}

/** What is known beside the settings. */
export interface SeenEnds {
  readonly presented: readonly PresentedCertificate[]
  readonly crl: { readonly nextUpdateMs: number | undefined; readonly source: string } | undefined
}

/** The ends of all that settings name, of what masters showed, and of the revocation lists in force. */
export function certificateEndsOf(
  settings: Pick<Settings, 'tls' | 'upstream'>,
  { presented, crl }: SeenEnds
): CertificateEnd[] {
  const ofMasters = presented.map(({ master, url, notAfterMs }) => ({
    role: master === 'ca' ? 'ca-master' : `master-${master}`,
    notAfter: new Date(notAfterMs),
    source: url
  }))
  const ofLists =
    crl?.nextUpdateMs === undefined
      ? []
      : [{ role: 'crl', notAfter: new Date(crl.nextUpdateMs), source: crl.source }]
  return [...endsInFiles(settings), ...ofMasters, ...ofLists]
}

/** Settings are never edited, and reading a certificate takes a while. */
const known = new WeakMap<object, readonly CertificateEnd[]>()

function endsInFiles(settings: Pick<Settings, 'tls' | 'upstream'>): readonly CertificateEnd[] {
  const ends = known.get(settings) ?? readFiles(settings)
  known.set(settings, ends)
  return ends
}

function readFiles({ tls, upstream }: Pick<Settings, 'tls' | 'upstream'>): readonly CertificateEnd[] {
  const cas = certificatesOf(tls.ca)
  const caPrints = new Set(cas.map(({ fingerprint256 }) => fingerprint256))
  const chains = tls.certificates.map(({ cert, certFile }) => ({ chain: certificatesOf(cert), certFile }))
  const intermediates = chains.flatMap(({ chain, certFile }) =>
    chain
      .slice(1)
      .filter(({ fingerprint256 }) => !caPrints.has(fingerprint256))
      .map(certificate => ({ certificate, certFile }))
  )
  const { client, ca: upstreamCa, caFile: upstreamCaFile } = upstream.tls
  return [
    ...chains.flatMap(({ chain, certFile }, index) =>
      leafOf(index === 0 ? 'server' : `server-${index + 1}`, chain, certFile)
    ),
    ...intermediates.map(({ certificate, certFile }, index) =>
      endOf(`server-intermediate-${index + 1}`, certificate, certFile)
    ),
    ...bundleOf('ca', cas, tls.caFile),
    ...(upstreamCaFile !== undefined && upstreamCa !== undefined
      ? bundleOf('upstream-ca', certificatesOf(upstreamCa), upstreamCaFile)
      : []),
    ...(client ? leafOf('upstream-client', certificatesOf(client.cert), client.certFile) : [])
  ]
}

function bundleOf(role: string, cas: readonly X509Certificate[], source: string): CertificateEnd[] {
  return cas.map((certificate, index) => ({
    ...endOf(`${role}-${index + 1}`, certificate, source),
    hasHeir: cas.some(other => isHeir(other, certificate))
  }))
}

function isHeir(other: X509Certificate, certificate: X509Certificate): boolean {
  return (
    other.subject === certificate.subject &&
    other.validToDate > certificate.validToDate &&
    authorityKeyId(other) === authorityKeyId(certificate)
  )
}

function leafOf(role: string, chain: readonly X509Certificate[], source: string): CertificateEnd[] {
  return chain.slice(0, 1).map(certificate => endOf(role, certificate, source))
}

function endOf(role: string, { validToDate }: X509Certificate, source: string): CertificateEnd {
  return { role, notAfter: validToDate, source }
}
