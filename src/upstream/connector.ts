import { closeSync, openSync } from 'node:fs'
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import { isOwnFault } from '../model/own-fault.ts'
import type { UpstreamSettings } from '../model/settings.ts'
import { HANDSHAKE_TIMEOUT } from './cause.ts'

/**
 * How a connection to a master is made, for probes and for requests alike, so that what a probe proves holds for
 * requests. The certificate is verified unless the file says otherwise; HTTP/1.1 only (Jetty would accept h2).
 * `onTaken` is called when the master has taken the connection, before any TLS.
 */
export function createConnector(
  upstream: UpstreamSettings,
  onTaken: () => void = () => {}
): buildConnector.connector {
  const { ca, client, serverName, verify } = upstream.tls
  const connect = buildConnector({
    timeout: upstream.connectTimeoutMs,
    allowH2: false,
    rejectUnauthorized: verify,
    ...(ca && { ca }),
    ...(client && { cert: client.cert, key: client.key })
  })
  return (options, done) => {
    // For a request undici would take the name in its Host header, whatever name it was built with.
    const named = serverName === undefined ? options : { ...options, servername: serverName }
    let isTaken = false
    // The types do not say so, but it gives the socket that it connects.
    const connecting = connect(named, (...[error, socket]) => {
      if (error) {
        done(isTaken ? inHandshake(error) : unmasked(error), null)
        return
      }
      socket.on('error', tellResetFromEnd)
      done(null, socket)
    }) as unknown as Socket
    connecting.once('connect', () => {
      isTaken = true
      onTaken()
    })
  }
}

/** A time-out of a connection that was taken is one of the handshake. */
function inHandshake(error: Error): Error {
  return (error as NodeJS.ErrnoException).code === 'UND_ERR_CONNECT_TIMEOUT'
    ? Object.assign(error, { code: HANDSHAKE_TIMEOUT })
    : error
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

/**
 * Without a descriptor for the files it reads, glibc's getaddrinfo says that there is no such name. Whether that is so
 * shows when one is asked for: then the error is that of the system.
 */
function unmasked(error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ENOTFOUND') return error
  try {
    closeSync(openSync('/dev/null', 'r'))
    return error
  } catch (cause) {
    return isOwnFault(cause) ? (cause as Error) : error
  }
}
