import { connect, type EphemeralKeyInfo, type SecureContext, type TLSSocket } from 'node:tls'
import { serverName } from './material.ts'

/** An answer, as far as a load generator cares. */
export interface Answer {
  readonly status: number
  readonly body: Buffer
}

/** A TLS connection of an agent: one request after the other, kept alive, never resumed from an earlier one. */
export interface AgentConnection {
  /** Such as `TLSv1.3 TLS_AES_256_GCM_SHA384 X25519`. */
  readonly handshake: string
  /** Sends one request. Rejects when the answer is not framed by a length, or the connection ends before it. */
  readonly ask: (request: Buffer) => Promise<Answer>
  /** Resolves when both sides have closed. */
  readonly close: () => Promise<void>
}

/** Connects to a proxy on this machine; resolves after the handshake. */
export async function openConnection(port: number, secureContext: SecureContext): Promise<AgentConnection> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect({ host: '127.0.0.1', port, servername: serverName, secureContext }, resolve)
  socket.on('error', reject)
  socket.setNoDelay(true)
  await promise
  return new Connection(socket)
}

const headEnd = Buffer.from('\r\n\r\n')
const contentLength = /\r\ncontent-length: *(\d+)/i

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** A parser of its own, because it must cost less than the fastest proxy. */
class Connection implements AgentConnection {
  readonly handshake: string
  readonly #socket: TLSSocket
  readonly #closed = Promise.withResolvers<void>()
  #waiting: Waiting | undefined
  #error: Error | undefined
  #received: Buffer[] = []
  #size = 0
  /** Of head and body together; 0 until the head is there. */
  #wanted = 0
  #bodyAt = 0
  #status = 0

  constructor(socket: TLSSocket) {
    this.#socket = socket
    const { name } = socket.getEphemeralKeyInfo() as EphemeralKeyInfo & { readonly name?: string }
    this.handshake = `${socket.getProtocol()} ${socket.getCipher().name} ${name}`
    socket.on('data', chunk => this.#onData(chunk))
    socket.on('error', error => {
      this.#error = error
    })
    socket.on('end', () => this.#waiting?.reject(new Error('the proxy closed the connection')))
    socket.on('close', () => {
      this.#waiting?.reject(this.#error ?? new Error('the connection closed'))
      this.#closed.resolve()
    })
  }

  ask(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (!this.#socket.writable) {
        reject(this.#error ?? new Error('the proxy closed a connection that was to be kept alive'))
        return
      }
      this.#waiting = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): Promise<void> {
    this.#socket.end()
    return this.#closed.promise
  }

  #onData(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#size += chunk.length
    if (this.#wanted === 0) this.#readHead()
    if (this.#wanted === 0 || this.#size < this.#wanted) return
    const waiting = this.#waiting
    const body = this.#take().subarray(this.#bodyAt)
    const isExact = this.#size === this.#wanted
    this.#received = []
    this.#size = 0
    this.#wanted = 0
    this.#waiting = undefined
    if (isExact && waiting) waiting.resolve({ status: this.#status, body })
    else this.#socket.destroy(new Error('more bytes came than the answer has'))
  }

  #readHead(): void {
    const bytes = this.#take()
    const end = bytes.indexOf(headEnd)
    if (end < 0) return
    const head = bytes.toString('latin1', 0, end)
    const length = contentLength.exec(head)?.[1]
    if (length === undefined) {
      this.#socket.destroy(new Error(`an answer without Content-Length: ${head}`))
      return
    }
    this.#status = Number(head.slice(9, 12))
    this.#bodyAt = end + headEnd.length
    this.#wanted = this.#bodyAt + Number(length)
  }

  /** What has come so far, in one piece. */
  #take(): Buffer {
    const bytes = this.#received.length === 1 ? (this.#received[0] as Buffer) : Buffer.concat(this.#received)
    this.#received = [bytes]
    return bytes
  }
}
