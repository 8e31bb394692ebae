import { type Answer, json, text } from './answer.ts'
import { jrubyMetrics } from './jruby-metrics.ts'
import type { JrubyPool } from './jruby-pool.ts'

/** The Puppet Server that simulated masters claim to be. */
export const puppetServerVersion = '8.7.0'

/** What the status service must know of its master. */
export interface StatusSource {
  /** Default: `puppetServerVersion`. */
  readonly version?: string | undefined
  readonly isCa: boolean
  readonly pool: () => JrubyPool
  readonly wallClock: () => number
  /** Milliseconds since the master started. */
  readonly upMs: () => number
}

/** Answers `/status/v1/…`; `undefined` for a path that is not there. */
export type StatusService = (path: readonly string[], parameters: URLSearchParams) => Answer | undefined

/** The status service of Puppet Server (trapperkeeper-status): plain words, and JSON by service. */
export function createStatusService(source: StatusSource): StatusService {
  const names = [
    'status-service',
    'master',
    'server',
    'jruby-metrics',
    'puppet-profiler',
    ...(source.isCa ? ['ca'] : [])
  ]
  const missing = (name: string) => text(404, `not found: ${name}`)

  const details = (name: string, level: string) => {
    if (level !== 'debug') return {}
    if (name === 'jruby-metrics') {
      const times = { wallClockMs: source.wallClock(), upMs: source.upMs() }
      return { experimental: jrubyMetrics(source.pool(), times) }
    }
    if (name === 'status-service') return { experimental: { 'jvm-metrics': jvmMetrics(source) } }
    return {}
  }

  const describe = (name: string, level: string) => ({
    service_version: source.version ?? puppetServerVersion,
    service_status_version: 1,
    detail_level: level,
    state: 'running',
    status: details(name, level),
    active_alerts: []
  })

  return ([kind, name, ...rest], parameters) => {
    if (rest.length > 0) return undefined
    const level = parameters.get('level') ?? 'info'
    if (kind === 'simple') {
      if (name !== undefined && !names.includes(name)) return missing(name)
      return text(200, 'running')
    }
    if (kind !== 'services') return undefined
    if (name === undefined) {
      return json(200, Object.fromEntries(names.map(each => [each, describe(each, level)])))
    }
    if (!names.includes(name))
      return json(404, { kind: 'service-not-found', msg: `No status function found for service ${name}` })
    return json(200, describe(name, level))
  }
}

function jvmMetrics({ upMs, wallClock }: StatusSource) {
  const memory = { committed: 1 << 30, init: 1 << 29, max: 1 << 30, used: 1 << 28 }
  return {
    'heap-memory': memory,
    'non-heap-memory': memory,
    'start-time-ms': Math.round(wallClock() - upMs()),
    'up-time-ms': Math.round(upMs())
  }
}
