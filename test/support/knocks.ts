import { createConnection } from 'node:net'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { systemRuntime } from '../../src/model/runtime.ts'

/** How connects to a port went. `reset`: taken by the system, and closed before anybody said a byte. */
export interface Knocks {
  readonly tried: number
  readonly served: number
  readonly refused: number
  readonly reset: number
}

/** Between two connects of the same hand: they are there to be counted, not to be the load. */
const PAUSE_MS = 50

/** What an agent says first, byte by byte; it may be said again and again. */
export async function recordHello(servername = 'puppet'): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      resolve(chunk)
      done()
    }
  })
  const agent = connect({ socket: wire, servername }).on('error', () => {})
  const hello = await promise
  agent.destroy()
  return hello
}

/** Connects, says hello and goes as soon as somebody answers. `connected` hears that the system has taken it. */
export function knock(
  port: number,
  hello: Buffer,
  connected: () => void = () => {}
): Promise<'served' | 'refused' | 'reset'> {
  const { promise, resolve } = Promise.withResolvers<'served' | 'refused' | 'reset'>()
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true }, connected)
  socket.on('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code === 'ECONNREFUSED' ? 'refused' : 'reset')
  )
  socket.once('close', () => resolve('reset'))
  socket.once('data', () => {
    resolve('served')
    socket.destroy()
  })
  socket.write(hello)
  return promise
}

/** So many hands connect to a port without an end; the result stops them and tells how it went. */
export async function keepKnocking(port: number, hands: number): Promise<() => Promise<Knocks>> {
  const hello = await recordHello()
  const count = { tried: 0, served: 0, refused: 0, reset: 0 }
  let isOver = false
  const all = Array.from({ length: hands }, async () => {
    while (!isOver) {
      count.tried++
      count[await knock(port, hello)]++
      await new Promise<void>(resolve => void systemRuntime.schedule(PAUSE_MS, resolve))
    }
  })
  return async () => {
    isOver = true
    await Promise.all(all)
    return count
  }
}
