import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { startTcpMaster } from '../support/tcp-master.ts'
import { materialIn } from './material.ts'
import { pour } from './tcp-bytes.ts'
import { arrived, type TcpPlaces, wants } from './tcp-messages.ts'

/** Gives or takes what its agent says; the word is there already. */
function serve(socket: Socket): void {
  const first: Buffer = socket.read()
  const [, bytes] = /^give (\d+)\n/.exec(first.toString('latin1', 0, wants(2 ** 53).length)) ?? []
  if (bytes !== undefined) {
    socket.resume()
    pour(socket, Number(bytes))
    return
  }
  socket.resume().once('end', () => socket.end(arrived))
}

// A master behind raw TCP, for as long as its parent lives.
const material = materialIn(process.argv[2] as string)
const read = (file: string) => readFileSync(file, 'utf8')
const tls = { chain: read(material.serverCert), key: read(material.serverKey) }
const untilTheEnd = { teardown: () => {} }
const { port } = await startTcpMaster(untilTheEnd, tls, serve)
const ca = createServer((_request, response) => response.end('running')).listen(0, '127.0.0.1')
await once(ca, 'listening')
const places: TcpPlaces = { port, caPort: (ca.address() as AddressInfo).port }
process.send?.(places)
process.once('disconnect', () => process.exit())
