import { describeLists } from '../../config/revocation-lists.ts'
import type { RevokedSet } from '../../model/messages.ts'
import type { CrlSettings, TlsSettings, WhenExpired } from '../../model/settings.ts'
import type { SettingChange } from '../../model/status.ts'
import { type Authority, authoritiesOf } from '../../pki/authorities.ts'
import { type AuthorityList, overviewOf } from '../../pki/crl.ts'
import { CrlError } from '../../pki/crl-error.ts'
import { laterOf, servedProblems, successionProblems } from '../../pki/succession.ts'

/** Where lists come from. */
export type Origin = 'file' | 'ca'

/** Lists as one origin gave them. */
export interface Reading {
  /** Tells whether the file was touched since; `undefined` when it cannot tell, and for what the CA gave. */
  readonly stamp: string | undefined
  readonly digest: string
  readonly lists: readonly AuthorityList[]
}

/** What settings say of revocation lists: where they come from, and whose they may be. */
export interface Order extends CrlSettings {
  readonly caBundle: string
  readonly authorities: readonly Authority[]
  /** The same by their `keyId`. */
  readonly counting: ReadonlySet<string>
}

export function orderOf(crl: CrlSettings, { ca }: Pick<TlsSettings, 'ca'>): Order {
  const authorities = authoritiesOf(ca)
  return { ...crl, caBundle: ca, authorities, counting: new Set(authorities.map(({ keyId }) => keyId)) }
}

/** Lists that are, or may come, in force: of each CA the newest that any origin gave. */
export interface InForce {
  readonly order: Order
  readonly lists: readonly AuthorityList[]
  /** What each origin gave last. */
  readonly known: Readonly<Partial<Record<Origin, Reading>>>
}

/** The same with what one origin has given. */
export function withReading(inForce: InForce, origin: Origin, reading: Reading): InForce {
  const { order, lists, known } = inForce
  return {
    order,
    lists: laterOf(lists, reading.lists, order.counting),
    known: { ...known, [origin]: reading }
  }
}

/** What a file is held to: what is in force; beside a CA that is asked it may lag behind, and is held to itself. */
export function heldOfFile({ order, known, lists }: InForce): readonly AuthorityList[] {
  return order.fetch ? (known.file?.lists ?? []) : lists
}

/**
 * Throws a CrlError when an origin must not have given this after `before`. The CA never gives less than it has given.
 */
export function judge(origin: Origin, { lists }: Reading, before: InForce): void {
  const { order } = before
  const held = origin === 'file' ? heldOfFile(before) : before.lists
  const problemsOf = origin === 'ca' ? servedProblems : successionProblems
  const problems = problemsOf(held, lists, order.counting)
  // The file has what the CA does not give.
  const isElsewhere = origin === 'ca' && order.file !== undefined
  const counting = problems.filter(({ reason }) => !(isElsewhere && reason === 'missing'))
  if (counting.length > 0) throw new CrlError(counting)
}

/** Whether two sets of lists say the same. */
export function isSame(before: readonly AuthorityList[], after: readonly AuthorityList[]): boolean {
  const digests = ([...lists]: readonly AuthorityList[]) => lists.map(({ digest }) => digest).sort()
  return digests(before).join() === digests(after).join()
}

/** As the report of a reload tells it; what was not there is told by its key. */
export function changeOf(before: InForce | undefined, after: InForce): readonly SettingChange[] {
  if (!before || before.lists.length === 0 || isSame(before.lists, after.lists)) return []
  const [from, to] = [before, after].map(({ lists }) => describeLists(overviewOf(lists)))
  return [{ key: 'tls.crl', from: from ?? null, to: to ?? null }]
}

/** What planes are to know of it. Nothing, although settings want lists, means that there are none yet. */
export function revokedOf(inForce: InForce | undefined): RevokedSet {
  if (!inForce) return []
  const { order, lists } = inForce
  return lists.map(({ authority, width, rows, nextUpdateMs }) => ({
    authority,
    width,
    rows,
    validUntilMs: validUntil(nextUpdateMs, order.expired)
  }))
}

function validUntil(nextUpdateMs = Number.POSITIVE_INFINITY, expired: WhenExpired): number {
  return expired === 'refuse' ? nextUpdateMs : Number.POSITIVE_INFINITY
}
