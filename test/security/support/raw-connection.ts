import { once } from 'node:events'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { IssuedCertificate } from '../../../src/demo/certificates.ts'
import type { TestPki } from '../../support/balancer.ts'

/** An answer as it came over the wire; header names in lower case. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A TLS connection on which a test writes what no HTTP client would. */
export interface RawConnection {
  readonly socket: TLSSocket
  readonly send: (bytes: string | Buffer) => void
  /** Resolves once a text has come that no `ask` has taken. */
  readonly has: (text: string) => Promise<void>
  /** Everything the balancer said until it closed the connection. */
  readonly untilClosed: () => Promise<string>
  /** Sends bytes and takes the first whole answer; rejects when the connection ends before. */
  readonly ask: (bytes: string | Buffer) => Promise<RawAnswer>
}

export async function connectRaw(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  identity?: Pick<IssuedCertificate, 'chain' | 'key'>,
  options: ConnectionOptions = {}
): Promise<RawConnection> {
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    ca: pki.authority.bundle,
    servername: 'puppet',
    ...(identity && { cert: identity.chain, key: identity.key }),
    ...options
  })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
    socket.emit('received')
  })
  // A connection that is cut under its hands is one of the things to be seen, by its close.
  socket.on('error', () => {})
  const closed = once(socket, 'close')

  async function take(): Promise<RawAnswer> {
    for (;;) {
      const answer = parseAnswer(received)
      if (answer) {
        received = received.slice(answer.length)
        return answer
      }
      if (socket.destroyed) throw new Error(`the connection ended after: ${received}`)
      await Promise.race([once(socket, 'received'), closed])
    }
  }

  return {
    socket,
    send: bytes => void socket.write(bytes),
    async has(text) {
      while (!received.includes(text)) await once(socket, 'received')
    },
    async untilClosed() {
      await closed
      return received
    },
    async ask(bytes) {
      socket.write(bytes)
      return take()
    }
  }
}

function parseAnswer(text: string): (RawAnswer & { length: number }) | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
  )
  const length = end + 4 + Number(headers.get('content-length') ?? 0)
  if (text.length < length) return undefined
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end + 4, length), length }
}
