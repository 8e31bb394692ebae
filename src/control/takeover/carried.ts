import type { Runtime } from '../../model/runtime.ts'
import type { PoolSnapshot } from '../../model/snapshot.ts'
import type { SharedTables } from '../../shared/memory.ts'
import type { Overlay } from '../overlay.ts'
import { formatOverlay } from '../overlay-file.ts'
import type { Carried } from './messages.ts'

export interface CarriedDeps extends Pick<SharedTables, 'returns' | 'slots'> {
  /** The pools there are, with the numbers of their queues in this process. */
  readonly pools: () => readonly Pick<PoolSnapshot, 'name' | 'queue'>[]
  readonly runtime: Pick<Runtime, 'now'>
}

/** What of this process a successor goes on with. */
export function carriedFrom({ returns, slots, pools, runtime }: CarriedDeps, overlay: Overlay): Carried {
  const nowMs = runtime.now()
  const { turns, lastMs } = returns.given(nowMs)
  const queues = pools().map(({ name, queue }) => {
    return [name, { lastTurnMs: lastMs[queue] ?? 0, meansMs: slots.meansMs(queue) }] as const
  })
  return { overlay: formatOverlay(overlay), nowMs, turns, queues: Object.fromEntries(queues) }
}

/** Takes what is not about members, by the clock of this process. What is told of pools that are none here is left out. */
export async function adoptCarried(
  { turns, nowMs, queues }: Carried,
  { returns, slots, pools, runtime }: CarriedDeps
): Promise<void> {
  const shiftMs = runtime.now() - nowMs
  const lastMs: number[] = []
  for (const { name, queue } of pools()) {
    if (!Object.hasOwn(queues, name)) continue
    const { lastTurnMs = 0, meansMs = [] } = queues[name] ?? {}
    lastMs[queue] = lastTurnMs + shiftMs
    await slots.learnMeans(queue, meansMs)
  }
  await returns.adopt({
    lastMs,
    turns: turns.map(([hash, check, turnMs]) => [hash, check, turnMs + shiftMs])
  })
}
