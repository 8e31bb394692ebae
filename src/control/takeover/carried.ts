import type { Runtime } from '../../model/runtime.ts'
import type { SharedTables } from '../../shared/memory.ts'
import type { Overlay } from '../overlay.ts'
import { formatOverlay } from '../overlay-file.ts'
import type { Carried } from './messages.ts'

/** What of this process a successor goes on with. */
export function carriedFrom(
  { returns, slots }: Pick<SharedTables, 'returns' | 'slots'>,
  overlay: Overlay,
  { now }: Pick<Runtime, 'now'>
): Carried {
  const nowMs = now()
  return { overlay: formatOverlay(overlay), nowMs, turns: returns.given(nowMs), meansMs: slots.meansMs() }
}

/** Takes what is not about members, by the clock of this process. */
export async function adoptCarried(
  { turns, nowMs, meansMs }: Carried,
  { returns, slots }: Pick<SharedTables, 'returns' | 'slots'>,
  { now }: Pick<Runtime, 'now'>
): Promise<void> {
  const shiftMs = now() - nowMs
  await returns.adopt({
    lastMs: turns.lastMs + shiftMs,
    turns: turns.turns.map(([hash, check, turnMs]) => [hash, check, turnMs + shiftMs])
  })
  await slots.learnMeans(meansMs)
}
