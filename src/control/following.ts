import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Runtime } from '../model/runtime.ts'
import type { ChangeQueue } from './change-queue.ts'
import type { JoinedMembers, PreparedMembers } from './joined-members.ts'
import { NoSeatError } from './roster.ts'
import type { Sources } from './sources/sources.ts'

/** Names that one answer led to are looked up before anything changes, unless that takes longer. */
const SETTLE_TIMEOUT_MS = 10_000
/** When there was no seat for somebody, it is tried again after this time. */
const AGAIN_MS = 10_000

export interface FollowingDeps {
  readonly changes: ChangeQueue
  readonly members: JoinedMembers
  /** Puts a change in force; resolves when all planes go by it. */
  readonly apply: (change: PreparedMembers) => Promise<void>
  readonly sources: Pick<Sources, 'named' | 'settled'>
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** What the sources name by now is made the membership, whenever the result is called, in its turn of the changes. */
export function createFollowing(deps: FollowingDeps): () => void {
  const { changes, members, apply, sources, runtime, log } = deps
  let isDue = false

  async function change(): Promise<void> {
    isDue = false
    const { masters, ca } = sources.named()
    const before = members.current()
    if (isDeepStrictEqual([masters, ca], [before.masters, before.ca])) return
    await apply(await members.prepare({ masters, ca }))
    tell(before, { masters, ca }, log)
  }

  function failed(error: unknown): void {
    if (error instanceof NoSeatError) {
      log.warn({ cause: error.message }, 'what DNS names cannot be taken yet; the members stay as they are')
      runtime.schedule(AGAIN_MS, follow)
    } else log.error({ err: error }, 'what DNS names could not be taken')
  }

  function follow(): void {
    if (isDue) return
    isDue = true
    void sources
      .settled(SETTLE_TIMEOUT_MS)
      .then(() => changes.run(change))
      .catch(failed)
  }
  return follow
}

type Parts = Pick<ReturnType<JoinedMembers['current']>, 'masters' | 'ca'>

/** Tells what has changed of those that stay; who joins and who leaves is told elsewhere. */
function tell(before: Parts, now: Parts, log: Pick<Logger, 'info'>): void {
  const known = new Map(before.masters.map(master => [master.name, master]))
  for (const { name, addresses, weight, priority } of now.masters) {
    const old = known.get(name)
    if (!old) continue
    if (!isDeepStrictEqual(old.addresses, addresses)) {
      log.info({ master: name, from: old.addresses, to: addresses }, 'DNS says another address of a master')
    }
    if (old.weight !== weight || old.priority !== priority) {
      log.info({ master: name, weight, priority }, 'DNS says another weight or priority of a master')
    }
  }
  if (before.ca.url !== now.ca.url || !isDeepStrictEqual(before.ca.addresses, now.ca.addresses)) {
    log.info({ url: now.ca.url, addresses: now.ca.addresses }, 'DNS says where the CA is')
  }
}
