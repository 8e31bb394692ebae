import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { TlsSettings, WhenExpired } from '../../model/settings.ts'
import { within } from '../../model/within.ts'
import { overviewOf, type RevocationOverview } from '../../pki/crl.ts'
import type { RefusalReason } from '../../pki/crl-error.ts'
import { laterOf } from '../../pki/succession.ts'
import { createCaSource, type ListUpstream } from './ca-source.ts'
import { createFetchNotices, type FetchState } from './fetch-notices.ts'
import { createFileSource } from './file-source.ts'
import { createHolding } from './holding.ts'
import { revokedOf } from './in-force.ts'
import { createRevocationNotices } from './notices.ts'
import { createPreparing, type PreparedRevocations } from './preparing.ts'
import type { ListReader, OpenListStream } from './reader.ts'
import { createSeenLists } from './seen-lists.ts'

/** A start waits so long for the first list, before it goes on without. */
const FIRST_LIST_TIMEOUT_MS = 10_000

/** The lists in force, for status and metrics. */
export interface RevocationState extends RevocationOverview {
  /** Where they came from: a file, a URL of the CA, or both. */
  readonly source: string
  /** Whether one of them is past its nextUpdate. */
  readonly isLate: boolean
  readonly expired: WhenExpired
}

export interface RevocationWatch {
  /**
   * Reads the lists that new settings name, and those that were kept. When there would be none, they are fetched from
   * the CA here; `from` says how, and is left out at the start. Rejects with a ConfigError when they cannot be had.
   */
  readonly prepare: (
    tls: Pick<TlsSettings, 'ca' | 'crl'>,
    from?: ListUpstream
  ) => Promise<PreparedRevocations>
  /**
   * Puts them in force and watches their sources from now on. Publishes nothing: the CA they belong to has to be
   * published in the same breath, and what to publish is `revoked()`.
   */
  readonly adopt: (prepared: PreparedRevocations) => void
  /** From now on the CA is asked. Resolves when there is a list, or after ten seconds without. */
  readonly begin: () => Promise<void>
  readonly revoked: () => RevokedSet
  /** `undefined` when no list is in force. */
  readonly current: () => RevocationState | undefined
  /** Why there is no list yet although there is to be one, a clause about the CA; `undefined` otherwise. */
  readonly awaited: () => string | undefined
  /** `undefined` when the CA is not asked. */
  readonly fetching: () => FetchState | undefined
  /** Called for each file or answer that is refused, with each of the reasons. */
  readonly onRefusal: (listener: (reason: RefusalReason) => void) => void
  /** Resolves when what is to be kept over a restart is kept. */
  readonly stop: () => Promise<void>
}

/**
 * Reads the CRL file again every `refreshMs`, asks the CA as often, and publishes each change. What is refused is told
 * once, and the last good lists stay in force. Watches nothing until the first `adopt`.
 */
export function createRevocationWatch(options: {
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  readonly publish: (revoked: RevokedSet) => void
  readonly readFile: ListReader
  readonly openStream: OpenListStream
  /** The CA and how to reach it, by the settings in force. */
  readonly from: () => ListUpstream
}): RevocationWatch {
  const { runtime } = options
  const telling = { ...options, isInForce: () => holding.isAny() }
  const notices = createRevocationNotices(telling)
  const fetchNotices = createFetchNotices(telling)
  const seen = createSeenLists(options.log)
  const holding = createHolding({ ...options, notices, fetchNotices, seen })
  const deps = { ...options, holding, notices, fetchNotices, seen }
  const file = createFileSource(deps)
  const ca = createCaSource(deps)
  let isBegun = false

  /** A wait that goes on being right must not begin anew each time. */
  function watch(before: PreparedRevocations['inForce'], next: PreparedRevocations['inForce']): void {
    const waitOf = (of: typeof next) => (of?.order.file === undefined ? undefined : of.order.refreshMs)
    if (waitOf(before) !== waitOf(next)) file.wait(waitOf(next))
    if (!isBegun) return
    const isAsIt =
      before?.order.fetch === next?.order.fetch && before?.order.refreshMs === next?.order.refreshMs
    // What the CA gave for another bundle is not known to be all there is for this one.
    const isDue = next?.order.fetch && !next.known.ca
    if (isDue || !isAsIt) ca.wait(next?.order.fetch ? (isDue ? 0 : next.order.refreshMs) : undefined)
  }

  return {
    prepare: createPreparing({ ...deps, file, ca }),

    adopt({ inForce: next, fetched }) {
      const before = holding.current()
      // A reading made since it was prepared may be newer.
      const lists = next && laterOf(before?.lists ?? [], next.lists, next.order.counting)
      const inForce = next && lists && { ...next, lists }
      holding.adopt(inForce)
      if (next?.known.file && next.order.file !== undefined) notices.accepted(next.order.file)
      if (fetched) void ca.accept(fetched, next?.order.directory)
      watch(before, inForce)
    },

    async begin() {
      isBegun = true
      if (!holding.current()?.order.fetch) return
      const first = ca.now()
      if (!holding.isAny()) await within(FIRST_LIST_TIMEOUT_MS, first, runtime)
    },

    revoked: () => revokedOf(holding.current()),

    current() {
      const inForce = holding.current()
      if (!inForce || !holding.isAny()) return undefined
      const overview = overviewOf(inForce.lists)
      const isLate = (overview.nextUpdateMs ?? Number.POSITIVE_INFINITY) < runtime.wallClock()
      return { ...overview, source: holding.source(), isLate, expired: inForce.order.expired }
    },

    awaited() {
      if (!holding.current()?.order.fetch || holding.isAny()) return undefined
      return fetchNotices.state().problem ?? 'it is being asked'
    },

    fetching: () => (holding.current()?.order.fetch ? fetchNotices.state() : undefined),
    onRefusal: notices.onRefusal,

    stop() {
      holding.adopt(undefined)
      file.stop()
      ca.stop()
      return seen.settled()
    }
  }
}
