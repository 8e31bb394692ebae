import type { Logger } from 'pino'
import { type ListFile, missingLists } from '../../config/revocation-lists.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import { type AuthorityList, overviewOf } from '../../pki/crl.ts'
import { neverChanged, sizeChanges } from '../../pki/succession.ts'
import type { FetchNotices } from './fetch-notices.ts'
import {
  heldOfFile,
  type InForce,
  isSame,
  judge,
  type Origin,
  type Reading,
  revokedOf,
  withReading
} from './in-force.ts'
import type { RevocationNotices } from './notices.ts'
import type { SeenLists } from './seen-lists.ts'

/** The lists in force, which their sources replace. */
export interface Holding {
  readonly current: () => InForce | undefined
  /** Whether any list is in force. */
  readonly isAny: () => boolean
  /** What other settings put in force. Publishes nothing. */
  readonly adopt: (next: InForce | undefined) => void
  /**
   * Takes what one origin has given, and publishes it if it says anything new. `asked`: what was in force when it was
   * asked for. Throws a CrlError when it must not follow that.
   */
  readonly take: (origin: Origin, reading: Reading, from: { asked: InForce; source: string }) => void
  /** Lists that are known to come from a file, or a URL, from now on. */
  readonly reading: (lists: ListFile, source: string) => Reading
  /** Where those in force come from; of a part of them if several. */
  readonly source: () => string
  /** Tells of lists that are out of date by now. */
  readonly tellLate: () => void
}

export function createHolding({
  runtime,
  log,
  notices,
  fetchNotices,
  seen,
  publish
}: {
  readonly runtime: Pick<Runtime, 'wallClock'>
  readonly log: Pick<Logger, 'info'>
  readonly notices: RevocationNotices
  readonly fetchNotices: Pick<FetchNotices, 'doubtful'>
  readonly seen: Pick<SeenLists, 'keep'>
  readonly publish: (revoked: RevokedSet) => void
}): Holding {
  const sources = new WeakMap<AuthorityList, string>()
  let inForce: InForce | undefined

  function source(): string {
    const all = inForce?.lists.flatMap(list => sources.get(list) ?? [])
    return [...new Set(all)].join(' and ')
  }

  function tellChange(before: readonly AuthorityList[], { order, lists }: InForce): void {
    notices.resized(source(), sizeChanges(before, lists))
    if (lists.length === 0) return
    const key = order.file === undefined ? 'fetch' : 'file'
    const sentences = missingLists(source(), lists, order.authorities)
    notices.missing(sentences.map(sentence => `tls.crl.${key}: ${sentence}`))
    if (order.fetch && order.file === undefined)
      fetchNotices.doubtful(neverChanged(lists, order.authorities, runtime.wallClock()))
  }

  function keepSeen(next: InForce): void {
    if (next.known.file) seen.keep(next.order.directory, heldOfFile(next))
  }

  function tellLate(): void {
    if (inForce) notices.late(inForce.lists, inForce.order.expired)
  }

  return {
    current: () => inForce,
    isAny: () => (inForce?.lists.length ?? 0) > 0,
    adopt(next) {
      const before = inForce?.lists ?? []
      inForce = next
      if (!next) return
      tellChange(before, next)
      tellLate()
      keepSeen(next)
    },
    take(origin, reading, { asked, source: from }) {
      const before = inForce
      if (!before) return
      judge(origin, reading, asked)
      notices.accepted(from)
      if (reading.lists === before.known[origin]?.lists) {
        inForce = { ...before, known: { ...before.known, [origin]: reading } }
        return
      }
      inForce = withReading(before, origin, reading)
      if (origin === 'file') keepSeen(inForce)
      if (isSame(before.lists, inForce.lists)) return
      tellChange(before.lists, inForce)
      const { entries } = overviewOf(inForce.lists)
      const how = origin === 'file' ? 'read again' : 'fetched'
      log.info({ source: from, revoked: entries }, `certificate revocation list is ${how}`)
      publish(revokedOf(inForce))
    },
    reading({ digest, lists }, from) {
      for (const list of lists) sources.set(list, from)
      return { digest, lists, stamp: undefined }
    },
    source,
    tellLate
  }
}
