import type { Runtime } from '../../model/runtime.ts'
import type { ConnectionTable } from '../../shared/connections.ts'
import type { Limits, MakeRoom } from './limits.ts'
import { networkOf } from './network.ts'
import { createStrangers } from './strangers.ts'

/** A connection as far as limits go. */
export interface Guest {
  /** Its network, as the shared table knows it, while it is counted there. */
  address: number | undefined
  /** It is idle, and nobody has shown a good certificate on it: it may be closed to make room. */
  readonly mayGo: boolean
  /** Since when, on the clock of `now`. */
  readonly idleSinceMs: number
  /** Since when it is not, though nobody has shown a good certificate on it. */
  readonly busySinceMs: number | undefined
  /** It is to be counted out, and closed at once. */
  readonly dismiss: () => void
}

/** Counts the connections of agents in and out, whichever listener they come to, and holds the limits. */
export interface Entrance {
  /** Counts one in that comes from `remote`, or from where nobody knows yet. `false`: there is no room, and it is not counted. */
  readonly enter: (guest: Guest, remote: string | undefined) => boolean
  /** Where one comes from is known by now. `false`: its address has too many, and it is to be closed. */
  readonly settle: (guest: Guest, remote: string) => boolean
  /** Something about it has changed. */
  readonly place: (guest: Guest) => void
  /** Counts it out. `false`: it was out already. */
  readonly leave: (guest: Guest) => boolean
  /**
   * Closes the one that may go and was idle for longest, or a stranger whose request is under way for even longer; of one
   * address where one is given.
   */
  readonly makeRoom: MakeRoom
  /** Hears no more of workers that need room. */
  readonly stop: () => void
}

/**
 * Strangers enrol, and a request for that takes a moment. One that is under way for longer makes room as an idle
 * connection does: who sends its body a byte at a time, or takes its answer so, is to keep out nobody with a certificate.
 */
const STRANGERS_REQUEST_MS = 1_000

export function createEntrance({
  worker,
  table,
  limits,
  now
}: {
  readonly worker: number
  readonly table: ConnectionTable
  readonly limits: Pick<Limits, 'beyond' | 'refused'>
  readonly now: Runtime['now']
}): Entrance {
  const inside = new Set<Guest>()
  const strangers = createStrangers<Guest>()
  const busyStrangers = createStrangers<Guest>()

  function place(guest: Guest): void {
    const before = strangers.size()
    if (guest.mayGo && inside.has(guest)) strangers.add(guest)
    else strangers.delete(guest)
    placeBusy(guest)
    if (strangers.size() !== before) table.count(worker, 'strangers', strangers.size() - before)
  }

  function placeBusy(guest: Guest): void {
    const before = busyStrangers.oldest()
    if (guest.busySinceMs !== undefined && inside.has(guest)) busyStrangers.add(guest)
    else busyStrangers.delete(guest)
    const oldest = busyStrangers.oldest()
    if (oldest !== before) table.setOverdueAt(worker, oldest && overdueAtOf(oldest))
  }

  function addAddress(guest: Guest, remote: string): void {
    guest.address = table.addresses.keyOf(networkOf(remote))
    table.addresses.add(worker, guest.address)
  }

  function countOut({ address }: Guest): void {
    table.count(worker, 'open', -1)
    if (address !== undefined) table.addresses.remove(worker, address)
  }

  function isBeyond({ address }: Guest, remote?: string): boolean {
    const limit = limits.beyond(address)
    if (limit !== undefined) limits.refused(limit, { remote, address })
    return limit !== undefined
  }

  function makeRoom(address?: number): boolean {
    const idle = strangers.oldest(address)
    const busy = busyStrangers.oldest(address)
    const overdueMs = busy ? overdueAtOf(busy) : Number.POSITIVE_INFINITY
    const oldest = overdueMs <= (idle?.idleSinceMs ?? now()) ? busy : idle
    // Counted out at once, since its close is heard of later.
    oldest?.dismiss()
    return oldest !== undefined
  }

  const stop = table.onAsked(worker, wanted => {
    for (let closed = 0; closed < wanted && makeRoom(); closed++);
  })

  return {
    enter(guest, remote) {
      table.count(worker, 'open', 1)
      if (remote !== undefined) addAddress(guest, remote)
      if (isBeyond(guest, remote)) {
        countOut(guest)
        return false
      }
      inside.add(guest)
      place(guest)
      return true
    },
    settle(guest, remote) {
      inside.delete(guest)
      place(guest)
      addAddress(guest, remote)
      inside.add(guest)
      // While room is looked for it is not among those that may be closed for it.
      if (isBeyond(guest, remote)) return false
      place(guest)
      return true
    },
    place,
    leave(guest) {
      if (!inside.delete(guest)) return false
      place(guest)
      countOut(guest)
      return true
    },
    makeRoom,
    stop
  }
}

/** From when on a stranger whose request is under way makes room. */
function overdueAtOf({ busySinceMs = Number.POSITIVE_INFINITY }: Guest): number {
  return busySinceMs + STRANGERS_REQUEST_MS
}
