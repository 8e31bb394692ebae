import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Runtime } from '../model/runtime.ts'
import type { Caller } from './caller.ts'
import type { ReceivedBody } from './received-body.ts'

/** One request as a simulated master saw it. The optional fields appear as it goes on. */
export interface RecordedRequest {
  readonly method: string
  /** The request target, byte for byte. */
  readonly url: string
  /** Names and values alternating, in the order and spelling of the wire. */
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingHttpHeaders
  /** When its head arrived, on the clock of the master's runtime. */
  readonly receivedAtMs: number
  /** Number of the connection it came on, counted from 1 for each master. */
  readonly connection: number
  /** The name asked for in the TLS handshake. */
  readonly servername: string | undefined
  /** True when the TLS session of an earlier connection was taken up again. */
  readonly resumed: boolean
  /** Common name in the TLS certificate of the sender, verified or not: the balancer's, not the agent's. */
  readonly peer: string | undefined
  /** Who the master took the sender for, once it looked. */
  readonly caller?: Caller
  /** Bytes and hash of the body, once all of it was received and read. */
  readonly body?: { readonly bytes: number; readonly sha256: string }
  /** Status of the answer, once it was given. */
  readonly status?: number
  /** When the answer was complete or its receiver had hung up. */
  readonly endedAtMs?: number
  /** True when the sender hung up before the answer was complete. */
  readonly aborted?: boolean
}

/** The requests of one master, and those who wait for something to happen to it. */
export interface RequestLog {
  /** The newest `keep` requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** How many there were in all. */
  readonly count: () => number
  /** Records a request from now until its end; the result takes its body when it was read. */
  readonly record: (request: IncomingMessage, response: ServerResponse) => RecordInProgress
  readonly forget: () => void
}

/** A request that goes on: what is learnt about it is added here. */
export interface RecordInProgress {
  readonly entry: RecordedRequest
  readonly identified: (caller: Caller) => void
  readonly received: (body: ReceivedBody) => void
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** A log of at most `keep` requests; `onChange` is called when one begins, is read, and ends. */
export function createRequestLog({
  keep,
  runtime,
  onChange
}: {
  readonly keep: number
  readonly runtime: Runtime
  readonly onChange: () => void
}): RequestLog {
  const requests: RecordedRequest[] = []
  const connections = new WeakMap<object, number>()
  let count = 0
  let lastConnection = 0

  const connectionOf = (socket: object): number => {
    const known = connections.get(socket)
    if (known !== undefined) return known
    connections.set(socket, ++lastConnection)
    return lastConnection
  }

  return {
    requests,
    count: () => count,
    forget: () => {
      requests.length = 0
      count = 0
    },
    record: (request, response) => {
      const entry: Writable<RecordedRequest> = {
        method: request.method ?? '',
        url: request.url ?? '',
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        receivedAtMs: runtime.now(),
        connection: connectionOf(request.socket),
        ...peerOf(request)
      }
      count++
      requests.push(entry)
      if (requests.length > keep) requests.shift()
      response.once('close', () => {
        if (response.headersSent) entry.status = response.statusCode
        entry.aborted = !response.writableFinished
        entry.endedAtMs = runtime.now()
        onChange()
      })
      onChange()
      return {
        entry,
        identified: caller => {
          entry.caller = caller
        },
        received: ({ bytes, sha256 }) => {
          entry.body = { bytes, sha256 }
          onChange()
        }
      }
    }
  }
}

function peerOf({ socket }: IncomingMessage): Pick<RecordedRequest, 'servername' | 'peer' | 'resumed'> {
  if (!(socket instanceof TLSSocket)) return { servername: undefined, peer: undefined, resumed: false }
  const name = socket.getPeerX509Certificate()?.toLegacyObject().subject.CN
  const servername = typeof socket.servername === 'string' ? socket.servername : undefined
  const peer = name === undefined ? undefined : String(name)
  return { servername, peer, resumed: socket.isSessionReused() }
}
