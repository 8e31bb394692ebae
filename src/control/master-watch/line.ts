import type { X509Certificate } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Client } from 'undici'
import type { Runtime } from '../../model/runtime.ts'
import type { UpstreamSettings } from '../../model/settings.ts'
import { within } from '../../model/within.ts'
import { createConnector } from '../../upstream/connector.ts'
import type { Route } from '../../upstream/route.ts'
import { NoAnswer, suspended } from './no-answer.ts'

/** Status bodies are short; what is longer is none. */
const MAX_BODY_BYTES = 1024 * 1024
/** Jetty closes a connection that was idle for 30 s; ours must be gone well before. */
const IDLE_MS = 25_000
/** A timer that is so late, or a clock that jumped so far, means that this process or its machine stood still. */
const STOOD_STILL_MS = 1_000

/** A question waits so long for the one before it, which is quick as a rule, rather than take a connection of its own. */
const IN_TURN_MS = 500

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface LineOptions {
  readonly origin: string
  /** Longest time of one question, connecting included. */
  readonly timeoutMs: () => number
  readonly upstream: () => UpstreamSettings
  readonly route: Route
  readonly runtime: Runtime
  /** Called when the master has said anything. */
  readonly heard: () => void
  /** Called with the certificate that the master shows in each handshake. */
  readonly shown?: (certificate: X509Certificate) => void
  /** What is said first on a connection, before any TLS. */
  readonly preamble?: (() => Buffer | undefined) | undefined
}

/** What is asked of one master about itself, on one connection that is kept where the master allows it. */
export interface Line {
  /**
   * Asks on the connection that was kept. With `isFresh`, or when there is none or it is in use, on a new one, so that
   * accepting and TLS are tried as well. That a kept one has ended meanwhile is no failure: then it asks anew. Rejects
   * with a NoAnswer.
   */
  readonly ask: (path: string, isFresh?: boolean) => Promise<Answer>
  readonly close: () => void
}

/** One connection. */
interface Wire {
  client: Client
  readonly upstream: UpstreamSettings
  /** Those that the master had when it was made. */
  readonly addresses: readonly string[]
  isBusy: boolean
  /** Before any TLS. */
  isTaken: boolean
  isConnected: boolean
  hasEnded: boolean
}

export function createLine(options: LineOptions): Line {
  const { origin, timeoutMs, upstream, route, runtime, heard, shown, preamble } = options
  const isSecure = origin.startsWith('https:')
  let kept: Wire | undefined
  let isClosed = false
  const wires = new Set<Wire>()
  let last: Promise<unknown> = Promise.resolve()

  function open(): Wire {
    const settings = upstream()
    const wire = {
      upstream: settings,
      addresses: route.addresses(),
      isBusy: false,
      isTaken: false,
      isConnected: false,
      hasEnded: false
    } as Wire
    wire.client = new Client(origin, {
      connect: createConnector(settings, route, runtime, {
        onTaken() {
          wire.isTaken = true
        },
        ...(shown && { onCertificate: shown }),
        preamble
      }),
      allowH2: false,
      maxResponseSize: MAX_BODY_BYTES,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS
    })
    wire.client.once('connect', () => {
      wire.isConnected = true
      // Over plain HTTP the system takes a connection for a master that no longer runs.
      if (isSecure) heard()
    })
    wire.client.once('disconnect', () => end(wire))
    wires.add(wire)
    return wire
  }

  function end(wire: Wire, why?: Error): void {
    wire.hasEnded = true
    if (kept === wire) kept = undefined
    wires.delete(wire)
    wire.client.destroy(why ?? null).catch(() => {}) // Nothing is left to do with a client that cannot be torn down.
  }

  /** The one that was kept, if it is good for another question. */
  function reusable(): Wire | undefined {
    if (!kept || kept.isBusy) return undefined
    const addresses = route.addresses()
    const isWhereItWas = kept.addresses.every(each => addresses.includes(each))
    if (isWhereItWas && isDeepStrictEqual(kept.upstream, upstream())) return kept
    end(kept)
    return undefined
  }

  function keep(wire: Wire): void {
    if (wire.hasEnded) return
    if (isClosed || (kept && kept !== wire && kept.isBusy)) end(wire)
    else {
      if (kept && kept !== wire) end(kept)
      kept = wire
    }
  }

  async function askOn(wire: Wire, path: string): Promise<Answer> {
    const watch = watchTime(timeoutMs(), runtime, () => end(wire, new Error('timed out')))
    wire.isBusy = true
    try {
      const answer = await wire.client.request({
        path,
        method: 'GET',
        headers: { accept: 'text/plain, application/json, */*', 'user-agent': 'puppet-lb' },
        reset: false
      })
      heard()
      const body = await answer.body.text()
      heard()
      wire.isBusy = false
      keep(wire)
      return { status: answer.statusCode, body }
    } catch (error) {
      end(wire)
      const isLate = watch.isLate()
      throw new NoAnswer(watch.stoodStill() ? suspended : error, { ...wire, isLate })
    } finally {
      watch.cancel()
    }
  }

  async function askNow(path: string, isFresh: boolean): Promise<Answer> {
    const known = isFresh ? undefined : reusable()
    if (!known) return askOn(open(), path)
    return askOn(known, path).catch(error => {
      if (isClosed || error.isLate || error.isOwnFault) throw error
      return askOn(open(), path)
    })
  }

  return {
    async ask(path, isFresh = false) {
      const before = last
      const { promise, resolve } = Promise.withResolvers<void>()
      last = promise
      await within(IN_TURN_MS, before, runtime)
      return askNow(path, isFresh).finally(resolve)
    },
    close() {
      isClosed = true
      for (const wire of wires) if (!wire.isBusy) end(wire)
    }
  }
}

/** Ends a question after its time, and knows whether that time was one that this machine lived through. */
function watchTime(timeoutMs: number, { now, wallClock, schedule }: Runtime, giveUp: () => void) {
  const [sinceMs, wallSinceMs] = [now(), wallClock()]
  let isLate = false
  // A signal would be heard once the connection stands, and no sooner.
  const cancel = schedule(timeoutMs, () => {
    isLate = true
    giveUp()
  })
  return {
    cancel,
    isLate: () => isLate,
    stoodStill() {
      const passedMs = now() - sinceMs
      return (
        passedMs > timeoutMs + STOOD_STILL_MS ||
        Math.abs(wallClock() - wallSinceMs - passedMs) > STOOD_STILL_MS
      )
    }
  }
}
