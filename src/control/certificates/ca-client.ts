import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { Agent, type buildConnector, request } from 'undici'
import { type Runtime, systemRuntime } from '../../model/runtime.ts'
import { identityHeaders } from '../../puppet/identity.ts'
import { causeOf } from '../../upstream/cause.ts'
import { createConnector } from '../../upstream/connector.ts'
import { createRoute } from '../../upstream/route.ts'
import { hostOf } from '../sources/question.ts'
import { createAskDns } from '../sources/resolver.ts'

const API = '/puppet-ca/v1'
const CONNECT_TIMEOUT_MS = 10_000
/** A CA that signs by a script takes its time. */
const ANSWER_TIMEOUT_MS = 60_000
/** From the begin of the connection to the last byte, however steadily they come. */
const WHOLE_TIMEOUT_MS = 2 * 60_000
const WHOLE_LIST_TIMEOUT_MS = 10 * 60_000
/** A list of a million entries with reasons is a third of this. */
const MAX_LIST_BYTES = 256 * 1024 * 1024
const MAX_BYTES = 1024 * 1024

/** How the CA is reached. All PEM. */
export interface CaReach {
  /** Origin: `https://host:port`, or `http://host:port` on a private net. */
  readonly url: string
  /** What its certificate must chain to; `undefined`: it is not looked at, and nothing it says is believed. */
  readonly ca: string | undefined
  /** Where `ca` comes from, for sentences: a file, or the key of the configuration that it is by default. */
  readonly caFrom?: string | undefined
  /** Shown to a CA that asks for one. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined
  /** The name in its certificate, where that is not the host of the URL. */
  readonly serverName?: string | undefined
  /** Where it is by now, as whoever looks names up knows it. Left out: it is looked up for each request. */
  readonly addresses?: (() => readonly string[]) | undefined
}

/** What the CA answered. */
export interface CaAnswer {
  readonly status: number
  readonly text: string
  /** Its `Content-Type`, as it came. */
  readonly type?: string | undefined
}

/** The CA as somebody who wants a certificate sees it (Puppet's HTTP API, `puppet-ca/v1`). */
export interface CaClient {
  readonly get: (document: CaDocument, name: string) => Promise<CaAnswer>
  readonly submit: (name: string, signingRequest: string) => Promise<CaAnswer>
  /** Asks for a new certificate of the same key (Puppet Server 8.1 and later). */
  readonly renew: (certificate: OwnCertificate) => Promise<CaAnswer>
}

export type CaDocument = 'certificate' | 'certificate_request' | 'certificate_revocation_list'

/** Who asks, by a certificate of this CA. */
export interface OwnCertificate {
  /** PEM, and with it the intermediates above it. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  /** The leaf alone, PEM. */
  readonly leaf: string
  readonly name: string
}

/** The CA was not reached, or gave no answer. */
export class CaAwayError extends Error {
  override readonly name = 'CaAwayError'
}

/**
 * A client of the CA. Every request has a connection of its own: there are few, minutes apart, and one that was kept might be
 * closed by then. The CA is not told so: Jetty would end an answer by closing the connection (RFC 9112, section 6.3), and one
 * that is reset or ends without a word of TLS is no whole answer.
 */
export function createCaClient(reach: CaReach, runtime: Pick<Runtime, 'schedule'> = systemRuntime): CaClient {
  async function ask(
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    { body, headers = {}, identity, maxBytes = MAX_BYTES, timeoutMs = WHOLE_TIMEOUT_MS }: Asking = {}
  ): Promise<CaAnswer> {
    let dispatcher: Agent | undefined
    let isLate = false
    const cancel = runtime.schedule(timeoutMs, () => {
      isLate = true
      void dispatcher?.destroy()
    })
    try {
      dispatcher = new Agent({
        connect: connectorTo(reach, await addressesOf(reach), identity),
        headersTimeout: ANSWER_TIMEOUT_MS,
        bodyTimeout: ANSWER_TIMEOUT_MS,
        maxResponseSize: maxBytes
      })
      const answer = await request(`${reach.url}${API}${path}`, {
        dispatcher,
        method,
        headers: { accept: 'text/plain', ...headers },
        ...(body !== undefined && { body })
      })
      const type = String(answer.headers['content-type'] ?? '')
      return { status: answer.statusCode, text: await answer.body.text(), type }
    } catch (error) {
      const why = isLate ? `its answer took more than ${timeoutMs / 60_000} minutes` : whyAway(error, reach)
      throw new CaAwayError(`the CA at ${reach.url} cannot be asked: ${why}`, { cause: error })
    } finally {
      cancel()
      void dispatcher?.destroy()
    }
  }

  return {
    get: (document, name) =>
      ask('GET', `/${document}/${encodeURIComponent(name)}`, {
        ...(document === 'certificate_revocation_list' && {
          maxBytes: MAX_LIST_BYTES,
          timeoutMs: WHOLE_LIST_TIMEOUT_MS
        })
      }),
    submit: (name, body) =>
      ask('PUT', `/certificate_request/${encodeURIComponent(name)}`, {
        body,
        headers: { 'content-type': 'text/plain' }
      }),
    renew: own =>
      ask('POST', '/certificate_renewal', {
        body: '',
        // To a CA that takes identity from headers these say who asks, to any other the handshake does.
        headers: { 'content-type': 'text/plain', ...headersOf(own) },
        identity: own
      })
  }
}

interface Asking {
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly identity?: OwnCertificate
  readonly maxBytes?: number
  readonly timeoutMs?: number
}

/** The addresses of the CA, of both families. */
async function addressesOf({ url, addresses }: CaReach): Promise<readonly string[]> {
  if (addresses) return addresses()
  const name = hostOf(url)
  if (isIP(name)) return [name]
  const found = await createAskDns().ask({ kind: 'host', name, servers: [], refreshMs: 0 }, [])
  return 'addresses' in found ? found.addresses : []
}

/** One that tries an address beside another that does not answer, and waits for one that is far away. */
function connectorTo(
  { ca, client, serverName }: CaReach,
  addresses: readonly string[],
  identity: OwnCertificate | undefined
): buildConnector.connector {
  // A CA behind a door of its own lets in whoever has the certificate for that door.
  const tls = { ca, client: client ?? identity, serverName, verify: ca !== undefined }
  const route = createRoute(() => addresses)
  // However an enrolment waits, a connection takes its time.
  return createConnector({ tls, connectTimeoutMs: CONNECT_TIMEOUT_MS }, route, systemRuntime)
}

function headersOf({ name, leaf }: OwnCertificate): Readonly<Record<string, string>> {
  const list = identityHeaders({ certname: name, pem: leaf })
  const headers: Record<string, string> = {}
  for (let at = 0; at < list.length; at += 2) headers[list[at] as string] = list[at + 1] as string
  return headers
}

function whyAway(error: unknown, { url, serverName, caFrom }: CaReach): string {
  const { code, cert } = error as NodeJS.ErrnoException & { readonly cert?: Partial<PeerCertificate> }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return 'its answer is far too long'
  const { kind, text } = causeOf(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = cert?.subjectaltname ?? `CN:${cert?.subject?.CN}`
    const shown = names.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300)
    return `${text}: it is asked as ${serverName ?? hostOf(url)}, and shows ${shown}`
  }
  if (kind === 'tls-verify' && caFrom !== undefined && text.includes('upstream.tls.ca')) {
    return (
      `its certificate is of a CA that is not in ${caFrom}. If the site has a new CA, move that file away; if not, ` +
      'somebody else answers in its place'
    )
  }
  return text
}
