import type { AttackCount } from './attacker-hands.ts'
import { type Latencies, quantile } from './healthy.ts'

/** What one attack did to healthy agents and to the balancer's memory, the first time. */
export interface Measured {
  readonly title: string
  readonly before: Latencies
  readonly during: Latencies
  readonly after: Latencies
  /** Requests of the healthy agents in all rounds, and how many of them failed. */
  readonly count: number
  readonly failed: number
  /** `rounds`: after each time it was done. */
  readonly residentMiB: {
    readonly before: number
    readonly most: number
    readonly rounds: readonly number[]
  }
  readonly attack: AttackCount
}

/** A Markdown table, a row an attack. */
export function tableOf(measured: readonly Measured[]): string {
  const head = [
    'Attack',
    'before, ms',
    'during, ms',
    'after, ms',
    'failed',
    'RSS, MiB',
    'connections, refused',
    'Retry-After, s'
  ]
  return [line(head), line(head.map(() => '---')), ...measured.map(rowOf)].join('')
}

export function rowOf({ title, before, during, after, failed, residentMiB: rss, attack }: Measured): string {
  const phases = [before, during, after]
  return line([
    title,
    ...phases.map(latency),
    String(failed),
    [rss.before, rss.most, ...rss.rounds].join(' / '),
    `${attack.connected} / ${attack.refused}`,
    phases.some(({ toldSeconds }) => toldSeconds.length > 0) ? phases.map(told).join(' / ') : ''
  ])
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`
}

function latency({ p50Ms, p99Ms }: Latencies): string {
  return `${round(p50Ms)} / ${round(p99Ms)}`
}

/** The median of what agents were told, and the most. */
function told({ toldSeconds }: Latencies): string {
  return toldSeconds.length === 0 ? 'none' : `${quantile(toldSeconds, 0.5)} (${toldSeconds.at(-1)})`
}

function round(ms: number): string {
  return Number.isNaN(ms) ? 'none' : ms.toFixed(ms < 10 ? 1 : 0)
}
