import { ConfigError } from '../../config/problems.ts'
import { sentencesOf } from '../../config/revocation-lists.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { TlsSettings } from '../../model/settings.ts'
import type { SettingChange } from '../../model/status.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { laterOf, successionProblems } from '../../pki/succession.ts'
import { type CaSource, type ListUpstream, listsUrl } from './ca-source.ts'
import type { FetchNotices } from './fetch-notices.ts'
import type { Fetched } from './fetching.ts'
import { type FileSource, refusalOf } from './file-source.ts'
import type { Holding } from './holding.ts'
import { changeOf, type InForce, judge, type Order, orderOf, type Reading, withReading } from './in-force.ts'
import { isKept, keptFile } from './kept-lists.ts'
import type { RevocationNotices } from './notices.ts'
import type { ListReader } from './reader.ts'
import { type SeenLists, seenFile } from './seen-lists.ts'

/** What was found fit to be put in force. */
export interface PreparedRevocations {
  readonly inForce: InForce | undefined
  /** Their content in a few words, and that of those in force. */
  readonly changed: readonly SettingChange[]
  /** What came from the CA just now. */
  readonly fetched?: Fetched | undefined
}

export interface PreparingDeps {
  readonly runtime: Pick<Runtime, 'wallClock'>
  readonly holding: Holding
  readonly notices: RevocationNotices
  readonly fetchNotices: Pick<FetchNotices, 'keptRefused'>
  readonly file: Pick<FileSource, 'read'>
  readonly ca: Pick<CaSource, 'fetchFor'>
  readonly readFile: ListReader
  readonly seen: Pick<SeenLists, 'read'>
}

/** Reads the lists that settings name, without putting them in force. `from` is left out at the start. */
export function createPreparing(deps: PreparingDeps) {
  const { holding, notices } = deps

  /** The file of an order, beside what is in force. */
  async function withFile(next: InForce, file: string): Promise<InForce> {
    const before = holding.current()
    const { order } = next
    const isKnown = before?.order.file === file && before.order.caBundle === order.caBundle
    try {
      const reading = await deps.file.read(order, isKnown ? before.known.file : undefined)
      judge('file', reading, next)
      if (!before) await judgeBySeen(reading, order)
      return withReading(next, 'file', reading)
    } catch (error) {
      const refusal = refusalOf(error)
      if (before) notices.refused(file, refusal)
      throw configError(order, 'file', sentencesOf(refusal, file))
    }
  }

  /** What an earlier life of this process had must not be fallen behind either. */
  async function judgeBySeen({ lists }: Reading, { directory, counting }: Order): Promise<void> {
    const problems = successionProblems(await deps.seen.read(directory), lists, counting)
    if (directory === undefined || problems.length === 0) return
    const file = seenFile(directory)
    throw new CrlError(
      problems.map(({ reason, text }) => ({
        reason,
        text: `${text} (says ${file} of the time before this start)`
      }))
    )
  }

  /** What the CA gave in an earlier life of this process, if that is any good. */
  async function withKept(next: InForce): Promise<InForce> {
    const { directory, caBundle } = next.order
    if (directory === undefined || next.known.ca || !(await isKept(directory))) return next
    const file = keptFile(directory)
    try {
      const nowMs = deps.runtime.wallClock()
      const lists = await deps.readFile({ file, caBundle, nowMs, knownDigest: undefined })
      return lists ? withReading(next, 'ca', holding.reading(lists, file)) : next
    } catch (error) {
      deps.fetchNotices.keptRefused(file, refusalOf(error))
      return next
    }
  }

  /** What the CA gives now. */
  async function withFetched(next: InForce, from: ListUpstream) {
    const { order } = next
    try {
      const fetched = await deps.ca.fetchFor(order, from)
      const reading = fetched.lists && holding.reading(fetched.lists, listsUrl(from.ca))
      return { inForce: reading ? withReading(next, 'ca', reading) : next, fetched }
    } catch (error) {
      const { message } = error as Error
      const cause = error instanceof CrlError ? `its answer ${message}` : message
      const text =
        `is true, but the CA at ${from.ca.url} gives no revocation list: ${cause}; must be a CA that gives one, ` +
        'since every agent would be refused until then'
      throw configError(order, 'fetch', [text])
    }
  }

  return async function prepare(
    { crl, ca }: Pick<TlsSettings, 'ca' | 'crl'>,
    from?: ListUpstream
  ): Promise<PreparedRevocations> {
    if (!crl) return { inForce: undefined, changed: [] }
    const before = holding.current()
    const order = orderOf(crl, { ca })
    let next = heldUnder(order, before)
    if (crl.file !== undefined) next = await withFile(next, crl.file)
    if (crl.fetch) next = await withKept(next)
    // Who waits for a first list already is no worse off.
    const isAwaited = before?.order.fetch === true && !holding.isAny()
    const isWanting = crl.fetch && next.lists.length === 0 && !isAwaited
    const { inForce, fetched } =
      isWanting && from ? await withFetched(next, from) : { inForce: next, fetched: undefined }
    return { inForce, changed: changeOf(before, inForce), fetched }
  }
}

/** What is in force, as far as it counts by another order. */
function heldUnder(order: Order, before: InForce | undefined): InForce {
  const isForSame = before?.order.caBundle === order.caBundle
  return {
    order,
    lists: before ? laterOf(before.lists, [], order.counting) : [],
    known: {
      ...(isForSame && before.order.file === order.file && before.known.file && { file: before.known.file }),
      ...(isForSame && order.fetch && before.known.ca && { ca: before.known.ca })
    }
  }
}

function configError({ place }: Order, key: string, texts: readonly string[]): ConfigError {
  return new ConfigError(texts.map(text => ({ where: place, key: `tls.crl.${key}`, text })))
}
