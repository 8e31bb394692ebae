/** What anybody may read of the CA: its certificates, and its revocation lists. */
export const caDocumentKinds = ['certificate', 'crl'] as const
export type CaDocumentKind = (typeof caDocumentKinds)[number]

/** A document as the CA gave it last. Dates are milliseconds since 1970. */
export interface CaDocument {
  /** PEM. In shared memory, so that all planes have the same bytes. */
  readonly body: Uint8Array
  readonly contentType: string
  /** The CA's own validators; `undefined` where it gave none. */
  readonly lastModified: string | undefined
  readonly etag: string | undefined
  /** Since when it has been giving just these bytes, as far as is known; by its own clock. */
  readonly sinceMs: number
  /** When it gave them last, or said that they are unchanged; by our clock. */
  readonly confirmedAtMs: number
}

/** The last good copies. What is not there was never read, or is not kept. */
export type CaDocuments = Readonly<Partial<Record<CaDocumentKind, CaDocument>>>

/** Longer ones are not kept: a list of 300,000 entries is some 16 MiB of PEM. */
export const MAX_CA_DOCUMENT_BYTES = 32 * 1024 * 1024
