import type { Logger } from 'pino'
import { descriptorBudget } from '../../model/descriptors.ts'
import type { PlaneStart } from '../../model/messages.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import type { Snapshot } from '../../model/snapshot.ts'
import type { ConnectionTable } from '../../shared/connections.ts'
import type { TrafficMetrics } from '../../telemetry/metrics.ts'
import type { Descriptors } from '../../upstream/connector.ts'
import { createLimits, type Limits, type MakeRoom } from './limits.ts'

/** What a worker may open, towards agents and towards masters. */
export interface Room {
  readonly limits: Limits
  readonly descriptors: Descriptors
  /** From now on these settings say how much that is, for these masters. */
  readonly configure: (settings: Settings, masters: Snapshot['masters']) => void
}

export function createRoom({
  start: { boot, worker, descriptors: granted, publication },
  table,
  makeRoom,
  metrics,
  now,
  log
}: {
  readonly start: PlaneStart
  readonly table: ConnectionTable
  readonly makeRoom: MakeRoom
  readonly metrics: Pick<TrafficMetrics, 'limitRefusals'>
  readonly now: Runtime['now']
  readonly log: Pick<Logger, 'warn'>
}): Room {
  let { settings } = publication
  let budget = descriptorBudget(granted, boot, publication.snapshot)
  const limits = createLimits({
    worker,
    table,
    makeRoom,
    settings: () => settings.listen.limits,
    budget: () => budget,
    metrics,
    now,
    log
  })
  return {
    limits,
    descriptors: {
      take() {
        table.count(worker, 'upstream', 1)
        if (limits.hasUpstreamRoom()) return true
        table.count(worker, 'upstream', -1)
        limits.refused('descriptors')
        return false
      },
      giveBack: () => table.count(worker, 'upstream', -1)
    },
    configure(next, masters) {
      settings = next
      budget = descriptorBudget(granted, boot, { masters })
    }
  }
}
