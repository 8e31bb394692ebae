import { setTimeout as wait } from 'node:timers/promises'
import { cpuMicros } from './cpu.ts'
import type { LoadOrder } from './messages.ts'
import type { Contender } from './proxies.ts'

/** What is measured: CPU time of a proxy for one of these. */
export interface Figure {
  readonly name: string
  /** How many requests or runs one measurement has. */
  readonly count: number
  /** 0 for requests on open connections, else the requests of a run with a connection of its own. */
  readonly requestsPerRun: number
}

export interface Effort {
  readonly rounds: number
  readonly figures: readonly Figure[]
  /** Before anything is measured: requests, and agent runs of 6 requests. */
  readonly warmUpRequests: number
  readonly warmUpRuns: number
}

const figures = (requests: number, shortRuns: number, longRuns: number): readonly Figure[] => [
  { name: 'GET 2 KB, keep-alive', count: requests, requestsPerRun: 0 },
  { name: 'agent run, 6 requests', count: shortRuns, requestsPerRun: 6 },
  { name: 'agent run, 125 requests', count: longRuns, requestsPerRun: 125 }
]

/** About four minutes with masters by http and https, and well under one; both on two processors. */
export const efforts = {
  full: { rounds: 6, figures: figures(12_000, 120, 30), warmUpRequests: 20_000, warmUpRuns: 300 },
  quick: { rounds: 3, figures: figures(3_000, 40, 10), warmUpRequests: 12_000, warmUpRuns: 60 }
} as const satisfies Record<string, Effort>

/** As many connections or runs at once. */
const AT_ONCE = 8
/** Log lines are written and sockets closed a little after the last answer; that work counts too. */
const SETTLE_MS = 150

/** Before each measurement, this share of it goes unmeasured: while the others had their turn, caches went cold. */
const RAMP = 0.15

/**
 * Microseconds of CPU time a request or a run, under steady load. The idle time around it is short enough to cost
 * nothing.
 */
export async function measure(
  figure: Figure,
  { port, pid }: Pick<Contender, 'port' | 'pid'>,
  load: (order: LoadOrder) => Promise<void>
): Promise<number> {
  const { count, requestsPerRun } = figure
  const isKeptAlive = requestsPerRun === 0
  const send = (count: number) =>
    isKeptAlive
      ? load({ type: 'requests', count })
      : load({ type: 'runs', port, count, requests: requestsPerRun, atOnce: AT_ONCE })
  if (isKeptAlive) await load({ type: 'open', port, connections: AT_ONCE })
  await send(Math.ceil(count * RAMP))
  await wait(SETTLE_MS)
  const before = cpuMicros(pid)
  await send(count)
  await wait(SETTLE_MS)
  const used = cpuMicros(pid) - before
  if (isKeptAlive) await load({ type: 'close' })
  return used / count
}

/** Lets just-in-time compilers, caches and connection pools reach the state they stay in. */
export async function warmUp(
  effort: Effort,
  { port }: Pick<Contender, 'port'>,
  load: (order: LoadOrder) => Promise<void>
): Promise<void> {
  await load({ type: 'open', port, connections: AT_ONCE })
  await load({ type: 'requests', count: effort.warmUpRequests })
  await load({ type: 'close' })
  await load({ type: 'runs', port, count: effort.warmUpRuns, requests: 6, atOnce: AT_ONCE })
}
