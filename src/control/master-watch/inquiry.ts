import { Client } from 'undici'
import { isOwnFault } from '../../model/own-fault.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { createConnector } from '../../upstream/connector.ts'
import type { Route } from '../../upstream/route.ts'

/** Status bodies are short; what is longer is none. */
const MAX_BODY_BYTES = 1024 * 1024

export interface Inquiry {
  readonly origin: string
  readonly path: string
  readonly timeoutMs: number
  readonly upstream: UpstreamSettings
  readonly route: Route
  readonly runtime: Runtime
}

/** Came of an inquiry that got no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** It connected and then said nothing in time: it may be busy rather than broken. */
  readonly isSlow: boolean
  /** It was never asked: this machine or this process lacks something. */
  readonly isOwnFault: boolean

  constructor(cause: unknown, isSlow: boolean) {
    super(isSlow ? 'timed out' : causeOf(cause), { cause })
    this.isSlow = isSlow
    this.isOwnFault = isOwnFault(cause)
  }
}

/**
 * Asks a master something about itself, on a connection of its own so that accepting and TLS are tried as well.
 * Rejects with a NoAnswer.
 */
export async function inquire({
  origin,
  path,
  timeoutMs,
  upstream,
  route,
  runtime
}: Inquiry): Promise<{ status: number; body: string }> {
  const client = new Client(origin, {
    connect: createConnector(upstream, route, runtime),
    allowH2: false,
    maxResponseSize: MAX_BODY_BYTES
  })
  let isTimedOut = false
  // A signal would be heard once the connection stands, and no sooner.
  const cancel = runtime.schedule(timeoutMs, () => {
    isTimedOut = true
    client.destroy(new Error('timed out')).catch(() => {})
  })
  let isConnected = false
  client.once('connect', () => {
    isConnected = true
  })
  try {
    const answer = await client.request({
      path,
      method: 'GET',
      headers: { accept: 'text/plain, application/json, */*', 'user-agent': 'puppet-lb' },
      reset: true
    })
    return { status: answer.statusCode, body: await answer.body.text() }
  } catch (error) {
    throw new NoAnswer(error, isConnected && isTimedOut)
  } finally {
    cancel()
    client.destroy().catch(() => {}) // Nothing is left to do with a client that cannot be torn down.
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error as NodeJS.ErrnoException).code ?? error.message
}
