import type { ConnectionOptions } from 'node:tls'
import type { IssuedCertificate } from '../../../src/simulation/certificates.ts'
import type { TestPki } from '../../support/balancer.ts'
import { connectRawAgent, type RawAgent } from '../../support/raw-agent.ts'

/** An answer as it came over the wire; header names in lower case. */
export interface RawAnswer {
  readonly status: number
  /** Behind the status in its line. */
  readonly phrase: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A TLS connection on which a test writes what no HTTP client would, and takes the answers one by one. */
export interface RawConnection extends Pick<RawAgent, 'socket' | 'send' | 'until'> {
  /** Sends bytes and takes the next whole answer; rejects when the connection ends before. */
  readonly ask: (bytes: string | Buffer) => Promise<RawAnswer>
  /** Everything that no `ask` has taken, once the connection is over. */
  readonly untilClosed: () => Promise<string>
}

export async function connectRaw(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  port: number,
  identity?: Pick<IssuedCertificate, 'chain' | 'key'>,
  tls: ConnectionOptions = {}
): Promise<RawConnection> {
  const { socket, send, until, end } = await connectRawAgent(t, pki, port, identity, tls)
  let taken = 0
  return {
    socket,
    send,
    until,
    async ask(bytes) {
      send(bytes)
      const text = await until(all => parseAnswer(all.slice(taken)) !== undefined)
      const { length, ...answer } = parseAnswer(text.slice(taken)) as Parsed
      taken += length
      return answer
    },
    untilClosed: async () => (await end).slice(taken)
  }
}

type Parsed = RawAnswer & { readonly length: number }

/** `undefined` until the answer is whole; one without a length has no body here. */
function parseAnswer(text: string): Parsed | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
  )
  const length = end + 4 + Number(headers.get('content-length') ?? 0)
  if (text.length < length) return undefined
  const [, status, ...words] = statusLine.split(' ')
  return {
    status: Number(status),
    phrase: words.join(' '),
    headers,
    body: text.slice(end + 4, length),
    length
  }
}
