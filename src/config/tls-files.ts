import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import type { CertificateSettings, WhenExpired } from '../model/settings.ts'
import { toAuthority } from '../pki/authorities.ts'
import { CrlError } from '../pki/crl-error.ts'
import { dateProblem, readCertificate, readCertificates, reportUnusable, subjectOf } from './certificate.ts'
import { type FileContext, type NamedFile, readNamed } from './files.ts'
import type { Path } from './problems.ts'
import { lateLists, missingLists, readLists, sentencesOf } from './revocation-lists.ts'
import type { Draft } from './schema-tree.ts'

/** What the files named under `tls` and `upstream.tls` hold. Where a problem was reported something is missing. */
export interface TlsFiles {
  readonly certificates: readonly CertificateSettings[]
  readonly ca: Bundle | undefined
  readonly crlFile: string | undefined
  readonly upstreamCa: Bundle | undefined
  readonly upstreamClient: CertificateSettings | undefined
}

/** The certificates of a file and nothing else of it: OpenSSL would stumble over a byte order mark. */
export interface Bundle {
  readonly file: string
  readonly pem: string
}

/** Reads every certificate, key and list a configuration names, and reports what is wrong with each. */
export function readTlsFiles({ tls, upstream }: Draft, context: FileContext): TlsFiles {
  const certificates = readServerCertificates(tls, context)
  const caFile = readNamed(['tls', 'ca'], tls?.ca, context)
  const authorities = caFile && readAuthorities(caFile, context)
  const crlFile = tls?.crl?.file === undefined ? undefined : resolve(context.directory, tls.crl.file)
  if (crlFile !== undefined) context.files.add(crlFile)
  if (crlFile !== undefined && authorities && context.readsLists)
    checkLists({ file: crlFile, expired: tls?.crl?.expired ?? 'keep' }, authorities, context)
  const own = upstream?.tls
  const upstreamCaFile = readNamed(['upstream', 'tls', 'ca'], own?.ca, context)
  const trusted = upstreamCaFile && readTrusted(upstreamCaFile, context)
  const client = readCertificate(
    {
      certPath: ['upstream', 'tls', 'cert'],
      cert: own?.cert,
      keyPath: ['upstream', 'tls', 'key'],
      key: own?.key
    },
    context
  )
  return {
    certificates,
    ca: bundleOf(caFile, authorities),
    crlFile,
    upstreamCa: bundleOf(upstreamCaFile, trusted),
    upstreamClient: client?.settings
  }
}

/** Reports what keeps the revocation lists of a file from being used with these CAs; warns of what they lack, and of late ones. */
function checkLists(
  { file, expired }: { readonly file: string; readonly expired: WhenExpired },
  certificates: readonly X509Certificate[],
  context: FileContext
): void {
  const path = ['tls', 'crl', 'file']
  const authorities = certificates.map(toAuthority)
  try {
    const { lists } = readLists(file, authorities, context.nowMs)
    const late = lateLists(file, lists, { expired, nowMs: context.nowMs })
    for (const sentence of [...missingLists(file, lists, authorities), ...late]) context.warn(path, sentence)
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    for (const sentence of sentencesOf(error, file)) context.report(path, sentence)
  }
}

function bundleOf(
  from: NamedFile | undefined,
  certificates: readonly X509Certificate[] | undefined
): Bundle | undefined {
  return from && certificates && { file: from.file, pem: certificates.map(String).join('') }
}

function readServerCertificates(tls: Draft['tls'], context: FileContext): readonly CertificateSettings[] {
  const certs = listed(['tls', 'cert'], tls?.cert)
  const keys = listed(['tls', 'key'], tls?.key)
  const isPaired = certs.length === keys.length
  if (!isPaired && certs.length > 0 && keys.length > 0) {
    context.report(
      ['tls', 'key'],
      `names ${counted(keys.length, 'key')} for ${counted(certs.length, 'certificate')} in tls.cert; ` +
        'must be as many, in the same order'
    )
    for (const { name } of keys) context.files.add(resolve(context.directory, name))
  }
  const seen = new Map<string, Path>()
  return certs.flatMap((cert, index) => {
    const key = isPaired ? keys[index] : undefined
    const names = { certPath: cert.path, cert: cert.name, keyPath: key?.path ?? [], key: key?.name }
    const read = readCertificate(names, context)
    if (!read) return []
    if (seen.has(read.keyType)) {
      const text = `is a second certificate with a key of type ${read.keyType}; must be one for each key type`
      context.report(cert.path, text)
    }
    seen.set(read.keyType, cert.path)
    return [read.settings]
  })
}

/** CAs whose certificates agents may present. All of them must be CAs; one that expired may stay beside its heir. */
function readAuthorities(from: NamedFile, context: FileContext): readonly X509Certificate[] | undefined {
  const certificates = readTrusted(from, context)
  const stranger = certificates?.find(certificate => !certificate.ca)
  if (stranger) {
    const text = `names ${from.file}, in which the certificate of ${subjectOf(stranger)} is not a CA's`
    context.report(from.path, `${text}; must hold the certificates of the Puppet CA only`)
  }
  return certificates
}

function readTrusted(from: NamedFile, context: FileContext): readonly X509Certificate[] | undefined {
  const certificates = readCertificates(from, context.report)
  if (!certificates) return undefined
  const problems = certificates.map(certificate => dateProblem(certificate, context.nowMs))
  if (problems.every(problem => problem !== undefined)) {
    const text = `names ${from.file}, in which the certificate of ${subjectOf(certificates[0])} ${problems[0]}`
    context.report(from.path, `${text}; at least one must be valid now`)
  }
  reportUnusable(from, { ca: certificates.map(String).join('') }, context.report)
  return certificates
}

interface Listed {
  readonly path: Path
  readonly name: string
}

/** One path or several, each with the key that names it. */
function listed(path: Path, names: string | readonly (string | undefined)[] | undefined): Listed[] {
  if (typeof names === 'string') return [{ path, name: names }]
  return (names ?? []).flatMap((name, index) =>
    name === undefined ? [] : [{ path: [...path, index], name }]
  )
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
