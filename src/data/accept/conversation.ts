import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from '../http/exchange.ts'

/** A request and the response to it. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Its books, once it is served. */
  exchange?: Exchange
}

/** What one connection has asked so far, and what it is owed for that. */
export interface Conversation {
  /** The request that came last, until it and its answer are over: an idle connection keeps nothing of either. */
  readonly latest: Arrival | undefined
  /** The answers that are not over, in the order of their requests, which is the order they go out in. */
  readonly owed: ReadonlySet<ServerResponse>
  /** Nothing that comes behind is taken for a request: the connection ends with what it is owed. */
  readonly isOver: boolean
}

/** The conversations on the agents' connections. */
export interface Conversations {
  /** Notes a request. `false`: it stands behind the last one that its connection may ask, and is not to be served. */
  readonly arrive: (request: IncomingMessage, response: ServerResponse) => boolean
  readonly of: (socket: Socket) => Conversation
  /** Whether nothing was asked on it yet. */
  readonly isNew: (socket: Socket) => boolean
  /** Nothing more on this connection is taken for a request. */
  readonly end: (socket: Socket) => void
  /** A request that broke off before its turn came is not to be served. */
  readonly abandon: (request: IncomingMessage) => void
  readonly isAbandoned: (request: IncomingMessage) => boolean
}

interface Open extends Conversation {
  latest: Arrival | undefined
  readonly owed: Set<ServerResponse>
  isOver: boolean
}

export function createConversations(): Conversations {
  const conversations = new WeakMap<Socket, Open>()
  const abandoned = new WeakSet<IncomingMessage>()

  function of(socket: Socket): Open {
    const known = conversations.get(socket)
    if (known) return known
    const conversation: Open = { latest: undefined, owed: new Set(), isOver: false }
    conversations.set(socket, conversation)
    return conversation
  }

  return {
    arrive(request, response) {
      const conversation = of(request.socket)
      if (conversation.isOver) return false
      conversation.latest = { request, response }
      conversation.owed.add(response)
      response.once('close', () => {
        conversation.owed.delete(response)
        if (request.complete && conversation.latest?.request === request) conversation.latest = undefined
      })
      return true
    },
    of,
    isNew: socket => !conversations.has(socket),
    end(socket) {
      of(socket).isOver = true
    },
    abandon: request => void abandoned.add(request),
    isAbandoned: request => abandoned.has(request)
  }
}
