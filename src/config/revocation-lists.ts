import type { X509Certificate } from 'node:crypto'
import { toAuthority } from '../pki/authorities.ts'
import { CrlError, readRevocations } from '../pki/crl.ts'
import type { NamedFile } from './files.ts'
import type { Report } from './problems.ts'

/** Reports all that keeps the lists of a file from being used with the CAs of `tls.ca`. */
export function checkRevocationLists(
  from: NamedFile,
  authorities: readonly X509Certificate[],
  report: Report
): void {
  try {
    readRevocations(from.text, authorities.map(toAuthority))
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    for (const problem of error.problems) {
      report(
        from.path,
        `names ${from.file}, which ${problem}; must be PEM revocation lists of the CAs in tls.ca`
      )
    }
  }
}
