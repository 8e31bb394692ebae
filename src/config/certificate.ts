import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { CertificateSettings } from '../model/settings.ts'
import { readPemOf } from '../pki/pem.ts'
import { type FileContext, type NamedFile, readNamed } from './files.ts'
import { readPrivateKey } from './private-key.ts'
import { type Path, type Report, showValue } from './problems.ts'

/** A certificate that can be shown in a handshake, and its kind of key: `rsa`, `ec` and so on. */
export interface ReadCertificate {
  readonly settings: CertificateSettings
  readonly keyType: string
}

/** Which files hold a certificate and its key, and which keys of the configuration say so. */
export interface CertificateNames {
  readonly certPath: Path
  readonly cert: string | undefined
  readonly keyPath: Path
  readonly key: string | undefined
}

/** Reads a certificate with its key. `undefined` when one is missing or cannot serve; why has been reported. */
export function readCertificate(names: CertificateNames, context: FileContext): ReadCertificate | undefined {
  const certFile = readNamed(names.certPath, names.cert, context)
  const chain = certFile && readCertificates(certFile, context.report)
  const keyFile = readNamed(names.keyPath, names.key, context)
  const key = keyFile && readPrivateKey(keyFile, context.report)
  if (certFile && chain) reportDates(chain, certFile, context)
  if (!certFile || !chain || !keyFile || !key) {
    if (certFile && chain) reportOrder(chain, certFile, context.report)
    return undefined
  }
  const [leaf] = chain
  const position = chain.findIndex(certificate => certificate.checkPrivateKey(key.object))
  if (position > 0) {
    context.report(certFile.path, leafNotFirst(certFile, chain[position]))
    return undefined
  }
  if (!leaf || position < 0) {
    context.report(
      keyFile.path,
      `is the key in ${keyFile.file}, which does not belong to the certificate of ${subjectOf(leaf)} in ` +
        `${certFile.file}; must be the key that certificate was made for`,
      { isPairMismatch: true }
    )
    return undefined
  }
  const settings: CertificateSettings = {
    certFile: certFile.file,
    keyFile: keyFile.file,
    cert: chain.map(String).join(''),
    key: key.pem
  }
  reportUnusable(certFile, { cert: settings.cert, key: settings.key }, context.report)
  return { settings, keyType: key.object.asymmetricKeyType ?? 'unknown' }
}

/** The certificates of a PEM file, at least one; `undefined` when there is none, which has been reported. */
export function readCertificates(from: NamedFile, report: Report): readonly X509Certificate[] | undefined {
  const { blocks, damage } = readPemOf(from.text, 'CERTIFICATE')
  try {
    const certificates = blocks.map(({ der }) => new X509Certificate(der))
    if (damage.length === 0 && certificates.length > 0) return certificates
    const what = damage.length > 0 ? damage.join(' and ') : 'no PEM block "CERTIFICATE"'
    report(from.path, `names ${from.file}, which holds ${what}; must be a PEM certificate`)
  } catch {
    report(from.path, `names ${from.file}, in which a certificate is damaged; must be a PEM certificate`)
  }
  return undefined
}

/** The last word is OpenSSL's: it refuses, for example, keys that are too short. */
export function reportUnusable(
  from: NamedFile,
  material: { readonly cert: string; readonly key: string } | { readonly ca: string },
  report: Report
): void {
  try {
    createSecureContext(material)
  } catch (error) {
    const reason = (error as Error).message.split(':').at(-1)?.trim()
    report(
      from.path,
      `names ${from.file}, which TLS cannot use (${reason}); must meet OpenSSL's security level`
    )
  }
}

/** `CN=puppet.example.com`, on one line. */
export function subjectOf(certificate: X509Certificate | undefined): string {
  return showValue(certificate?.subject.replaceAll('\n', ', ') ?? '')
}

/** Whether a certificate is valid at a moment, and if not, why. */
export function dateProblem(certificate: X509Certificate, nowMs: number): string | undefined {
  const { validFromDate, validToDate } = certificate
  if (nowMs > validToDate.getTime()) return `expired on ${validToDate.toISOString()}`
  if (nowMs < validFromDate.getTime()) return `is not valid before ${validFromDate.toISOString()}`
  return undefined
}

function reportDates(chain: readonly X509Certificate[], from: NamedFile, context: FileContext): void {
  for (const certificate of chain) {
    const problem = dateProblem(certificate, context.nowMs)
    if (problem === undefined) continue
    const which = `the certificate of ${subjectOf(certificate)}`
    context.report(from.path, `names ${from.file}, in which ${which} ${problem}; must be valid now`)
  }
}

/** Without a key to compare, a CA in front of a certificate that is none still gives the order away. */
function reportOrder(chain: readonly X509Certificate[], from: NamedFile, report: Report): void {
  const leaf = chain[0]?.ca ? chain.find(certificate => !certificate.ca) : undefined
  if (leaf) report(from.path, leafNotFirst(from, leaf))
}

function leafNotFirst(from: NamedFile, leaf: X509Certificate | undefined): string {
  return `names ${from.file}, in which the certificate of ${subjectOf(leaf)} is not first; must hold it first, then intermediates`
}
