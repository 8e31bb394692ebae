import type { Runtime } from '../model/runtime.ts'
import type { Heartbeats } from '../shared/heartbeats.ts'

const BEAT_MS = 1_000

/** Lets the control plane see that the event loop of a worker's thread turns, for as long as the thread lives. */
export function startHeart(
  worker: number,
  { beat }: Pick<Heartbeats, 'beat'>,
  { schedule }: Pick<Runtime, 'schedule'>
): void {
  beat(worker)
  schedule(BEAT_MS, () => startHeart(worker, { beat }, { schedule }))
}
