import type { Runtime } from '../model/runtime.ts'
import type { Heartbeats } from '../shared/heartbeats.ts'

const LOOK_MS = 5_000
/**
 * Looks in a row that find no turn of a worker's event loop: a minute in which the loop of the control plane has turned.
 * While the whole process or machine stands still, nobody looks.
 */
const LOOKS = 12
/** How long a worker has hung by then, for the log. */
export const HUNG_MS = LOOK_MS * LOOKS

export interface HungWorkersOptions {
  readonly heartbeats: Pick<Heartbeats, 'count'>
  /** Those whose event loops should turn. */
  readonly workers: () => readonly number[]
  readonly runtime: Pick<Runtime, 'schedule'>
  /** Called with one that hangs, and again later should it still be there. */
  readonly hangs: (worker: number) => void
}

/**
 * Finds workers whose event loops do not turn, as in an endless loop: the system goes on giving them connections, which
 * nobody serves. At most one at a look, the longest first: others may only wait for what that one holds.
 */
export function watchHungWorkers({ heartbeats, workers, runtime, hangs }: HungWorkersOptions): () => void {
  let seen = new Map<number, { readonly count: number; readonly looks: number }>()
  let cancel = runtime.schedule(LOOK_MS, look)

  function look(): void {
    seen = new Map(
      workers().map(worker => {
        const count = heartbeats.count(worker)
        const last = seen.get(worker)
        return [worker, { count, looks: last?.count === count ? last.looks + 1 : 0 }]
      })
    )
    const [longest] = [...seen].sort(([, a], [, b]) => b.looks - a.looks)
    if (longest && longest[1].looks >= LOOKS) {
      seen.delete(longest[0])
      hangs(longest[0])
    }
    cancel = runtime.schedule(LOOK_MS, look)
  }

  return () => cancel()
}
