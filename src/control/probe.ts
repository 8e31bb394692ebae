import { Client } from 'undici'
import type { HealthConfig, UpstreamConfig } from '../config/config.ts'
import type { Runtime } from '../model/runtime.ts'
import { createConnector } from '../model/upstream-connect.ts'
import { isRunning } from '../puppet/status.ts'

/** A status body is a word; what is longer is not one. */
const MAX_BODY_BYTES = 64 * 1024

export type ProbeResult = { readonly healthy: true } | { readonly healthy: false; readonly cause: string }

/**
 * Asks one master once whether it runs, on a connection of its own so that accepting and TLS are tried as well.
 * Never rejects: what goes wrong, or takes longer than `health.timeout`, is an unhealthy result with its cause.
 */
export async function probe(
  origin: string,
  health: HealthConfig,
  upstream: UpstreamConfig,
  runtime: Runtime
): Promise<ProbeResult> {
  const timeout = new AbortController()
  const cancel = runtime.schedule(health.timeoutMs, () => timeout.abort(new Error('timed out')))
  const client = new Client(origin, {
    connect: createConnector(upstream),
    allowH2: false,
    maxResponseSize: MAX_BODY_BYTES
  })
  try {
    const answer = await client.request({
      path: health.path,
      method: 'GET',
      headers: { accept: 'text/plain, */*', 'user-agent': 'puppet-lb' },
      reset: true,
      signal: timeout.signal
    })
    const body = await answer.body.text()
    if (isRunning(answer.statusCode, body, health.path)) return { healthy: true }
    return { healthy: false, cause: `answered ${answer.statusCode}` }
  } catch (error) {
    return { healthy: false, cause: causeOf(error) }
  } finally {
    cancel()
    client.destroy().catch(() => {}) // Nothing is left to do with a client that cannot be torn down.
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return (error as NodeJS.ErrnoException).code ?? error.message
}
