import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type HandOver, type TakeoverRefusal, takeoverPath, takeoverProtocol } from '../model/takeover.ts'
import type { Guard, Refusal } from './auth.ts'

/** As much of what a stranger says of itself as may stand in a log. */
const MAX_VERSION = 40

/**
 * Lets another process of this balancer ask to take over, on a connection that is its own from then on. Who may is
 * decided as for every request that changes something.
 */
export function offerTakeover(
  server: Server,
  handOver: HandOver,
  {
    guard,
    asker,
    forget = () => {}
  }: {
    readonly guard?: Guard
    readonly asker: (request: IncomingMessage) => string
    /** It is no connection of HTTP any more. */
    readonly forget?: (socket: Duplex) => void
  }
): void {
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const refusal = guard?.(askedOf(request)) ?? mismatch(request)
    if (refusal) {
      refuse(socket, refusal)
      return
    }
    const { 'puppet-lb-pid': pid, 'puppet-lb-version': version } = request.headers
    const answer = handOver({
      asker: asker(request),
      pid: Number(pid) || 0,
      version: String(version ?? '').slice(0, MAX_VERSION)
    })
    if (typeof answer !== 'function') {
      refuse(socket, answer)
      return
    }
    forget(socket)
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${takeoverProtocol}\r\n\r\n`
    )
    if (head.length > 0) socket.unshift(head)
    answer(socket)
  })
}

function askedOf({ method = '', url = '', headers }: IncomingMessage): Parameters<Guard>[0] {
  const { host, authorization, 'x-puppet-lb': mark } = headers
  return { method, target: url, host, mark: typeof mark === 'string' ? mark : undefined, authorization }
}

/** Why it is no request for a takeover that this program understands. */
function mismatch({ method, url, headers }: IncomingMessage): TakeoverRefusal | undefined {
  if (url !== takeoverPath || method !== 'POST')
    return { status: 400, sentence: `Only POST ${takeoverPath} can be upgraded here.` }
  if (headers.upgrade === takeoverProtocol) return undefined
  return { status: 426, sentence: `This balancer hands over by ${takeoverProtocol} only.` }
}

function refuse(socket: Duplex, { status, sentence }: TakeoverRefusal | Refusal): void {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(sentence) + 1}`,
    ...(status === 426 ? [`Upgrade: ${takeoverProtocol}`] : [])
  ]
  // Node has let go of the connection: a client that keeps its side open would keep it for ever.
  socket.end(`${lines.join('\r\n')}\r\n\r\n${sentence}\n`, () => socket.destroy())
}
