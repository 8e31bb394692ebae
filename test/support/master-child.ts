import { createAuthority } from '../../src/simulation/certificates.ts'
import type { MasterTls } from '../../src/simulation/master-listener.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'

/** A simulated master as a process of its own, which does what it is told: see `master-process.ts`. */
export interface ChildOptions {
  readonly name: string
  readonly tls?: MasterTls
  readonly jrubies?: number
  readonly isCa?: boolean
  /** How long anything but a catalog takes in its JRuby. Default: no time. */
  readonly lightMs?: number
}

export interface Order {
  readonly id: number
  readonly what: 'hold' | 'release' | 'held' | 'requested' | 'requests'
  readonly arg?: number | string
}

const say = (message: object) => process.send?.(message)

async function obey(master: SimulatedMaster, { what, arg }: Order): Promise<unknown> {
  switch (what) {
    case 'hold':
      return master.hold()
    case 'release':
      return master.release()
    case 'held':
      return master.until(({ held }) => held === Number(arg))
    case 'requested':
      return master.until(({ requests }) => requests.some(({ url }) => url.includes(String(arg))))
    case 'requests':
      return master.requests.map(({ method, url }) => `${method} ${url}`)
  }
}

process.once('message', async (options: ChildOptions) => {
  const { isCa, lightMs = 0, ...rest } = options
  const ca = isCa ? { ca: await createAuthority() } : {}
  const master = await startSimulatedMaster({ ...rest, ...ca, lightMs: () => lightMs })
  process.on('message', (order: Order) => {
    void obey(master, order).then(result => say({ id: order.id, result }))
  })
  say({ url: master.url })
})
process.once('disconnect', () => process.exit())
