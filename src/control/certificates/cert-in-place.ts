import type { X509Certificate } from 'node:crypto'
import { certificatesOf } from '../../pki/authorities.ts'
import { importKeyPair } from '../../pki/key-pair.ts'
import { dateProblem, hasKey } from '../../pki/server-certificate.ts'
import { publicKeyOf } from '../../pki/signing-request.ts'
import type { OldCertificate } from './renewal.ts'

/** What lies where the certificate in force was read, compared with that one. */
export type CertInPlace =
  /** It, or nothing: somebody moved it away, to enrol anew. */
  | { readonly is: 'as-known' }
  /** Another one with its key, which a reload takes. */
  | { readonly is: 'newer' }
  /** Nothing that can be read, beside the key in force. */
  | { readonly is: 'damaged' }
  /** One that no reload takes; the end of a sentence that begins with "a certificate that". */
  | { readonly is: 'unusable'; readonly problem: string }

/** Judges the texts of both files. Pure. */
export function certInPlace(
  { cert, key }: { readonly cert: string | undefined; readonly key: string | undefined },
  old: Pick<OldCertificate, 'leaf' | 'keys'>,
  nowMs: number
): CertInPlace {
  if (cert === undefined) return { is: 'as-known' }
  const publicKey = keyIn(key)
  const leaf = firstOf(cert)
  if (!leaf) return { is: publicKey?.equals(publicKeyOf(old.keys)) ? 'damaged' : 'as-known' }
  if (leaf.serialNumber === old.leaf.serialNumber) return { is: 'as-known' }
  if (!publicKey) return { is: 'unusable', problem: 'has no key beside it that can be used' }
  const problem = hasKey(leaf, publicKey) ? dateProblem(leaf, nowMs) : 'was made for another key'
  return problem === undefined ? { is: 'newer' } : { is: 'unusable', problem }
}

/** The first of a text, all of which can be read. */
function firstOf(text: string): X509Certificate | undefined {
  try {
    return certificatesOf(text)[0]
  } catch {
    return undefined
  }
}

function keyIn(text: string | undefined): Buffer | undefined {
  try {
    return text === undefined ? undefined : publicKeyOf(importKeyPair(text))
  } catch {
    return undefined
  }
}
