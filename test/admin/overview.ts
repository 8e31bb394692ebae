import type { MasterWork, Overview } from '../../src/model/overview.ts'
import type { MasterStatus, Status } from '../../src/model/status.ts'

const at = '2026-01-01T12:34:56.000Z'

/** A master that does nothing. */
export const idle: MasterWork = Object.freeze({
  taken: 0,
  ghosts: 0,
  foreign: 0,
  catalogs: 0,
  share: null,
  failedShare: null,
  compile: null
})

const none = Object.freeze({ total: 0, agents: [] })

export const noAgents: Overview['agents'] = Object.freeze({
  seen: { hour: 0, day: 0 },
  failing: none,
  expiring: none,
  slow: none
})

/** What the page shows of a balancer in this status, with `work` for each of its masters. */
export function overviewOf(status: Status, over: Partial<Overview> = {}): Overview {
  return {
    at,
    hostname: 'lb-1.site',
    notReady: null,
    status,
    work: status.masters.map(() => idle),
    refused: { certificates: 0, limits: 0 },
    runs: Array.from({ length: 60 }, (_, index) => ({
      at: new Date(Date.parse('2026-01-01T11:34:00.000Z') + index * 60_000).toISOString(),
      given: null,
      failed: null
    })),
    agents: noAgents,
    events: [],
    ...over
  }
}

/** As many masters as wanted, as like as they can be. */
export function manyMasters(count: number, like: MasterStatus, name = (index: number) => `master-${index}`) {
  return Array.from({ length: count }, (_, index) => ({
    ...like,
    name: name(index),
    url: `https://${name(index)}.example.com:8140`
  }))
}
