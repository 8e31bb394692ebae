import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Exchange } from '../http/exchange.ts'

/** A request and the response to it. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly conversation: Conversation
  /** Its books, once it is served. */
  exchange: Exchange | undefined
  /** It broke off before its turn came, and is not to be served. */
  isAbandoned: boolean
}

/** What one connection has asked so far, and what it is owed for that. */
export interface Conversation {
  readonly socket: Socket
  /** The request that is served now. Those behind it wait. */
  current: Arrival | undefined
  /** The request that came last, until it and its answer are over: an idle connection keeps nothing of either. */
  readonly latest: Arrival | undefined
  /** Those whose answers are not over, in the order of their requests, which is the order they go out in. */
  readonly owed: readonly Arrival[]
  /** Nothing that comes behind is taken for a request: the connection ends with what it is owed. */
  isOver: boolean
}

/** The conversations on the agents' connections. */
export interface Conversations {
  /** Notes a request. `undefined`: it stands behind the last one that its connection may ask, and is not to be served. */
  readonly arrive: (request: IncomingMessage, response: ServerResponse) => Arrival | undefined
  readonly of: (socket: Socket) => Conversation
  /** Whether nothing was asked on it yet. */
  readonly isNew: (socket: Socket) => boolean
  /** Nothing more on this connection is taken for a request. */
  readonly end: (socket: Socket) => void
}

interface Open extends Conversation {
  latest: Arrival | undefined
  owed: Arrival[]
}

/** What idle connections owe, each of them. */
const nothing: Arrival[] = []

/**
 * `onOver` is called when an answer is over, however that comes about: the one place where its close is heard, for
 * all whom it concerns.
 */
export function createConversations(onOver: (arrival: Arrival) => void): Conversations {
  const conversations = new WeakMap<Socket, Open>()

  function of(socket: Socket): Open {
    const known = conversations.get(socket)
    if (known) return known
    const conversation: Open = { socket, current: undefined, latest: undefined, owed: nothing, isOver: false }
    conversations.set(socket, conversation)
    socket.on('end', onSideEnded)
    return conversation
  }

  /** One function for all connections: thousands of them have nothing to say at a time. */
  function onSideEnded(this: Socket): void {
    conversations.get(this)?.current?.exchange?.sideEnded()
  }

  function over(conversation: Open, arrival: Arrival): void {
    const at = conversation.owed.indexOf(arrival)
    if (at < 0) return
    if (conversation.owed.length === 1) conversation.owed = nothing
    else conversation.owed.splice(at, 1)
    if (arrival.request.complete && conversation.latest === arrival) conversation.latest = undefined
    onOver(arrival)
  }

  return {
    arrive(request, response) {
      const conversation = of(request.socket)
      if (conversation.isOver) return undefined
      const arrival: Arrival = { request, response, conversation, exchange: undefined, isAbandoned: false }
      conversation.latest = arrival
      if (conversation.owed === nothing) conversation.owed = [arrival]
      else conversation.owed.push(arrival)
      response.on('close', () => over(conversation, arrival))
      return arrival
    },
    of,
    isNew: socket => !conversations.has(socket),
    end(socket) {
      of(socket).isOver = true
    }
  }
}
