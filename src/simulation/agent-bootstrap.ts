import { once } from 'node:events'
import { connect } from 'node:tls'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import {
  type AgentAnswer,
  type AgentConnectionOptions,
  type AgentQuestion,
  type AgentRequestResult,
  createAgentClient
} from './agent-client.ts'
import { caPath } from './agent-paths.ts'
import { AgentRequestError } from './agent-request-error.ts'
import { createCertificateRequest } from './certificate-request.ts'
import { generateKeyPair, type KeyType } from './key-pair.ts'
import { pause } from './pause.ts'
import type { TrustedExtensions } from './puppet-extensions.ts'

/** The first contact of an agent that has neither certificate nor CA bundle. */
export interface BootstrapOptions
  extends Omit<AgentConnectionOptions, 'runtime' | 'ca' | 'crl' | 'insecure' | 'identity'> {
  readonly certname: string
  /** Default `production`; only agents before Puppet 4 say it. */
  readonly environment?: string
  /** Default `ec`, which is fast; agents make `rsa4096` by default. */
  readonly keyType?: KeyType
  /** Trusted facts to ask for, as in `csr_attributes.yaml`. */
  readonly extensions?: TrustedExtensions
  /** Pause before the certificate is asked for again. Default 2 minutes, as `waitforcert`. */
  readonly waitForCertMs?: number
  /** How often it is asked for. Default 10. */
  readonly maxAttempts?: number
  readonly runtime?: Runtime
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
 * its own and all without a client certificate. Rejects with an `AgentRequestError` when the CA refuses, or has
 * not signed after the last attempt.
 */
export async function bootstrapAgent(options: BootstrapOptions): Promise<Enrolment> {
  const { certname, keyType = 'ec', extensions = {}, maxAttempts = 10, waitForCertMs = 120_000 } = options
  const { runtime = systemRuntime, version = '8.10.0', environment = 'production' } = options
  const requests: AgentRequestResult[] = []
  const path = (resource: string, key: string) => caPath(version, environment, resource, key)
  const get = (resource: string, key: string): AgentQuestion => {
    return { method: 'GET', path: path(resource, key), headers: { Accept: 'text/plain' } }
  }

  const stage = async <T>(trust: Trust, walk: (ask: Ask) => Promise<T>): Promise<T> => {
    const client = createAgentClient({ ...options, ...trust, runtime })
    const ask = async (question: AgentQuestion, allowed: readonly number[] = []) => {
      const answer = await client.ask(question)
      if (answer.status === 200 || allowed.includes(answer.status)) return answer
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
  const ca = await stage({ insecure: true }, async ask => (await ask(get('certificate', 'ca'))).text)
  const crl = await stage({ ca }, async ask => (await ask(get('certificate_revocation_list', 'ca'))).text)
  const keys = await generateKeyPair(keyType)
  const cert = await stage({ ca, crl }, async ask => {
    const headers = { 'Content-Type': 'text/plain', Accept: 'text/plain' }
    const body = await createCertificateRequest({ certname, extensions }, keys)
    // Agents take a 400 for a request that is already there, and go on.
    await ask({ method: 'PUT', path: path('certificate_request', certname), headers, body }, [400])
    const question = get('certificate', certname)
    for (let attempt = 1; ; attempt++) {
      const answer = await ask(question, attempt < maxAttempts ? [404] : [])
      if (answer.status === 200) return answer.text
      await pause(waitForCertMs, runtime, options.signal)
    }
  })
  return { identity: { cert, key: keys.pem }, ca, crl, requests }
}

type Trust = Pick<AgentConnectionOptions, 'ca' | 'crl' | 'insecure'>
type Ask = (question: AgentQuestion, allowed?: readonly number[]) => Promise<AgentAnswer>

/** Agents open a connection to see that the server is there, and throw an unverified one away unused. */
async function connectInVain({ host, port, servername = host }: BootstrapOptions): Promise<void> {
  const socket = connect({ host, port, servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.destroy()
}
