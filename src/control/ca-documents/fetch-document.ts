import { Client, type Dispatcher } from 'undici'
import { type CaDocument, type CaDocumentKind, MAX_CA_DOCUMENT_BYTES } from '../../model/ca-documents.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { caDocumentAccept, caDocumentTargets } from '../../puppet/ca-document.ts'
import { causeOf, causeOfAnswer } from '../../upstream/cause.ts'
import { createConnector } from '../../upstream/connector.ts'
import { createRoute } from '../../upstream/route.ts'

/** Of one document, connecting included: some megabits a second bring the longest one there is. */
const FETCH_TIMEOUT_MS = 60_000

/** What the CA said when it was asked for a document. */
export type Fetched =
  | { readonly type: 'unchanged' }
  | ({ readonly type: 'document' } & Omit<CaDocument, 'confirmedAtMs'>)
  /** It is away: whoever probes it knows. */
  | { readonly type: 'away'; readonly cause: string }
  /** It answered, and not with the document. `cause` is a clause about it. */
  | { readonly type: 'refused'; readonly cause: string }

/** One visit to the CA. */
export interface CaVisit {
  /** Asks for a document, unless the CA still has what is `known`. Never rejects. */
  readonly fetch: (kind: CaDocumentKind, known: CaDocument | undefined) => Promise<Fetched>
  /** Ends its connection. */
  readonly end: () => void
}

export type VisitCa = (ca: Master, upstream: UpstreamSettings) => CaVisit

/** Visits to real CAs: one connection each, of their own, made as requests make theirs. */
export function createVisits(runtime: Runtime): VisitCa {
  return (ca, upstream) => {
    const client = new Client(ca.url, {
      connect: createConnector(
        upstream,
        createRoute(() => ca.addresses),
        runtime
      ),
      allowH2: false,
      maxResponseSize: MAX_CA_DOCUMENT_BYTES
    })
    const end = () => void client.destroy().catch(() => {}) // Nothing is left to do with one that cannot be torn down.

    async function fetch(kind: CaDocumentKind, known: CaDocument | undefined): Promise<Fetched> {
      const [current, legacy] = caDocumentTargets[kind]
      const answer = await ask(current, known)
      if (answer.type !== 'refused') return answer
      // A CA before Puppet 4 knows nothing of that path.
      const older = await ask(legacy, known)
      return older.type === 'refused' ? answer : older
    }

    async function ask(path: string, known: CaDocument | undefined): Promise<Fetched> {
      const cancel = runtime.schedule(FETCH_TIMEOUT_MS, end)
      try {
        const answer = await client.request({ path, method: 'GET', headers: headersFor(known) })
        return await read(answer, known, runtime.wallClock())
      } catch (error) {
        const isTooLong = (error as NodeJS.ErrnoException).code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE'
        return isTooLong
          ? { type: 'refused', cause: `it gives more than ${MAX_CA_DOCUMENT_BYTES} bytes` }
          : { type: 'away', cause: causeOf(error).text }
      } finally {
        cancel()
      }
    }

    return { fetch, end }
  }
}

/**
 * The date is the CA's own, so that its clock alone counts: Puppet Server compares with the date of its file, and gives
 * no `Last-Modified` (`certificate_authority_core.clj`).
 */
function headersFor(known: CaDocument | undefined): Record<string, string> {
  const condition = known && {
    'if-modified-since': known.lastModified ?? new Date(known.sinceMs).toUTCString(),
    ...(known.etag !== undefined && { 'if-none-match': known.etag })
  }
  return { accept: caDocumentAccept, 'accept-encoding': 'identity', 'user-agent': 'puppet-lb', ...condition }
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  known: CaDocument | undefined,
  nowMs: number
): Promise<Fetched> {
  if (statusCode !== 200) {
    await body.dump()
    if (statusCode === 304 && known) return { type: 'unchanged' }
    return { type: statusCode < 500 ? 'refused' : 'away', cause: causeOfAnswer(statusCode).text }
  }
  const coding = textOf(headers['content-encoding']) ?? 'identity'
  if (coding !== 'identity') {
    await body.dump()
    return { type: 'refused', cause: 'it answers in a coding that it was not asked for' }
  }
  const bytes = await body.bytes()
  if (known && Buffer.compare(known.body, bytes) === 0) return { type: 'unchanged' }
  const dateMs = Date.parse(textOf(headers.date) ?? '')
  return {
    type: 'document',
    body: inSharedMemory(bytes),
    contentType: textOf(headers['content-type']) ?? 'text/plain',
    lastModified: textOf(headers['last-modified']),
    etag: textOf(headers.etag),
    sinceMs: Number.isNaN(dateMs) ? nowMs : dateMs
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A copy that all threads have together. */
export function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}
