import type { Order, Publication } from '../../src/model/messages.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { SharedTables } from '../../src/shared/memory.ts'
import type { Worker } from './worker.ts'

interface Member {
  readonly worker: Worker
  applied: number
  /** When its last order comes to it: they come in their order. */
  lastMs: number
}

export interface PlanesDeps {
  readonly count: number
  readonly current: () => Required<Publication>
  readonly start: (number: number, publication: Required<Publication>, applied: (v: number) => void) => Worker
  readonly memory: Pick<SharedTables, 'removeWorker'>
  readonly runtime: Runtime
  readonly dice: () => number
}

/** Workers that hear of everything after a while, die and are replaced, as `control/planes` has them. */
export function createWorkers({ count, current, start, memory, runtime, dice }: PlanesDeps) {
  const members = new Map<number, Member>()
  const waiting = new Set<{ readonly version: number; readonly resolve: () => void }>()
  const isReached = (version: number) => [...members.values()].every(({ applied }) => applied >= version)

  function look(): void {
    for (const each of waiting) {
      if (!isReached(each.version)) continue
      waiting.delete(each)
      each.resolve()
    }
  }

  function begin(number: number): void {
    const publication = current()
    const worker = start(number, publication, version => {
      runtime.schedule(5 * dice(), () => {
        // Reports come in their order; of two that are under way here the later one counts.
        member.applied = Math.max(member.applied, version)
        look()
      })
    })
    const member: Member = { worker, applied: publication.version, lastMs: runtime.now() }
    members.set(number, member)
  }

  function post(member: Member, order: Order): void {
    // One that is busy hears of it seconds later.
    const delayMs = dice() < 0.03 ? 3_000 * dice() : 30 * dice()
    const atMs = Math.max(member.lastMs, runtime.now() + delayMs)
    member.lastMs = atMs
    runtime.schedule(atMs - runtime.now(), () => member.worker.deliver(order))
  }

  return {
    start() {
      for (let number = 0; number < count; number++) begin(number)
    },
    alive: () => [...members.values()].map(({ worker }) => worker),
    tell(order: Order) {
      for (const member of members.values()) post(member, order)
    },
    whenApplied(version: number): Promise<void> {
      if (isReached(version)) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add({ version, resolve })
      return promise
    },
    async kill({ number, die }: Worker): Promise<void> {
      die()
      members.delete(number)
      look()
      await memory.removeWorker(number)
      runtime.schedule(2_000 * dice(), () => begin(number))
    }
  }
}
