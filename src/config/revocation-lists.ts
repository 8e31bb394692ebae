import { type KeyObject, verify, type X509Certificate } from 'node:crypto'
import { PemConverter, X509Crl } from '../pki/x509.ts'
import type { NamedFile } from './files.ts'
import { type Report, showValue } from './problems.ts'

/** Reports a file that is not PEM revocation lists, or a list that no CA of the bundle signed. */
export function checkRevocationLists(
  from: NamedFile,
  authorities: readonly X509Certificate[],
  report: Report
): void {
  const lists = readLists(from.text)
  if (lists.length === 0) {
    report(from.path, `names ${from.file}, which holds no PEM block "X509 CRL"; must be PEM revocation lists`)
  }
  for (const list of lists) {
    if (list === undefined) {
      report(from.path, `names ${from.file}, in which a list is damaged; must be PEM revocation lists`)
    } else if (!authorities.some(authority => isSignedBy(list, authority.publicKey))) {
      const which = `the list of ${showValue(list.issuer)} is not signed by a CA of tls.ca`
      report(from.path, `names ${from.file}, in which ${which}; must hold lists of those CAs only`)
    }
  }
}

const BEGIN = '-----BEGIN X509 CRL-----'
const END = '-----END X509 CRL-----'

/** `undefined` stands for a block that could not be read, or was cut short. */
function readLists(text: string): (X509Crl | undefined)[] {
  return text
    .split(BEGIN)
    .slice(1)
    .map(rest => {
      const [body, ...after] = rest.split(END)
      if (after.length === 0) return undefined
      try {
        return new X509Crl(PemConverter.decode(`${BEGIN}${body}${END}`)[0] ?? '')
      } catch {
        return undefined
      }
    })
}

/** The library's own check is asynchronous; what it signs over is its only member that is not public. */
function isSignedBy(list: X509Crl, key: KeyObject): boolean {
  // biome-ignore lint/complexity/useLiteralKeys: the only way to a private member
  const signed = list['tbs']
  const hash = list.signatureAlgorithm.hash?.name.replace('-', '')
  try {
    return verify(hash, Buffer.from(signed), key, Buffer.from(list.signature))
  } catch {
    return false
  }
}
