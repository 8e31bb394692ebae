import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import { ConfigError } from '../config/problems.ts'
import { describeLists, missingLists, sentencesOf } from '../config/revocation-lists.ts'
import type { EventLog } from '../model/event.ts'
import type { RevokedSet } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { CrlSettings, TlsSettings, WhenExpired } from '../model/settings.ts'
import type { SettingChange } from '../model/status.ts'
import { type Authority, authoritiesOf } from '../pki/authorities.ts'
import { type AuthorityList, overviewOf, type RevocationOverview } from '../pki/crl.ts'
import { CrlError, type RefusalReason } from '../pki/crl-error.ts'
import { laterOf, shrinkages, successionProblems } from '../pki/succession.ts'
import { createRevocationNotices } from './revocation-notices.ts'
import type { ListReader } from './revocation-reader.ts'

/** A file that cannot be read for want of something of our own is tried again after this time, if that is sooner. */
const OWN_FAULT_AGAIN_MS = 1_000

/** What `prepare` found fit to be put in force; only for `adopt`. */
export interface PreparedRevocations {
  readonly source: Source | undefined
  /** Their content in a few words, and that of those in force. */
  readonly changed: readonly SettingChange[]
}

/** The lists in force, for status and metrics. */
export interface RevocationState extends RevocationOverview {
  readonly source: string
  /** Whether one of them is past its nextUpdate. */
  readonly isLate: boolean
  readonly expired: WhenExpired
}

export interface RevocationWatch {
  /** Reads the lists that new settings name. Rejects with a ConfigError when they cannot be used. */
  readonly prepare: (tls: Pick<TlsSettings, 'ca' | 'crl'>) => Promise<PreparedRevocations>
  /**
   * Puts them in force and watches their file from now on. Publishes nothing: the CA they belong to has to be
   * published in the same breath, and what to publish is `revoked()`.
   */
  readonly adopt: (prepared: PreparedRevocations) => void
  readonly revoked: () => RevokedSet
  /** `undefined` when no list is configured. */
  readonly current: () => RevocationState | undefined
  /** Called for each file that is refused, with each of the reasons. */
  readonly onRefusal: (listener: (reason: RefusalReason) => void) => void
  readonly stop: () => void
}

/** A file to watch, with whose lists it may hold and what it held. */
interface Source extends CrlSettings {
  readonly caBundle: string
  readonly authorities: readonly Authority[]
  readonly reading: Reading
}

interface Reading {
  /** Tells whether the file was touched since; `undefined` when it cannot tell. */
  readonly stamp: string | undefined
  readonly digest: string
  readonly lists: readonly AuthorityList[]
}

/** A file that changed this shortly before it was read may change again and look the same. */
const SETTLED_MS = 2_000

/**
 * Reads the CRL file again every `refreshMs` and publishes each change. A file that is refused is told once and the
 * last good lists stay in force. Watches nothing until the first `adopt`.
 */
export function createRevocationWatch(options: {
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  readonly publish: (revoked: RevokedSet) => void
  readonly readFile: ListReader
}): RevocationWatch {
  const { runtime, log, publish, readFile } = options
  const notices = createRevocationNotices(options)
  let source: Source | undefined
  /** The file that was refused last, as it was touched then, and beside which source. */
  let refused: { readonly beside: Source; readonly stamp: string } | undefined
  let isReading = false
  let cancel = () => {}

  function wait(atMostMs = Number.POSITIVE_INFINITY): void {
    cancel()
    const delayMs = Math.min(source?.refreshMs ?? 0, atMostMs)
    cancel = source ? runtime.schedule(delayMs, () => void refresh()) : () => {}
  }

  async function refresh(): Promise<void> {
    const from = source
    if (!from) return
    isReading = true
    let atMostMs: number | undefined
    const stamp = await stampOf(from.file, runtime.wallClock())
    try {
      const isRefused = refused?.beside === from && refused.stamp === stamp
      const reading = isRefused ? undefined : await read(from, from.reading, stamp)
      // What was adopted or stopped meanwhile has the last word.
      if (reading && from === source) take(from, reading)
    } catch (error) {
      const refusal = problemsOf(error)
      if (from === source) notices.refused(from.file, refusal)
      refused = stamp !== undefined && isLasting(refusal) ? { beside: from, stamp } : undefined
      if (refusal.problems.every(({ isOwnFault }) => isOwnFault)) atMostMs = OWN_FAULT_AGAIN_MS
    }
    isReading = false
    if (source) notices.late(source.reading.lists, source.expired)
    wait(atMostMs)
  }

  function take(from: Source, reading: Reading): void {
    judge(from.reading.lists, reading.lists, from.authorities)
    notices.accepted()
    source = { ...from, reading }
    if (reading.digest === from.reading.digest) return
    notices.shrunk(from.file, shrinkages(from.reading.lists, reading.lists))
    const { entries } = overviewOf(reading.lists)
    log.info({ file: from.file, revoked: entries }, 'certificate revocation list is read again')
    publish(revokedOf(source))
  }

  /** The file as it is now, read anew only if it is not the one that is known. */
  async function read(
    { file, caBundle }: Omit<Source, 'reading'>,
    known: Reading | undefined,
    stamp: string | undefined
  ): Promise<Reading> {
    const nowMs = runtime.wallClock()
    if (known && stamp !== undefined && stamp === known.stamp) return known
    const next = await readFile({ file, caBundle, nowMs, knownDigest: known?.digest })
    return next ? { ...next, stamp } : { ...(known as Reading), stamp }
  }

  return {
    async prepare({ crl, ca }) {
      if (!crl) return { source: undefined, changed: [] }
      const before = source
      const from = { ...crl, caBundle: ca, authorities: authoritiesOf(ca) }
      const isKnown = before?.file === crl.file && before.caBundle === ca
      try {
        const stamp = await stampOf(crl.file, runtime.wallClock())
        const reading = await read(from, isKnown ? before.reading : undefined, stamp)
        judge(source?.reading.lists ?? [], reading.lists, from.authorities)
        return { source: { ...from, reading }, changed: changeOf(before?.reading, reading) }
      } catch (error) {
        const refusal = problemsOf(error)
        if (before) notices.refused(crl.file, refusal)
        const where = crl.place
        const texts = sentencesOf(refusal, crl.file)
        throw new ConfigError(texts.map(text => ({ where, key: 'tls.crl.file', text })))
      }
    },

    adopt({ source: next }) {
      const before = source
      // A reading made since it was prepared may be newer.
      const counting = new Set(next?.authorities.map(({ keyId }) => keyId))
      const lists = next && laterOf(before?.reading.lists ?? [], next.reading.lists, counting)
      source = next && lists && { ...next, reading: { ...next.reading, lists } }
      if (source) {
        notices.accepted()
        notices.shrunk(source.file, shrinkages(before?.reading.lists ?? [], source.reading.lists))
        notices.missing(missingLists(source.file, source.reading.lists, source.authorities))
        notices.late(source.reading.lists, source.expired)
      }
      // A reading under way waits when it ends; a wait that goes on being right must not begin anew each time.
      if (!isReading && before?.refreshMs !== next?.refreshMs) wait()
    },

    revoked: () => revokedOf(source),

    current() {
      if (!source) return undefined
      const { file, expired, reading } = source
      const overview = overviewOf(reading.lists)
      const isLate = (overview.nextUpdateMs ?? Number.POSITIVE_INFINITY) < runtime.wallClock()
      return { ...overview, source: file, isLate, expired }
    },

    onRefusal: notices.onRefusal,

    stop() {
      source = undefined
      cancel()
    }
  }
}

/** As the report of a reload tells it; a file that is named for the first time is told by its key. */
function changeOf(before: Reading | undefined, next: Reading): readonly SettingChange[] {
  if (!before || before.digest === next.digest) return []
  const [from, to] = [before, next].map(({ lists }) => describeLists(overviewOf(lists)))
  return [{ key: 'tls.crl', from: from ?? null, to: to ?? null }]
}

/** What planes are to know of it. */
function revokedOf(source: Source | undefined): RevokedSet {
  if (!source) return []
  const { expired, reading } = source
  return reading.lists.map(({ authority, width, rows, nextUpdateMs = Number.POSITIVE_INFINITY }) => ({
    authority,
    width,
    rows,
    validUntilMs: expired === 'refuse' ? nextUpdateMs : Number.POSITIVE_INFINITY
  }))
}

/** Throws a CrlError when these lists must not follow those in force. */
function judge(
  current: readonly AuthorityList[],
  next: readonly AuthorityList[],
  authorities: readonly Authority[]
): void {
  const problems = successionProblems(current, next, new Set(authorities.map(({ keyId }) => keyId)))
  if (problems.length > 0) throw new CrlError(problems)
}

/** Whatever else goes wrong is a file that cannot be read. */
function problemsOf(error: unknown): CrlError {
  if (error instanceof CrlError) return error
  return new CrlError([{ reason: 'unreadable', text: `cannot be read, ${(error as Error).message}` }])
}

/** Whether the same bytes will be refused again: time mends a list from the future, and a reader may fail by itself. */
function isLasting({ problems }: CrlError): boolean {
  return problems.every(({ reason }) => reason !== 'future' && reason !== 'unreadable')
}

/** Tells one state of a file from another, without reading it; `undefined` when it cannot tell. */
async function stampOf(file: string, nowMs: number): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    const isSettled = Number(ctimeNs / 1_000_000n) < nowMs - SETTLED_MS
    return isSettled ? [dev, ino, size, mtimeNs, ctimeNs].join(':') : undefined
  } catch {
    // Whoever opens it says what is wrong.
    return undefined
  }
}
