import type { Socket } from 'node:net'
import type { Runtime } from '../../model/runtime.ts'
import { type ProxyFault, type ProxyHeader, readProxyHeader } from './proxy-protocol.ts'

/** Why there is no header that can be gone by. `timeout`: it was not whole in time. */
export type HeaderFault = ProxyFault | 'timeout'

/**
 * Reads the header of the PROXY protocol off a new connection and leaves what comes behind it on the socket. `done` is
 * called once, or never when the connection ends before.
 */
export function readHeader(
  socket: Socket,
  { schedule, timeoutMs }: Pick<Runtime, 'schedule'> & { readonly timeoutMs: number },
  done: (read: ProxyHeader | HeaderFault) => void
): void {
  let bytes: Buffer = Buffer.alloc(0)
  const cancel = schedule(timeoutMs, () => {
    stop()
    done('timeout')
  })
  const stop = () => {
    cancel()
    socket.off('readable', read)
    socket.off('end', give)
    socket.off('close', stop)
  }
  function read(): void {
    const chunk: Buffer | null = socket.read()
    if (!chunk) return
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const reading = readProxyHeader(bytes)
    if (reading.kind === 'more') return
    stop()
    if (reading.kind === 'fault') {
      done(reading.fault)
      return
    }
    if (bytes.length > reading.length) socket.unshift(bytes.subarray(reading.length))
    done(reading)
  }
  // Half a goodbye is one: there is nothing to be said to somebody who has said nothing.
  const give = () => socket.destroy()
  socket.on('readable', read)
  socket.once('end', give)
  socket.once('close', stop)
  // Whoever takes the socket over hears of its end; until then there is nothing to say about one.
  socket.on('error', () => {})
}
