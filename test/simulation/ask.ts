import { once } from 'node:events'
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request
} from 'node:http'
import { text } from 'node:stream/consumers'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { SimulatedMaster } from '../../src/simulation/simulated-master.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

export interface Question {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  readonly agent?: Agent
}

/** A request to a master over plain HTTP, on a connection of its own unless an agent is given. */
export async function ask(master: SimulatedMaster, path: string, question: Question = {}): Promise<Reply> {
  const [response] = (await once(begin(master, path, question), 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) }
}

/** The same, for tests that hang up or look at the stream. */
export function begin(master: SimulatedMaster, path: string, question: Question = {}): ClientRequest {
  const { method = 'GET', headers = {}, body, agent = false } = question
  const { hostname: host, port } = new URL(master.url)
  return request({ host, port, path, method, headers, agent }).end(body)
}

/** Identity headers as a balancer sends them for a verified agent. */
export function identityHeaders(
  certname: string,
  issued?: Pick<IssuedCertificate, 'cert'>
): OutgoingHttpHeaders {
  const certificate = issued ? { 'X-Client-Cert': encodeURIComponent(issued.cert) } : {}
  return { 'X-Client-Verify': 'SUCCESS', 'X-Client-DN': `CN=${certname}`, ...certificate }
}
