import type { Socket } from 'node:net'
import { ProxyError, type ReasonCode } from '../../model/errors.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Bookkeeping, Exchange } from '../http/exchange.ts'
import { LINGER_MS, sentenceOf } from '../http/respond.ts'

/** Bytes that are no request, or stop being one: there is no response object for these, only the socket. */
export interface ClientErrors {
  /** To be called with every request: the answer its connection owes from then on. */
  readonly onRequest: (exchange: Exchange) => void
  readonly onError: (error: NodeJS.ErrnoException, socket: Socket) => void
}

/** What HTTP has a word for; resets and errors of TLS leave nobody who would read an answer. */
function reasonOf(code = ''): ReasonCode | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-timeout'
  // The connection ended in the middle of a request: that is an agent that hung up.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code.startsWith('HPE_') ? 'bad-request' : undefined
}

export function createClientErrors(
  deps: Pick<Bookkeeping, 'metrics' | 'accessLog' | 'history'> & {
    readonly requestId: () => string
    readonly schedule: Runtime['schedule']
  }
): ClientErrors {
  const latest = new WeakMap<Socket, Exchange>()
  const answered = new WeakSet<Socket>()

  function answer(socket: Socket, refusal: ProxyError, id: string): void {
    const body = sentenceOf(refusal, id)
    socket.end(
      `HTTP/1.1 ${refusal.status} ${refusal.code}\r\nConnection: close\r\n` +
        `Content-Type: text/plain; charset=utf-8\r\nX-Puppet-LB-Reason: ${refusal.code}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
    // What the client still sends is read and dropped: a close over unread bytes would take the answer with it.
    const cancel = deps.schedule(LINGER_MS, () => socket.destroy())
    socket.once('close', cancel)
  }

  function note(socket: Socket, refusal: ProxyError, id: string): void {
    deps.metrics.requests.inc({ class: 'other', master: '', code: refusal.status })
    const remote = socket.remoteAddress
    const summary = { remote, certname: undefined, class: 'other', queueMs: 0, durationMs: 0 } as const
    const { status, code } = refusal
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

  return {
    onRequest(exchange) {
      latest.set(exchange.request.socket, exchange)
    },
    onError(error, socket) {
      if (answered.has(socket)) return
      const reason = reasonOf(error.code)
      if (reason === undefined || !socket.writable) {
        socket.destroy()
        return
      }
      answered.add(socket)
      const refusal = new ProxyError(reason)
      const exchange = latest.get(socket)
      if (!exchange || exchange.response.writableFinished) {
        const id = deps.requestId()
        answer(socket, refusal, id)
        note(socket, refusal, id)
        return
      }
      exchange.end = refusal.code
      if (exchange.response.headersSent) {
        // Anything said now would be taken for a part of the answer that has begun.
        socket.destroy()
        return
      }
      exchange.status = refusal.status
      answer(socket, refusal, exchange.id)
    }
  }
}
