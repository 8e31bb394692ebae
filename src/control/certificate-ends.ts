import type { Settings } from '../model/settings.ts'
import { certificatesOf } from '../pki/authorities.ts'

/** When a certificate in use ends. */
export interface CertificateEnd {
  /** What it is used for: `server`, `server-2`, `ca-1`, `upstream-client`. */
  readonly role: string
  readonly notAfter: Date
  /** The file it was read from. */
  readonly source: string
}

/** The ends of all certificates that settings name. */
export function certificateEndsOf({ tls, upstream }: Pick<Settings, 'tls' | 'upstream'>): CertificateEnd[] {
  const leafOf = (role: string, pem: string, source: string): CertificateEnd[] =>
    certificatesOf(pem)
      .slice(0, 1)
      .map(({ validToDate }) => ({ role, notAfter: validToDate, source }))
  const { client } = upstream.tls
  return [
    ...tls.certificates.flatMap(({ cert, certFile }, index) =>
      leafOf(index === 0 ? 'server' : `server-${index + 1}`, cert, certFile)
    ),
    ...certificatesOf(tls.ca).map(({ validToDate }, index) => ({
      role: `ca-${index + 1}`,
      notAfter: validToDate,
      source: tls.caFile
    })),
    ...(client ? leafOf('upstream-client', client.cert, client.certFile) : [])
  ]
}
