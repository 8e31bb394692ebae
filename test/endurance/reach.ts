import type { Master } from '../../src/model/master.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Upstream } from '../../src/upstream/pools.ts'
import { fakeMaster } from '../data/fake-master.ts'
import type { Machine } from './machines.ts'

export interface ReachDeps {
  readonly machineOf: (master: Master) => Machine | undefined
  readonly runtime: Pick<Runtime, 'schedule'>
  readonly dice: () => number
  /** Whether no master can compile the catalog of an agent. */
  readonly isBroken: (path: string) => boolean
}

/** Masters as undici's pools of them: a machine takes the request, or nobody does. What it says goes through `live`. */
export function createReach({ machineOf, runtime, dice, isBroken }: ReachDeps) {
  function workMs(path: string): number {
    if (path.includes('/catalog/')) return 300 + 8_000 * dice()
    return 5 + 600 * dice()
  }

  return function reach(master: Master, live: (work: () => void) => void): Upstream {
    const { pool, last } = fakeMaster(master.name)
    const dispatch: typeof pool.dispatch = (options, handler) => {
      pool.dispatch(options, handler)
      const { connect, head, data, end, fail, ...request } = last()
      const delivered = {
        ...request,
        connect: () => live(connect),
        head: (...args: Parameters<typeof head>) => live(() => head(...args)),
        data: (text: string) => live(() => data(text)),
        end: () => live(end),
        fail: (code: string) => live(() => fail(code))
      }
      const machine = machineOf(master)
      if (!machine) runtime.schedule(1, () => delivered.fail('ENOTFOUND'))
      else
        machine.take(delivered, {
          isCatalog: options.path.includes('/catalog/'),
          ms: workMs(options.path),
          isBroken: isBroken(options.path)
        })
      return true
    }
    return { pool: { dispatch } as unknown as Upstream['pool'], host: master.name }
  }
}
