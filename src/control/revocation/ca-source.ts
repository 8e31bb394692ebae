import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { type ListAuthority, listsPath, NoLists } from './ca-question.ts'
import type { FetchNotices } from './fetch-notices.ts'
import { createListFetching, type Fetched } from './fetching.ts'
import { refusalOf } from './file-source.ts'
import { createFullListWatch } from './full-list-watch.ts'
import type { Holding } from './holding.ts'
import type { InForce, Order } from './in-force.ts'
import type { RevocationNotices } from './notices.ts'
import type { OpenListStream } from './reader.ts'
import { createRounds, type Rounds } from './rounds.ts'

/** So often the CA is asked while no list is in force at all. */
const AWAITED_AGAIN_MS = 3_000
/** What fails for want of something of our own, or is overtaken by a reload, is tried again after this time. */
const SOON_MS = 1_000
/** A round comes up to this share too early, so that several balancers do not ask as one. */
const JITTER = 0.2

/** Whom lists are fetched from, and how. */
export interface ListUpstream {
  readonly ca: ListAuthority
  readonly upstream: UpstreamSettings
}

/** The CA as a source of lists, which is asked every `refreshMs`. */
export interface CaSource extends Rounds {
  /** What a CA has now, for settings that are not in force yet. Rejects with a NoLists or a CrlError. */
  readonly fetchFor: (order: Order, from: ListUpstream) => Promise<Fetched>
  /** To be called when what it gave is in force. */
  readonly accept: (fetched: Fetched, directory: string | undefined) => Promise<void>
}

export function createCaSource({
  runtime,
  holding,
  notices,
  fetchNotices,
  openStream,
  from
}: {
  readonly runtime: Runtime
  readonly holding: Holding
  readonly notices: RevocationNotices
  readonly fetchNotices: FetchNotices
  readonly openStream: OpenListStream
  /** By the settings in force. */
  readonly from: () => ListUpstream
}): CaSource {
  const { fetch } = createListFetching({ runtime, openStream })
  const fullList = createFullListWatch(runtime)

  async function round(): Promise<number | undefined> {
    const asked = holding.current()
    if (!asked?.order.fetch) return undefined
    const atMostMs = await askAgain(asked)
    holding.tellLate()
    const order = holding.current()?.order
    if (!order?.fetch) return undefined
    const againMs = holding.isAny() ? order.refreshMs : Math.min(order.refreshMs, AWAITED_AGAIN_MS)
    return Math.min(againMs, atMostMs) * (1 - JITTER * runtime.random())
  }

  /** How long to wait at most for the next time. */
  async function askAgain(asked: InForce): Promise<number> {
    const isCurrent = () => asked.order === holding.current()?.order
    const { ca, upstream } = from()
    const source = listsUrl(ca)
    const { caBundle, directory } = asked.order
    try {
      const knownDigest = asked.known.ca?.digest
      const fetched = await fetch({ ca, upstream, caBundle, directory, knownDigest })
      if (isCurrent()) await take(fetched, { asked, ca, upstream })
      else await fetched.refuse()
      return isCurrent() ? Number.POSITIVE_INFINITY : SOON_MS
    } catch (error) {
      if (!isCurrent()) return SOON_MS
      const failure = failureOf(error)
      fetchNotices.failed(source, failure)
      if (failure instanceof CrlError) notices.refused(source, failure)
      return isOurs(failure) ? SOON_MS : Number.POSITIVE_INFINITY
    }
  }

  async function take(
    fetched: Fetched,
    { asked, ca, upstream }: ListUpstream & { readonly asked: InForce }
  ): Promise<void> {
    const source = listsUrl(ca)
    try {
      if (fetched.lists) holding.take('ca', holding.reading(fetched.lists, source), { asked, source })
    } catch (error) {
      await fetched.refuse()
      throw error
    }
    // That it has no others is as good as giving them again.
    notices.accepted(source)
    await fullList.look(ca, { upstream, runtime }, holding.current)
    if (fullList.isShort()) fetchNotices.failed(source, short)
    else fetchNotices.answered()
    await keep(fetched, asked.order.directory)
  }

  async function keep(fetched: Fetched, directory: string | undefined): Promise<void> {
    const fault = await fetched.accept()
    if (directory !== undefined) fetchNotices.notKept(directory, fault)
  }

  return {
    ...createRounds(round, runtime),
    fetchFor: ({ caBundle, directory }, { ca, upstream }) =>
      fetch({ ca, upstream, caBundle, directory, knownDigest: undefined }),
    accept(fetched, directory) {
      fetchNotices.answered()
      return keep(fetched, directory)
    }
  }
}

/** What it gives is no list to go by, though there may be no better one. */
const short = new NoLists(
  'infrastructure',
  'it serves another list than its full one, that of infrastructure nodes (enable-infra-crl), which names no agents'
)

/** Where a CA has its lists. */
export function listsUrl({ url }: ListAuthority): string {
  return `${url}${listsPath}`
}

/** Whether it was for want of something of our own. */
function isOurs(failure: NoLists | CrlError): boolean {
  if (failure instanceof NoLists) return failure.isOwnFault
  return failure.problems.every(({ isOwnFault }) => isOwnFault === true)
}

function failureOf(error: unknown): NoLists | CrlError {
  return error instanceof NoLists ? error : refusalOf(error)
}
