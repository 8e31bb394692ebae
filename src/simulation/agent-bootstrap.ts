import { once } from 'node:events'
import { connect } from 'node:tls'
import type { KeyPair } from '../pki/key-pair.ts'
import {
  type AgentAnswer,
  type AgentConnectionOptions,
  type AgentQuestion,
  type AgentRequestResult,
  createAgentClient
} from './agent-client.ts'
import { AgentRequestError } from './agent-request-error.ts'
import { createCertificateRequest } from './certificate-request.ts'
import type { TrustedExtensions } from './puppet-extensions.ts'

/** The first contact of an agent that has neither certificate nor CA bundle. */
export interface BootstrapOptions extends Omit<AgentConnectionOptions, 'ca' | 'crl' | 'identity'> {
  readonly certname: string
  /** The agent's own keys: the same ones at every try, as a CA signs one request for a certname. */
  readonly keys: KeyPair
  /** Trusted facts to ask for, as in `csr_attributes.yaml`. */
  readonly extensions: TrustedExtensions
}

/** What an agent has after its bootstrap, PEM. */
export interface Enrolment {
  readonly identity: { readonly cert: string; readonly key: string }
  readonly ca: string
  readonly crl: string
  readonly requests: readonly AgentRequestResult[]
}

/**
 * CA bundle over unverified TLS, revocation lists, signing request, certificate, each stage on connections of
 * its own and all without a client certificate. Rejects with an `AgentRequestError` when the CA refuses or does
 * not sign at once.
 */
export async function bootstrapAgent(options: BootstrapOptions): Promise<Enrolment> {
  const { certname, keys, extensions, ...connection } = options
  const requests: AgentRequestResult[] = []

  const stage = async <T>(trust: Trust, walk: (ask: Ask) => Promise<T>): Promise<T> => {
    const client = createAgentClient({ ...connection, ...trust })
    const ask = async (question: AgentQuestion, allowed?: number) => {
      const answer = await client.ask(question)
      if (answer.status === 200 || answer.status === allowed) return answer
      throw new AgentRequestError(question, answer.status, answer.text)
    }
    try {
      return await walk(ask)
    } finally {
      requests.push(...client.results)
      client.close()
    }
  }

  await connectInVain(options)
  const ca = await stage({}, async ask => (await ask(get('certificate/ca'))).text)
  const crl = await stage({ ca }, async ask => (await ask(get('certificate_revocation_list/ca'))).text)
  const cert = await stage({ ca, crl }, async ask => {
    const headers = { 'Content-Type': 'text/plain', Accept: 'text/plain' }
    const body = await createCertificateRequest({ certname, extensions }, keys)
    // Agents take a 400 for a request that is already there, and go on.
    await ask({ method: 'PUT', path: `${ca1}/certificate_request/${certname}`, headers, body }, 400)
    return (await ask(get(`certificate/${certname}`))).text
  })
  return { identity: { cert, key: keys.pem }, ca, crl, requests }
}

type Trust = Pick<AgentConnectionOptions, 'ca' | 'crl'>
type Ask = (question: AgentQuestion, allowed?: number) => Promise<AgentAnswer>

const ca1 = '/puppet-ca/v1'

function get(document: string): AgentQuestion {
  return { method: 'GET', path: `${ca1}/${document}`, headers: { Accept: 'text/plain' } }
}

/** Agents open a connection to see that the server is there, and throw an unverified one away unused. */
async function connectInVain({ host, port, servername }: BootstrapOptions): Promise<void> {
  const socket = connect({ host, port, servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.destroy()
}
