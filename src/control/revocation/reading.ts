import { digestOf, type ListFile } from '../../config/revocation-lists.ts'
import { authoritiesOf } from '../../pki/authorities.ts'
import { readRevocations } from '../../pki/crl.ts'
import { CrlError, type ListProblem } from '../../pki/crl-error.ts'
import { writePending } from './kept-lists.ts'

/** For whom lists are read. */
export interface Reading {
  /** PEM: whose lists they may be. */
  readonly caBundle: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
  /** SHA-256 of the lists as they were read last; the same ones are not read to their end again. */
  readonly knownDigest: string | undefined
  /** The file that they are written to when they are fit to be used; `undefined`: to none. */
  readonly keepAs: string | undefined
}

/** Lists that came as a stream. */
export interface StreamedLists extends ListFile {
  /** Why they could not be written to their file, an error code of the system. */
  readonly keepFault?: string | undefined
}

/** What comes of reading. */
export type ReadingResult =
  | { readonly type: 'same' }
  | ({ readonly type: 'lists' } & StreamedLists)
  | { readonly type: 'refused'; readonly problems: readonly ListProblem[] }

/** Reads lists that are in hand, in this thread, and writes those that are to be kept. `bring` may throw a CrlError. */
export async function readLists(
  { caBundle, nowMs, knownDigest, keepAs }: Reading,
  bring: () => { readonly bytes: Buffer; readonly digest: string }
): Promise<ReadingResult> {
  try {
    const { bytes, digest } = bring()
    if (digest === knownDigest) return { type: 'same' }
    const lists = readRevocations(bytes, authoritiesOf(caBundle), nowMs)
    if (keepAs === undefined) return { type: 'lists', digest, lists }
    return { type: 'lists', digest, lists, keepFault: await writePending(keepAs, bytes) }
  } catch (error) {
    if (!(error instanceof CrlError)) throw error
    return { type: 'refused', problems: error.problems }
  }
}

/** Lists as they came. */
export function inHand(pieces: readonly Uint8Array[]): { readonly bytes: Buffer; readonly digest: string } {
  const bytes = Buffer.concat(pieces)
  return { bytes, digest: digestOf(bytes) }
}
