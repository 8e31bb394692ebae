import { createConnection, type Socket } from 'node:net'
import { pour } from './tcp-bytes.ts'
import { arrived, sends, type TcpOrder, type TcpReply, wants } from './tcp-messages.ts'

/** Resolves once all bytes of a connection have arrived where they were to go. */
function pass({ port, direction, bytes }: TcpOrder): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket: Socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
  const expected = direction === 'down' ? bytes : arrived.length
  let received = 0
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  socket.on('error', reject)
  socket.once('end', () => {
    socket.end()
    if (received === expected) resolve()
    else reject(new Error(`${received} bytes came in place of ${expected}`))
  })
  if (direction === 'down') socket.write(wants(bytes))
  else {
    socket.write(sends)
    pour(socket, bytes)
  }
  return promise
}

process.on('message', async (order: TcpOrder) => {
  const reply = (answer: TcpReply) => process.send?.(answer)
  const startedAtMs = performance.now()
  try {
    await Promise.all(Array.from({ length: order.connections }, () => pass(order)))
    reply({ done: true, seconds: (performance.now() - startedAtMs) / 1000 })
  } catch (error) {
    reply({ done: false, why: (error as Error).message })
  }
})
process.once('disconnect', () => process.exit())
