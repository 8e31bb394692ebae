import { readFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type CaDocument, type CaDocumentKind, MAX_CA_DOCUMENT_BYTES } from '../../model/ca-documents.ts'
import { makeDirectory } from '../make-directory.ts'
import { replaceFile } from '../replace-file.ts'
import { inSharedMemory } from './fetch-document.ts'

/** In the state directory. Each begins with a line of ours; OpenSSL passes over it and reads the PEM behind it. */
const files: Readonly<Record<CaDocumentKind, string>> = {
  certificate: 'ca-certificates.pem',
  crl: 'ca-lists.pem'
}

/** Of the form of that line; a file that begins with another one is not ours. */
const MARK = 'puppet-lb 1 '
const LINE_END = 0x0a
/** Of the line. */
const MAX_HEAD_BYTES = 4096

/** What the line says of the document: what came with its bytes. */
type Head = Pick<CaDocument, 'contentType' | 'lastModified' | 'etag' | 'sinceMs'>

/** Where copies are kept over a restart. Nothing here rejects: what cannot be done is told once, and done without. */
export interface KeptDocuments {
  /** What was kept; `undefined` for nothing, and for what is not understood. */
  readonly read: (directory: string | undefined, kind: CaDocumentKind) => Promise<CaDocument | undefined>
  /** Keeps one, unless these bytes are there already; then only when they were confirmed. */
  readonly keep: (directory: string | undefined, kind: CaDocumentKind, document: CaDocument) => Promise<void>
}

export function createKeptDocuments(log: Pick<Logger, 'warn'>): KeptDocuments {
  /** What is in which file, as far as this process knows. */
  const there = new Map<string, Uint8Array>()
  const told = new Set<string>()

  function tell(file: string, what: string, error: unknown): void {
    const cause = causeOf(error)
    if (told.has(`${file} ${cause}`)) return
    told.add(`${file} ${cause}`)
    log.warn({ file, cause }, what)
  }

  return {
    async read(directory, kind) {
      if (directory === undefined) return undefined
      const file = join(directory, files[kind])
      try {
        const document = await readDocument(file)
        there.set(file, document.body)
        return document
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') tell(file, 'the copy of a document of the CA is ignored', error)
        return undefined
      }
    },
    async keep(directory, kind, document) {
      if (directory === undefined) return
      const file = join(directory, files[kind])
      try {
        if (there.get(file) !== document.body) {
          await makeDirectory(directory)
          await replaceFile(file, headOf(document), document.body)
          there.set(file, document.body)
        }
        const confirmedAt = document.confirmedAtMs / 1000
        await utimes(file, confirmedAt, confirmedAt)
      } catch (error) {
        there.delete(file)
        tell(file, 'the copy of a document of the CA cannot be kept over a restart', error)
      }
    }
  }
}

function headOf({ contentType, lastModified, etag, sinceMs }: CaDocument): string {
  const head: Head = { contentType, lastModified, etag, sinceMs }
  return `${MARK}${JSON.stringify(head)}\n`
}

/** The date of the file is the one of its confirmation. */
async function readDocument(file: string): Promise<CaDocument> {
  const { size, mtimeMs } = await stat(file)
  if (size > MAX_CA_DOCUMENT_BYTES + MAX_HEAD_BYTES) throw new Error('it is too long')
  const bytes = await readFile(file)
  const end = bytes.indexOf(LINE_END)
  const line = bytes.subarray(0, Math.max(0, end)).toString()
  if (!line.startsWith(MARK)) throw new Error('it does not begin with a line of this program')
  const { contentType, lastModified, etag, sinceMs } = JSON.parse(line.slice(MARK.length)) as Partial<Head>
  if (!isHeaderValue(contentType) || !Number.isFinite(sinceMs)) throw new Error('its first line is damaged')
  return {
    body: inSharedMemory(bytes.subarray(end + 1)),
    contentType,
    lastModified: isHeaderValue(lastModified) ? lastModified : undefined,
    etag: isHeaderValue(etag) ? etag : undefined,
    sinceMs: sinceMs as number,
    confirmedAtMs: mtimeMs
  }
}

/** Whatever an answer could not carry as a header is none. */
function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e]+$/.test(value)
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/** A parser's words may quote the file. */
function causeOf(error: unknown): string {
  return error instanceof SyntaxError
    ? 'its first line is damaged'
    : (codeOf(error) ?? (error as Error).message)
}
