import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import type { TestPki } from './balancer.ts'

/** An answer as an agent gets it. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly bytes: Buffer
}

export interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: OutgoingHttpHeaders | readonly string[]
  readonly body?: string | Buffer | Readable
}

/** One keep-alive connection of an agent to the balancer, verified as an agent does: for requests one by one. */
export interface TestAgent {
  readonly ask: (question: Question) => Promise<Answer>
  /** A request under way, for tests that hang up in the middle. */
  readonly open: (question: Question) => import('node:http').ClientRequest
  readonly close: () => void
}

export function connectAgent(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  identity?: Pick<IssuedCertificate, 'chain' | 'key'>,
  tls: https.AgentOptions = {}
): TestAgent {
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: 1,
    maxCachedSessions: 0,
    ca: pki.authority.bundle,
    servername: 'puppet',
    ...(identity && { cert: identity.chain, key: identity.key }),
    ...tls
  })
  t.teardown(() => agent.destroy())

  function open({ method = 'GET', path, headers = {}, body }: Question) {
    const request = https.request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent,
      headers: headers as OutgoingHttpHeaders
    })
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) request.end(body)
    else body.pipe(request)
    return request
  }

  return {
    open,
    async ask(question) {
      const [response] = (await once(open(question), 'response')) as [IncomingMessage]
      const bytes = await buffer(response)
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: bytes.toString(),
        bytes
      }
    },
    close: () => agent.destroy()
  }
}
