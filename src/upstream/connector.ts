import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { buildConnector, errors } from 'undici'
import type { Runtime } from '../model/runtime.ts'
import type { UpstreamSettings } from '../model/settings.ts'
import { HANDSHAKE_TIMEOUT } from './cause.ts'
import { dial } from './dial.ts'
import { passOverContinue } from './interim.ts'
import { faultOf, renewalIn } from './renewed-authority.ts'
import type { Route } from './route.ts'
import { tellTruncation } from './truncation.ts'

/** A connection that says nothing is looked after by the system from this time on. */
const KEEP_ALIVE_MS = 60_000

/** What happens at the begin of a connection, before any TLS. */
export interface Beginning {
  /** Called when the master has taken the connection. */
  readonly onTaken?: () => void
  /** Called with the certificate that the master has shown. */
  readonly onCertificate?: (certificate: X509Certificate) => void
  /** What is said first. */
  readonly preamble?: (() => Buffer | undefined) | undefined
}

/** What of the settings says how a connection is made. */
export interface ConnectSettings extends Pick<UpstreamSettings, 'connectTimeoutMs'> {
  readonly tls: Pick<UpstreamSettings['tls'], 'ca' | 'serverName' | 'verify'> & {
    readonly client: { readonly cert: string; readonly key: string } | undefined
  }
}

/**
 * How a connection to a master is made, for probes and for requests alike, so that what a probe proves holds for
 * requests. It goes to the addresses of the route; no name is looked up here. The certificate is verified, against the
 * name, unless the file says otherwise; HTTP/1.1 only (Jetty would accept h2).
 */
export function createConnector(
  upstream: ConnectSettings,
  route: Route,
  { schedule, wallClock }: Pick<Runtime, 'schedule' | 'wallClock'>,
  { onTaken = () => {}, onCertificate, preamble = () => undefined }: Beginning = {}
): buildConnector.connector {
  const { connectTimeoutMs } = upstream
  const secure = createTlsConnector(upstream, wallClock)
  return (options, done) => {
    const addresses = route.addresses()
    let tried = addresses[0] ?? ''
    let isOver = false
    let isTaken = false
    let giveUp = () => {}
    let tcp: Socket | undefined
    const end = (error: Error | null, socket: Socket | null): void => {
      if (isOver) return
      isOver = true
      cancelTimeout()
      if (error || !socket) {
        route.failed(tried)
        done(error as Error, null)
        return
      }
      route.worked(tried)
      if (onCertificate && socket instanceof TLSSocket) tellCertificate(socket, onCertificate)
      socket.on('error', tellResetFromEnd)
      if (tcp && tcp !== socket) tellTruncation(socket, tcp)
      passOverContinue(socket)
      done(null, socket)
    }
    const cancelTimeout = schedule(connectTimeoutMs, () => {
      giveUp()
      const late = tooLate(options.hostname, addresses, connectTimeoutMs)
      end(isTaken ? Object.assign(late, { code: HANDSHAKE_TIMEOUT }) : late, null)
    })
    if (addresses.length === 0) {
      // Whoever asks for a connection counts on hearing of it later.
      queueMicrotask(() => end(nowhere(options.hostname), null))
      return
    }
    const isSecure = options.protocol === 'https:'
    const port = Number(options.port) || (isSecure ? 443 : 80)
    giveUp = dial({ addresses, port, schedule }, (error, socket) => {
      if (error) {
        end(error, null)
        return
      }
      tcp = socket
      tried = socket.remoteAddress ?? tried
      isTaken = true
      onTaken()
      socket.setKeepAlive(true, KEEP_ALIVE_MS).on('error', () => {}) // Whoever reads from it hears of it.
      giveUp = () => socket.destroy()
      const first = preamble()
      if (first) socket.write(first)
      if (isSecure) secure({ ...options, httpSocket: socket }, end as buildConnector.Callback)
      else end(null, socket)
    })
  }
}

function tellCertificate(socket: TLSSocket, tell: (certificate: X509Certificate) => void): void {
  const certificate = socket.getPeerX509Certificate()
  if (certificate) tell(certificate)
}

/**
 * TLS over a connection that stands. How long it may take is for the caller to see to. While a CA stands beside its renewal
 * the verdict on a certificate is ours, before anything is sent.
 */
function createTlsConnector(
  upstream: ConnectSettings,
  wallClock: Runtime['wallClock']
): buildConnector.connector {
  const { ca, client, serverName, verify } = upstream.tls
  const renewal = renewalIn(upstream)
  const connect = buildConnector({
    timeout: 0,
    allowH2: false,
    rejectUnauthorized: verify && !renewal,
    ...(ca && { ca }),
    ...(client && { cert: client.cert, key: client.key })
  })
  return (given, done) => {
    // For a request undici would take the name in its Host header, whatever name it was built with.
    const options = serverName === undefined ? given : { ...given, servername: serverName }
    if (!renewal) {
      connect(options, done)
      return
    }
    connect(options, (...[error, socket]) => {
      const name = options.servername || options.hostname
      const fault = error ?? faultOf(socket as TLSSocket, name, renewal, wallClock())
      if (!fault) {
        done(null, socket as Socket)
        return
      }
      socket?.destroy()
      done(fault, null)
    })
  }
}

function tooLate(host: string, addresses: readonly string[], timeoutMs: number): Error {
  return new errors.ConnectTimeoutError(
    `no connection to ${host} at ${addresses.join(', ')} within ${timeoutMs} ms`
  )
}

/** With the code that the system has for a name that is nowhere. */
function nowhere(host: string): Error {
  return Object.assign(new Error(`no address of ${host} is known`), { code: 'ENOTFOUND' })
}

/** The file descriptors that connections to masters may take. */
export interface Descriptors {
  /** Takes one for a connection; false when none is left. */
  readonly take: () => boolean
  readonly giveBack: () => void
}

/** The same connector, each of whose connections needs a descriptor for as long as it lives. */
export function withinDescriptors(
  connect: buildConnector.connector,
  { take, giveBack }: Descriptors
): buildConnector.connector {
  return (options, done) => {
    if (!take()) {
      const none = Object.assign(new Error('no descriptor is left for masters'), { code: 'EMFILE' })
      // Whoever asks for a connection counts on hearing of it later.
      queueMicrotask(() => done(none, null))
      return
    }
    connect(options, (...[error, socket]) => {
      if (error) {
        giveBack()
        done(error, null)
        return
      }
      socket.once('close', giveBack)
      done(null, socket)
    })
  }
}

/**
 * undici takes a reset for the end of an answer whose length nobody said, which would make half an answer look whole.
 * It goes by the code alone, so the error gets the code of any other broken connection before undici hears of it.
 */
function tellResetFromEnd(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET'
}
