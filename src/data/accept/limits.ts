import type { Logger } from 'pino'
import type { DescriptorBudget } from '../../model/descriptors.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { ConnectionTable } from '../../shared/connections.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import { createSeldom } from './seldom.ts'

/** What may be used up. `descriptors`: what the system grants allows less than `connections` says. */
export type Limit = 'connections' | 'perAddress' | 'perCertname' | 'descriptors'

/** Makes room by closing an idle connection without a certificate; of one address where one is given. */
export type MakeRoom = (address?: number) => boolean

/** Whose connection was refused, as far as that is known; the numbers are its cells in the shared table. */
export interface Refused {
  readonly remote?: string | undefined
  readonly address?: number | undefined
  readonly certname?: string | undefined
  readonly certnameCell?: number | undefined
}

/** Decides, over all workers, whether there is room for one more connection. */
export interface Limits {
  /**
   * Which limit a connection that is counted already went beyond, with nothing to be closed for it. `address`: as far as it
   * is known.
   */
  readonly beyond: (address: number | undefined) => Limit | undefined
  /** Whether a connection that is counted already is one too many of its certname. */
  readonly isBeyondCertname: (certname: number) => boolean
  /** Whether there is a descriptor for one more connection to a master, which is counted already. */
  readonly hasUpstreamRoom: () => boolean
  /** Counts a refusal, and tells the log, with the one that was refused last, when it did not hear of this limit lately. */
  readonly refused: (limit: Limit, whose?: Refused) => void
}

export interface LimitsDeps {
  readonly worker: number
  readonly table: ConnectionTable
  readonly makeRoom: MakeRoom
  readonly settings: () => Omit<Settings['listen']['limits'], 'memoryBytes'>
  readonly budget: () => DescriptorBudget
  readonly metrics: Pick<TrafficMetrics, 'limitRefusals'>
  readonly now: Runtime['now']
  readonly log: Pick<Logger, 'warn'>
}

export function createLimits(deps: LimitsDeps): Limits {
  const { worker, table, makeRoom, settings, budget, metrics, now, log } = deps
  const seldom = createSeldom<Limit>(now)

  /** What all agents together may have now, and which limit that is. */
  function most(): { readonly limit: Limit; readonly count: number } {
    const { connections } = settings()
    const { agents, upstream } = budget()
    // Connections to masters beyond their share are those of agents that are here already.
    const left = agents + upstream - Math.max(upstream, table.sum('upstream'))
    return left < connections
      ? { limit: 'descriptors', count: left }
      : { limit: 'connections', count: connections }
  }

  /** What the limit counts: how many are open, the one that is refused included, and how many may be. */
  function counted(limit: Limit, { address, certnameCell }: Refused): { open: number; most: number } {
    const { perAddress, perCertname } = settings()
    if (limit === 'perAddress' && address !== undefined)
      return { open: table.addresses.of(address), most: perAddress }
    if (limit === 'perCertname' && certnameCell !== undefined)
      return { open: table.certnames.of(certnameCell), most: perCertname }
    return { open: table.sum('open'), most: most().count }
  }

  /** Here or, where nobody can be closed here, in another worker, which takes a moment longer. */
  const findRoom = () => makeRoom() || table.askOthers(worker, now())

  return {
    beyond(address) {
      if (address !== undefined && table.addresses.of(address) > settings().perAddress && !makeRoom(address))
        return 'perAddress'
      const { limit, count } = most()
      return table.sum('open') > count && !findRoom() ? limit : undefined
    },
    isBeyondCertname: certname => table.certnames.of(certname) > settings().perCertname,
    hasUpstreamRoom() {
      const { agents, upstream } = budget()
      return table.sum('open') + table.sum('upstream') <= agents + upstream || findRoom()
    },
    refused(limit, whose = {}) {
      metrics.limitRefusals.inc({ limit })
      table.count(worker, 'limited', 1)
      seldom(limit, refused => {
        const { remote, certname } = whose
        const details = { limit, refused, ...counted(limit, whose), remote, certname }
        log.warn(details, 'connections are refused: a limit is reached')
      })
    }
  }
}
