import type { Logger } from 'pino'
import {
  type CaDocument,
  type CaDocumentKind,
  type CaDocuments,
  caDocumentKinds
} from '../../model/ca-documents.ts'
import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { AuthorityList } from '../../pki/crl.ts'
import { createChangeQueue } from '../change-queue.ts'
import type { Fetched, VisitCa } from './fetch-document.ts'
import type { JudgeDocument } from './judge.ts'
import type { KeptDocuments } from './kept-documents.ts'

/** The CA is asked by ourselves this often, and while a copy is missing that often. */
const REFRESH_MS = 300_000
const MISSING_MS = 20_000
/** Up to this share of them is added or taken away, so that several balancers do not march in step. */
const JITTER = 0.1
/** After a visit nobody's reading leads to another one for so long. */
const AFTER_READ_MS = 3_000

export interface CaDocumentsOptions {
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  /** As the roster has it by now. */
  readonly ca: () => Master
  readonly settings: () => Pick<Settings, 'caCache' | 'tls' | 'upstream' | 'state'>
  readonly visit: VisitCa
  readonly judge: JudgeDocument
  readonly kept: KeptDocuments
  /** The copies are others now, or were confirmed. */
  readonly publish: (documents: CaDocuments) => void
}

/** The last good copies of what anybody may read of the CA, for when it is away. */
export interface CaDocumentCopies {
  readonly current: () => CaDocuments
  /** Takes what was kept over the restart; before anybody is served. */
  readonly restore: () => Promise<void>
  /** Asks the CA for the first time, and from then on now and then. Resolves when it has been asked. */
  readonly start: () => Promise<void>
  /** An agent was given a document: there may be a new one. */
  readonly wasRead: () => void
  /** There are new settings: a copy that is not of our CA is dropped. */
  readonly reconsider: () => Promise<void>
  readonly stop: () => void
}

export function createCaDocuments(options: CaDocumentsOptions): CaDocumentCopies {
  const { runtime, log, events, settings, judge, kept } = options
  let documents: CaDocuments = Object.freeze({})
  let lists: readonly AuthorityList[] = []
  /** Which CAs the copies were judged by. */
  let judgedBy = settings().tls.ca
  let isStarted = false
  let isStopped = false
  /** Visits and judgements, one after the other. */
  const work = createChangeQueue()
  /** The visit that has not begun yet. */
  let coming: Promise<void> | undefined
  /** The URL of the last one. */
  let visited: string | undefined
  let visitedAtMs = Number.NEGATIVE_INFINITY
  let cancelNext = () => {}
  let cancelRead: (() => void) | undefined
  const told = new Map<CaDocumentKind, string>()

  const isComplete = () => caDocumentKinds.every(kind => documents[kind])
  const directory = () => settings().state.directory
  const pemOf = ({ body }: CaDocument) => Buffer.from(body).toString('latin1')

  function put(kind: CaDocumentKind, document: CaDocument): void {
    documents = Object.freeze({ ...documents, [kind]: Object.freeze(document) })
  }

  const judged = (kind: CaDocumentKind, body: Uint8Array, current: readonly AuthorityList[]) =>
    judge({
      kind,
      body,
      trusted: judgedBy,
      given: documents.certificate ? pemOf(documents.certificate) : '',
      lists: current,
      nowMs: runtime.wallClock()
    })

  /** Takes a document that is fit to follow these lists; otherwise the result is why it is not. */
  async function take(
    kind: CaDocumentKind,
    document: CaDocument,
    current: readonly AuthorityList[]
  ): Promise<string | undefined> {
    const verdict = await judged(kind, document.body, current)
    if (isStopped) return undefined
    if (!verdict.isFit) return verdict.cause
    if (kind === 'crl') lists = verdict.lists
    put(kind, document)
    return undefined
  }

  async function takeAll(candidates: CaDocuments): Promise<void> {
    documents = Object.freeze({})
    lists = []
    judgedBy = settings().tls.ca
    for (const kind of caDocumentKinds) {
      const document = candidates[kind]
      const cause = document && (await take(kind, document, []))
      if (cause !== undefined) tell(kind, `the copy ${cause}`, 'is dropped')
    }
  }

  /** Each cause once, until it is another or the document is good again. */
  function tell(kind: CaDocumentKind, cause: string, effect: string): void {
    if (told.get(kind) === cause) return
    told.set(kind, cause)
    const what = kind === 'crl' ? 'the copy of the revocation lists' : "the copy of the CA's certificates"
    log.warn({ document: kind, cause }, `${what} ${effect}`)
    events.add({ kind: 'ca-document', text: `${what} ${effect}: ${cause}` })
  }

  /** Whether there is a copy by it that is new, or was confirmed. */
  async function learn(kind: CaDocumentKind, fetched: Exclude<Fetched, { type: 'away' }>): Promise<boolean> {
    const known = documents[kind]
    const confirmedAtMs = runtime.wallClock()
    if (fetched.type === 'refused') {
      tell(kind, fetched.cause, 'is not made anew')
      return false
    }
    if (fetched.type === 'unchanged') {
      if (!known) return false
      put(kind, { ...known, confirmedAtMs })
    } else {
      const { type: _, ...content } = fetched
      const cause = await take(kind, { ...content, confirmedAtMs }, lists)
      if (cause !== undefined) {
        tell(kind, `what the CA gives ${cause}`, 'is not made anew')
        return false
      }
    }
    told.delete(kind)
    return true
  }

  async function visit(): Promise<void> {
    visitedAtMs = runtime.now()
    const ca = options.ca()
    visited = ca.url
    const { fetch, end } = options.visit(ca, settings().upstream)
    const before = documents
    let isNews = false
    for (const kind of caDocumentKinds) {
      const fetched = await fetch(kind, documents[kind])
      if (fetched.type === 'away' || isStopped || !settings().caCache) break
      isNews = (await learn(kind, fetched)) || isNews
    }
    end()
    if (!isNews || isStopped) return
    options.publish(documents)
    for (const kind of caDocumentKinds) {
      const document = documents[kind]
      if (!document) continue
      const bytes = document.body.length
      if (document.body !== before[kind]?.body)
        log.info({ document: kind, bytes }, 'the CA has given a new document')
      await kept.keep(directory(), kind, document)
    }
  }

  /** Asks for both; who asks for it while one has not begun gets that one. */
  function visitNow(): Promise<void> {
    cancelNext()
    cancelRead?.()
    cancelRead = undefined
    coming ??= work.run(async () => {
      coming = undefined
      try {
        if (!isStopped && settings().caCache) await visit()
      } catch (err) {
        log.error({ err }, 'the CA could not be asked for its documents')
      }
      wait()
    })
    return coming
  }

  function wait(): void {
    cancelNext()
    if (isStopped || !settings().caCache) return
    const pauseMs = isComplete() ? REFRESH_MS : MISSING_MS
    cancelNext = runtime.schedule(pauseMs * (1 + JITTER * (2 * runtime.random() - 1)), () => void visitNow())
  }

  return {
    current: () => documents,
    async restore() {
      if (!settings().caCache) return
      const [certificate, crl] = await Promise.all(caDocumentKinds.map(kind => kept.read(directory(), kind)))
      await takeAll({ ...(certificate && { certificate }), ...(crl && { crl }) })
    },
    async start() {
      isStarted = true
      if (settings().caCache) await visitNow()
    },
    wasRead() {
      if (!isStarted || isStopped || cancelRead) return
      const restMs = visitedAtMs + AFTER_READ_MS - runtime.now()
      if (restMs <= 0) void visitNow()
      else cancelRead = runtime.schedule(restMs, () => void visitNow())
    },
    reconsider: () =>
      work.run(async () => {
        if (!isStarted || isStopped) return
        const { caCache, tls } = settings()
        const isOtherPki = caCache && tls.ca !== judgedBy
        if (isOtherPki) await takeAll(documents)
        if (!caCache) await takeAll({})
        if (isOtherPki || !caCache) options.publish(documents)
        if (!caCache) cancelNext()
        else if (isOtherPki || !isComplete() || options.ca().url !== visited) void visitNow()
      }),
    stop() {
      isStopped = true
      cancelNext()
      cancelRead?.()
    }
  }
}
