import type { AttackCount } from './attacker-hands.ts'
import type { Latencies } from './healthy.ts'

/** What one attack did to healthy agents and to the balancer's memory. */
export interface Measured {
  readonly title: string
  readonly before: Latencies
  readonly during: Latencies
  readonly after: Latencies
  readonly residentMiB: { readonly before: number; readonly most: number; readonly after: number }
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
    'connections, refused'
  ]
  return [line(head), line(head.map(() => '---')), ...measured.map(rowOf)].join('')
}

export function rowOf({ title, before, during, after, residentMiB: rss, attack }: Measured): string {
  return line([
    title,
    ...[before, during, after].map(latency),
    String(before.failed + during.failed + after.failed),
    `${rss.before} / ${rss.most} / ${rss.after}`,
    `${attack.connected} / ${attack.refused}`
  ])
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`
}

function latency({ p50Ms, p99Ms }: Latencies): string {
  return `${round(p50Ms)} / ${round(p99Ms)}`
}

function round(ms: number): string {
  return Number.isNaN(ms) ? 'none' : ms.toFixed(ms < 10 ? 1 : 0)
}
