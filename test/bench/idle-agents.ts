import { createConnection } from 'node:net'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { IdleOrder, IdleReply } from './idle-messages.ts'

/** At the same time: enough to keep a server busy, few enough that no handshake comes near its time limit. */
const HANDSHAKES = 16
/** Sources that connections come from in turn, all on loopback. */
const SOURCES = 8

const request = Buffer.from('GET /status/v1/simple HTTP/1.1\r\nHost: puppet\r\n\r\n')
const open = new Set<TLSSocket>()

/** One connection of an agent: a handshake, one request and its answer, and then silence. */
function rest(port: number, index: number, secureContext: SecureContext): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const from = createConnection({
    host: '127.0.0.1',
    localAddress: `127.0.0.${1 + (index % SOURCES)}`,
    port
  })
  const socket = connect({ socket: from, servername: 'puppet', secureContext })
  open.add(socket)
  socket.once('secureConnect', () => socket.write(request))
  socket.once('data', () => resolve())
  socket.on('error', reject)
  socket.once('close', () => {
    open.delete(socket)
    reject(new Error('a connection was closed under the hands of its agent'))
  })
  return promise
}

async function openAll({ port, count, ca, agents }: IdleOrder & { readonly type: 'open' }): Promise<void> {
  const contexts = agents.map(({ cert, key }) => createSecureContext({ ca, cert, key }))
  let next = 0
  async function work(): Promise<void> {
    while (next < count) {
      const index = next++
      await rest(port, index, contexts[index % contexts.length] as SecureContext)
    }
  }
  await Promise.all(Array.from({ length: HANDSHAKES }, work))
}

async function closeAll(): Promise<void> {
  const closed = [...open].map(socket => new Promise(resolve => socket.once('close', resolve)))
  for (const socket of open) socket.destroy()
  await Promise.all(closed)
}

process.on('message', async (order: IdleOrder) => {
  const reply = (answer: IdleReply) => process.send?.(answer)
  try {
    await (order.type === 'open' ? openAll(order) : closeAll())
    reply({ done: true })
  } catch (error) {
    reply({ done: false, why: (error as Error).message })
  }
})
