import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** Listens with the shortest queue there is, and then takes nobody out of it. */
const listener = `
const { createServer } = require('node:net')
const { parentPort, workerData } = require('node:worker_threads')
const server = createServer(() => {})
server.listen({ ...workerData, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

/** A port of an address of loopback to which connections neither come about nor fail. */
export async function startBlackHole(
  t: { teardown: (task: () => unknown) => void },
  host: string,
  port = 0
): Promise<number> {
  const worker = new Worker(listener, { eval: true, workerData: { host, port } })
  const [listening] = (await once(worker, 'message')) as [number]
  const sockets: Socket[] = []
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await worker.terminate()
  })
  // Whoever finds room in the queue is connected as far as it can tell.
  for (let left = FILLING; left > 0; left--) {
    sockets.push(connect({ host, port: listening }).on('error', () => {}))
  }
  await once(sockets[0] as Socket, 'connect')
  return listening
}

/** More than the queue has room for. */
const FILLING = 8
