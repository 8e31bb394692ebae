import type { Socket } from 'node:net'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { type Cause, causeOf, clientCertificateRefused, tlsWanted } from '../../upstream/cause.ts'
import { createConnector } from '../../upstream/connector.ts'
import type { Route } from '../../upstream/route.ts'

/** A master that takes our certificate says nothing; this long is waited for one that does not. */
const LISTEN_MS = 1_000

/**
 * Why a master closes or resets a connection when it is asked something, as far as one shows on which it is asked
 * nothing: over TLS that it refuses our client certificate, otherwise that it speaks TLS. Resolves with `undefined` when
 * neither is so. Never rejects.
 */
export function hintOf(
  origin: string,
  upstream: UpstreamSettings,
  route: Route,
  { schedule, wallClock }: Pick<Runtime, 'schedule' | 'wallClock'>,
  preamble?: () => Buffer | undefined
): Promise<Cause | undefined> {
  const { hostname, host, protocol, port } = new URL(origin)
  const isSecure = protocol === 'https:'
  const { promise, resolve } = Promise.withResolvers<Cause | undefined>()
  const settings = isSecure ? upstream : { ...upstream, tls: { ...upstream.tls, verify: false } }
  const take = (error: Error) => resolve(hintIn(error))
  createConnector(
    settings,
    route,
    { schedule, wallClock },
    { preamble }
  )({ hostname, host, protocol: 'https:', port }, (...[error, socket]) => {
    if (error) take(error)
    else if (isSecure) listen(socket)
    else {
      socket.on('error', () => {}).destroy()
      resolve(tlsWanted)
    }
  })

  function listen(socket: Socket): void {
    const cancel = schedule(LISTEN_MS, () => socket.destroy())
    const end = () => {
      cancel()
      resolve(undefined)
    }
    socket.on('error', take).once('close', end).resume()
  }
  return promise
}

function hintIn(error: Error): Cause | undefined {
  const cause = causeOf(error)
  return cause === clientCertificateRefused ? cause : undefined
}
