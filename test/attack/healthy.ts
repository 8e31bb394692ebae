import { Agent, request } from 'node:https'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'

/** Between two requests of an agent, which is what Ruby makes of an answer. */
const PAUSE_MS = 30
/** An agent waits ten minutes for an answer; for somebody who waits at a terminal this is an outage. */
const PATIENCE_MS = 15_000

/** How requests of healthy agents went in some span of time. */
export interface Latencies {
  readonly count: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** What agents were told that are to come back, in seconds, in order; such an answer counts as any other. */
  readonly toldSeconds: readonly number[]
}

/** Agents that ask one request after the other, as runs do. */
export interface HealthyAgents {
  /** What was since the last call, or since the start. */
  readonly take: () => Latencies
  readonly stop: () => Promise<void>
}

export function startHealthyAgents(
  port: number,
  ca: string,
  identities: readonly IssuedCertificate[]
): HealthyAgents {
  let tookMs: number[] = []
  let told: number[] = []
  let failed = 0
  let isOver = false
  /** When each request under way began: one that waits still is no better than one that waited as long. */
  const underWay = new Map<string, number>()

  async function live(identity: IssuedCertificate): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, cert: identity.chain, key: identity.key })
    for (let turn = 0; !isOver; turn++) {
      const sinceMs = performance.now()
      underWay.set(identity.certname, sinceMs)
      const { status, retryAfter } = await ask(agent, port, requestOf(identity.certname, turn))
      underWay.delete(identity.certname)
      if (isOver) break
      const isSentAway = status === 503 && retryAfter !== undefined
      if (isSentAway) told.push(retryAfter)
      if (status === 200 || isSentAway) tookMs.push(performance.now() - sinceMs)
      else failed++
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
    }
    agent.destroy()
  }

  const lives = identities.map(live)
  return {
    take() {
      const nowMs = performance.now()
      const waiting = [...underWay.values()].map(sinceMs => nowMs - sinceMs)
      const sorted = [...tookMs, ...waiting].sort((a, b) => a - b)
      const result = {
        count: tookMs.length + failed,
        failed,
        p50Ms: quantile(sorted, 0.5),
        p99Ms: quantile(sorted, 0.99),
        toldSeconds: told.toSorted((a, b) => a - b)
      }
      tookMs = []
      told = []
      failed = 0
      return result
    },
    async stop() {
      isOver = true
      await Promise.all(lives)
    }
  }
}

interface Question {
  readonly method: string
  readonly path: string
  readonly body?: string
}

/** The requests of a run in turn: mostly files, now and then a catalog and a report. */
function requestOf(certname: string, turn: number): Question {
  const environment = 'environment=production'
  switch (turn % 10) {
    case 0:
      return { method: 'GET', path: `/puppet/v3/node/${certname}?${environment}` }
    case 1:
      return { method: 'POST', path: `/puppet/v3/catalog/${certname}?${environment}`, body: 'facts=x' }
    case 9:
      return { method: 'PUT', path: `/puppet/v3/report/${certname}?${environment}`, body: '{}' }
    default:
      return { method: 'GET', path: `/puppet/v3/file_content/modules/a/b?${environment}` }
  }
}

interface Reply {
  /** 0 for no answer. */
  readonly status: number
  /** Seconds. */
  readonly retryAfter?: number
}

function ask(agent: Agent, port: number, { method, path, body }: Question): Promise<Reply> {
  return new Promise(resolve => {
    const nothing = () => resolve({ status: 0 })
    const headers = {
      'X-Puppet-Version': '8.10.0',
      ...(body !== undefined && { 'Content-Length': body.length, 'Content-Type': 'application/json' })
    }
    const options = { host: '127.0.0.1', port, servername: 'puppet', agent, method, path, headers }
    const sent = request({ ...options, timeout: PATIENCE_MS }, response => {
      const { statusCode: status = 0, headers } = response
      const seconds = headers['retry-after']
      const reply = { status, ...(seconds !== undefined && { retryAfter: Number(seconds) }) }
      response.on('end', () => resolve(reply)).on('error', nothing)
      response.resume()
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.on('error', nothing)
    sent.end(body)
  })
}

/** Of sorted numbers. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
