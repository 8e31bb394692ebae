import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Arrival, Conversation } from './conversation.ts'
import type { Identity } from './identity.ts'
import type { Visitor } from './reception.ts'

/** One open connection of an agent. */
export interface Connection {
  /** Whether a request of it is served. */
  readonly isBusy: boolean
  /** Those whose answers it owes. */
  readonly owed: readonly Arrival[]
  /** Since when it owes none: its accept, its handshake or its last answer; on the clock of `now`. */
  readonly idleSinceMs: number
  /** Its certname had as many connections as it may have already. */
  readonly isOneTooMany: boolean
  /** Who is at its other end; `undefined` until its handshake has ended. */
  readonly identity: Identity | undefined
  /** Address of its client, as people know it. */
  readonly remote: string
  /** Closes it at once. */
  readonly destroy: () => void
  /** Closes it when what it was told has left. */
  readonly destroySoon: () => void
}

/** What is kept of a connection, from its accept to its close. */
export class OpenConnection implements Connection, Visitor {
  readonly tcp: Socket
  readonly #forget: (connection: OpenConnection) => void
  remote: string
  address: number | undefined
  tls: TLSSocket | undefined
  identity: Identity | undefined
  /** Its certname, as the shared table knows it, while it is counted there. */
  certname: number | undefined
  isOneTooMany = false
  isBusy = false
  /** When a request was begun last while it was idle. */
  requestedAtMs = 0
  /** Begins with the first request. */
  conversation: Conversation | undefined
  idleSinceMs: number

  /** `forget`: gives back what it was counted as; more than once is as good as once. */
  constructor(tcp: Socket, remote: string, nowMs: number, forget: (connection: OpenConnection) => void) {
    this.tcp = tcp
    this.remote = remote
    this.idleSinceMs = nowMs
    this.#forget = forget
  }

  get owed(): readonly Arrival[] {
    return this.conversation?.owed ?? []
  }

  /** Nobody has shown a good certificate on it, or one time too often, and it is idle. */
  get mayGo(): boolean {
    return !this.isBusy && (this.identity?.certname === undefined || this.isOneTooMany)
  }

  get busySinceMs(): number | undefined {
    return this.isBusy && this.identity?.certname === undefined ? this.requestedAtMs : undefined
  }

  destroy(): void {
    this.tcp.destroy()
  }

  destroySoon(): void {
    if (this.tls) this.tls.destroySoon()
    else this.tcp.destroy()
  }

  dismiss(): void {
    for (const { exchange } of this.owed) if (exchange) exchange.end ??= 'made-room'
    this.#forget(this)
    this.destroy()
  }
}
