import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { systemRuntime } from '../../src/model/runtime.ts'
import { createJrubyPool, type JrubyPool } from '../../src/simulation/jruby-pool.ts'
import { createStatusService } from '../../src/simulation/status-service.ts'
import { type JrubyWork, type Receipt, serviceHeader } from './fleet-messages.ts'

/** Idle longer than any pause of the benchmark, so that no proxy has to connect anew more often than the others. */
const IDLE_MS = 300_000
const CATALOG_BYTES = 16_384
const OTHER_BYTES = 2_048
/** How much a timer that was late may shorten those after it. */
const MOST_DEBT_MS = 5

// A process of its own, so that kill -9 is one. A simulated master throws its own service times and costs
// some three times the CPU; this one does as it is told by the request, so that every proxy meets the same work.
const [name = '', port = '', jrubies = '', speed = ''] = process.argv.slice(2)
await serveAs({ name, port: Number(port), jrubies: Number(jrubies), speed: Number(speed) })

interface MasterSettings {
  readonly name: string
  readonly port: number
  readonly jrubies: number
  readonly speed: number
}

async function serveAs({ name, port, jrubies, speed }: MasterSettings): Promise<void> {
  const { now, wallClock } = systemRuntime
  const pool = createJrubyPool({ size: jrubies, runtime: systemRuntime })
  const startedAtMs = now()
  const status = createStatusService({
    isCa: false,
    pool: () => pool,
    wallClock,
    upMs: () => now() - startedAtMs
  })
  const work = createWork()

  async function puppet(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await bodyRead(request)
    const { method = '', url = '', headers } = request
    const isCrowded = pool.borrowed().length >= jrubies
    const giveBack = await pool.borrow({ uri: url, method, routeId: method })
    const sinceMs = performance.now()
    const startedAtMs = performance.timeOrigin + sinceMs
    const wantedMs = Number(headers[serviceHeader.toLowerCase()] ?? 0) / speed
    await work(wantedMs)
    const serviceMs = performance.now() - sinceMs
    giveBack()
    const isVerified = headers['x-client-verify'] === 'SUCCESS' && headers['x-client-dn'] !== undefined
    const receipt = { master: name, serviceMs, startedAtMs, isCrowded, isVerified } satisfies Receipt
    send(response, 200, JSON.stringify(receipt).padEnd(method === 'POST' ? CATALOG_BYTES : OTHER_BYTES))
  }

  function send(response: ServerResponse, statusCode: number, body: string): void {
    response.writeHead(statusCode, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'X-Puppet-Compiler-Name': name
    })
    response.end(body)
  }

  const server = createServer({ keepAliveTimeout: IDLE_MS }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://master')
    if (!pathname.startsWith('/status/v1/')) {
      // The proxy hung up while the body was read.
      puppet(request, response).catch(() => response.destroy())
      return
    }
    const answer = status(pathname.slice('/status/v1/'.length).split('/'), searchParams)
    send(response, answer?.status ?? 404, String(answer?.body ?? ''))
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.on('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise
  process.on('disconnect', () => process.exit())
  process.on('message', () => process.send?.({ workedMs: workedMs(pool, wallClock()) } satisfies JrubyWork))
  process.send?.('listening')
}

function workedMs(pool: JrubyPool, nowMs: number): number {
  const ended = [...pool.counts().timers.values()].reduce((sum, { totalMs }) => sum + totalMs, 0)
  return pool.borrowed().reduce((sum, { sinceMs }) => sum + nowMs - sinceMs, ended)
}

/**
 * Takes a while. Timers count whole milliseconds and are a little late, which is much of a light request in
 * compressed time: what one took too long the next ones get off, so that the sum is right.
 */
function createWork(): (ms: number) => Promise<void> {
  let debtMs = 0
  return async ms => {
    const sinceMs = performance.now()
    const leftMs = Math.round(ms - debtMs)
    if (leftMs > 0) await wait(leftMs)
    const debt = debtMs + performance.now() - sinceMs - ms
    debtMs = Math.max(-MOST_DEBT_MS, Math.min(MOST_DEBT_MS, debt))
  }
}

function bodyRead(request: IncomingMessage): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  request.once('end', resolve).once('error', reject).resume()
  return promise
}
