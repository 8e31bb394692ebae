import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { materialIn } from './material.ts'
import { metadata, type Witness, witnessPath } from './messages.ts'
import { schemes } from './peers/site.ts'
import { type BackendPorts, backendPorts } from './ports.ts'

/** A catalog of an ordinary node. */
const catalog = Buffer.alloc(65_536, 'c')
const nothing = Buffer.alloc(0)
const status = Buffer.from('running')

/** Idle longer than any pause of the benchmark, so that no proxy has to connect anew more often than the others. */
const IDLE_MS = 300_000

// A process of its own: the masters' work must count for nobody. Its argument is the directory of certificates.
await listenAll(process.argv[2] as string)

/** Three masters and a CA master, by http and by https, all in this process; tells its parent once they listen. */
async function listenAll(directory: string): Promise<void> {
  const { serverCert, serverKey } = materialIn(directory)
  const tls = { cert: readFileSync(serverCert), key: readFileSync(serverKey) }
  const servers = schemes.flatMap(scheme =>
    portsOf(backendPorts[scheme]).map(port => {
      const options = { keepAliveTimeout: IDLE_MS }
      const server =
        scheme === 'http' ? createServer(options, serve) : createTlsServer({ ...options, ...tls }, serve)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.on('error', reject)
      server.listen(port, '127.0.0.1', resolve)
      return promise
    })
  )
  await Promise.all(servers)
  process.on('disconnect', () => process.exit())
  process.send?.('listening')
}

function portsOf({ masters, ca }: BackendPorts): number[] {
  return [...masters, ca]
}

/** Answers when the whole request is there, as Puppet Server does. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    answer(request, response)
    return
  }
  request.on('end', () => answer(request, response))
  request.resume()
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const body = bodyFor(request)
  response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(body.length)])
  response.end(body)
}

function bodyFor(request: IncomingMessage): Buffer {
  const url = request.url as string
  if (request.method === 'POST') return catalog
  if (request.method === 'PUT') return nothing
  if (url.startsWith('/status/')) return status
  if (!url.startsWith(witnessPath) && !url.startsWith('/puppet-ca/')) return metadata
  const { port } = request.socket.address() as AddressInfo
  return Buffer.from(JSON.stringify({ port, rawHeaders: request.rawHeaders } satisfies Witness))
}
