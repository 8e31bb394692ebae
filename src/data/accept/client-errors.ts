import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Bookkeeping } from '../http/exchange.ts'
import { LINGER_MS, phraseOf, sentenceOf } from '../http/respond.ts'
import type { Arrival, Conversations } from './conversation.ts'
import { faultOf } from './parser-fault.ts'

/** Bytes that are no request, or stop being one: there is no response object for these, only the socket. */
export interface ClientErrors {
  readonly onError: (error: NodeJS.ErrnoException, socket: Socket) => void
  /** A CONNECT. Node has let go of its connection: nothing on it is read any more. */
  readonly onTunnel: (request: IncomingMessage, socket: Socket) => void
}

export function createClientErrors(
  deps: Pick<Bookkeeping, 'metrics' | 'accessLog' | 'history'> & {
    readonly conversations: Conversations
    readonly remoteOf: (socket: Socket) => string | undefined
    readonly requestId: () => string
    readonly schedule: Runtime['schedule']
  }
): ClientErrors {
  const failed = new WeakSet<Socket>()

  /** The last words on a connection. To be said only when every answer before has gone out whole. */
  function say(socket: Socket, refusal: ProxyError, id: string): void {
    const body = sentenceOf(refusal, id)
    socket.end(
      `HTTP/1.1 ${refusal.status} ${phraseOf(refusal)}\r\nConnection: close\r\n` +
        `Content-Type: text/plain; charset=utf-8\r\nX-Puppet-LB-Reason: ${refusal.code}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
    // What the client still sends is read and dropped: a close over unread bytes would take the answer with it.
    const cancel = deps.schedule(LINGER_MS, () => socket.destroy())
    socket.once('close', cancel)
  }

  function note(socket: Socket, { status, code }: ProxyError, id: string): void {
    deps.metrics.requests.inc({ class: 'other', master: '', code: status })
    const remote = deps.remoteOf(socket)
    const summary = { remote, certname: undefined, class: 'other', queueMs: 0, durationMs: 0 } as const
    deps.history.open(id).summary = { ...summary, status, end: code }
    deps.accessLog({
      id,
      ...summary,
      method: '',
      path: '',
      master: '',
      attempts: 0,
      upstreamMs: 0,
      bytesIn: 0,
      bytesOut: 0,
      status,
      end: code
    })
  }

  /** Says it in the place of an answer that no exchange stands for. */
  function refuse(socket: Socket, reason: ReasonCode | undefined): void {
    if (reason === undefined || !socket.writable) {
      socket.destroy()
      return
    }
    const refusal = new ProxyError(reason)
    const id = deps.requestId()
    say(socket, refusal, id)
    note(socket, refusal, id)
  }

  /** The request that came last breaks off: no master may take it for whole. */
  function refuseBroken(socket: Socket, arrival: Arrival, reason: ReasonCode | undefined): void {
    const { response, exchange } = arrival
    const { owed } = arrival.conversation
    if (!owed.includes(arrival) || response.writableEnded) {
      // It has its answer and gets no other one; some of that may still be on its way.
      afterAnswer(arrival, () => socket.destroySoon())
      return
    }
    const refusal = new ProxyError(reason ?? 'internal')
    if (exchange) {
      exchange.end = refusal.code
      exchange.breakOff()
    } else arrival.isAbandoned = true
    afterAnswer(owed[owed.indexOf(arrival) - 1], () => {
      // Anything said behind an answer that has begun would be taken for a part of it.
      if (response.headersSent || !socket.writable) socket.destroy()
      else if (!exchange) refuse(socket, reason)
      else {
        exchange.status = refusal.status
        say(socket, refusal, exchange.id)
      }
    })
  }

  return {
    onError(error, socket) {
      const fault = faultOf(error.code)
      // Behind a last request bytes may come; the answer is on its way and ends the connection.
      if (fault.kind === 'behind-the-last' || failed.has(socket)) return
      failed.add(socket)
      deps.conversations.end(socket)
      if (fault.kind === 'gone' || !socket.writable) {
        socket.destroy()
        return
      }
      const { latest, owed } = deps.conversations.of(socket)
      if (latest && !latest.request.complete) refuseBroken(socket, latest, fault.reason)
      else afterAnswer(owed.at(-1), () => refuse(socket, fault.reason))
    },
    onTunnel(_request, socket) {
      socket.on('error', () => {})
      const { owed } = deps.conversations.of(socket)
      deps.conversations.end(socket)
      if (owed.length === 0) {
        socket.resume()
        refuse(socket, 'bad-method')
        return
      }
      // Nobody tells these answers any more when there is room for them, nor when the connection is gone.
      for (const { response } of owed.toReversed()) response.destroy()
      socket.destroy()
    }
  }
}

/** Runs `task` when that answer, and with it all before it, has gone out or never will. */
function afterAnswer(arrival: Arrival | undefined, task: () => void): void {
  const response = arrival?.response
  if (!response || response.closed || response.writableFinished) task()
  else response.once('close', task)
}
