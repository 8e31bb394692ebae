import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Authority, IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { SimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { identityHeaders } from './ask.ts'

/** What stands between agents and a master here: TLS ends at it, and it tells the master who asks. */
export interface Front {
  readonly port: number
  /** Common name in the certificate of each connection, oldest first; `undefined` where none was shown. */
  readonly connections: readonly (string | undefined)[]
}

/** How to treat a request: as the next master's, or otherwise than by forwarding it. */
export type Treatment = SimulatedMaster | ((request: IncomingMessage, response: ServerResponse) => void)

/** Starts one; `treat` says what becomes of each request. */
export async function startFront(
  t: { teardown: (task: () => unknown) => void },
  { authority, server }: { readonly authority: Authority; readonly server: IssuedCertificate },
  treat: (request: IncomingMessage) => Treatment
): Promise<Front> {
  const connections: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  const tls = { cert: server.chain, key: server.key, ca: authority.bundle, requestCert: true }
  const front = createServer({ ...tls, rejectUnauthorized: false }, (asked, response) => {
    const treatment = treat(asked)
    if (typeof treatment === 'function') treatment(asked, response)
    else forward(asked, response, treatment)
  })
  front.on('secureConnection', (socket: TLSSocket) => {
    const name = socket.getPeerX509Certificate()?.toLegacyObject().subject.CN
    sockets.add(socket)
    if (name !== undefined && !socket.authorized) socket.destroy()
    else connections.push(name?.toString())
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  t.teardown(() => {
    front.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (front.address() as AddressInfo).port, connections }
}

function forward(asked: IncomingMessage, response: ServerResponse, { port }: SimulatedMaster): void {
  const certificate = (asked.socket as TLSSocket).getPeerX509Certificate()
  const name = certificate?.toLegacyObject().subject.CN?.toString()
  const identity = name && certificate ? identityHeaders(name, { cert: certificate.toString() }) : {}
  const { method, url: path, headers } = asked
  const onward = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...identity } })
  onward.on('response', answer => {
    response.writeHead(answer.statusCode ?? 0, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  asked.pipe(onward)
}
