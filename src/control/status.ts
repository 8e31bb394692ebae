import { descriptorBudget } from '../model/descriptors.ts'
import { takesNewRuns } from '../model/master.ts'
import { isIn } from '../model/pool.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import type { MasterStatus, PoolStatus, Status } from '../model/status.ts'
import type { SlotTable } from '../shared/slots/types.ts'
import type { LogOutput } from '../telemetry/log-output.ts'
import type { ControlFacts } from '../telemetry/metrics.ts'
import type { ControlPlane } from './control-plane.ts'
import { keptOf } from './joined-members.ts'
import { masterStatuses, shownModeOf, stateAndCauseOf } from './master-status.ts'

/** Why a balancer is not ready, one sentence; `undefined` while it is. */
export type NotReady = () => string | undefined

/** What a control plane tells about itself at this moment. */
export interface Reporting {
  readonly status: () => Status
  readonly masters: () => readonly MasterStatus[]
  /** Revocation lists in force; `undefined` without any. */
  readonly revocations: ControlPlane['revocations']['current']
}

export function createReporting(
  control: ControlPlane,
  {
    version,
    notReady,
    descriptors,
    log
  }: {
    readonly version: string
    readonly notReady: NotReady
    readonly descriptors: number
    readonly log: Pick<LogOutput, 'fault' | 'totalLost'>
  }
): Reporting {
  const { roster, memory, reload, revocations, members, certificates } = control
  const { slots } = memory
  const masters = () => masterStatuses(control)
  return {
    masters,
    revocations: revocations.current,
    status() {
      const { ca } = roster.current()
      const pools = poolStatuses(control)
      const { state, cause = null } = certificates.ownStanding()
      return {
        version,
        ready: notReady() === undefined,
        masters: masters(),
        ca: { url: ca.url, ...stateAndCauseOf(ca, control) },
        queue: waitingIn(slots),
        ...(pools.length > 0 && { pools }),
        certificates: certificates.ends().map(({ role, notAfter, source, hasHeir }) => ({
          role,
          notAfter: notAfter.toISOString(),
          source,
          ...(hasHeir && { renewed: true as const })
        })),
        ownCertificate: { state, cause },
        crl: crlStatus(revocations),
        reload: reload.status(),
        code: control.code.status(),
        capacity: control.capacity.status(),
        descriptors: budgetOf(reload.config(), descriptors),
        log: { fault: log.fault() ?? null, linesLost: log.totalLost() },
        kept: [...keptOf(members.current())].map(([name, { mode, weight }]) => ({
          name,
          mode: mode ?? null,
          weight: weight ?? null
        }))
      }
    }
  }
}

function budgetOf({ boot, settings }: Config, descriptors: number): Status['descriptors'] {
  const budget = descriptorBudget(descriptors, boot, settings)
  return { ...budget, granted: Number.isFinite(descriptors) ? descriptors : null }
}

function waitingIn({ waiting }: Pick<SlotTable, 'waiting'>, queue?: number): Status['queue'] {
  return { light: waiting(0, queue), report: waiting(1, queue), catalog: waiting(2, queue) }
}

/** None where all masters are in the default pool. */
function poolStatuses({ supervisor, memory }: ControlPlane): readonly PoolStatus[] {
  const { pools = [], masters } = supervisor.snapshot()
  return pools.map(({ name, queue }) => ({
    name,
    up: masters.filter(each => isIn(each, name) && takesNewRuns(each) && supervisor.stateOf(each.id) === 'up')
      .length,
    queue: waitingIn(memory.slots, queue)
  }))
}

function crlStatus({ current, fetching }: ControlPlane['revocations']): Status['crl'] {
  const lists = current()
  if (!lists) return null
  const { answeredAtMs, problem } = fetching() ?? {}
  const { entries, thisUpdateMs, nextUpdateMs, number, source, isLate, expired } = lists
  const iso = (ms: number) => new Date(ms).toISOString()
  return {
    entries,
    thisUpdate: iso(thisUpdateMs),
    nextUpdate: nextUpdateMs === undefined ? null : iso(nextUpdateMs),
    number: number ?? null,
    source,
    fetchedAt: answeredAtMs === undefined ? null : iso(answeredAtMs),
    problem: problem ?? null,
    late: isLate ? expired : null
  }
}

/** What control metrics show, read when they are scraped. */
export function metricFacts(
  control: ControlPlane,
  log: ControlFacts['log'],
  wallClock: Runtime['wallClock']
) {
  const { roster, supervisor, memory, reload, revocations, probeFailures, ejections, sources } = control
  const { board, slots } = memory
  const members = () => [...roster.current().masters, roster.current().ca]
  return {
    connections() {
      const { sum } = memory.connections
      const [open, raw, secured, active] = [sum('open'), sum('raw'), sum('secured'), sum('active')]
      const idle = Math.max(0, secured - active)
      return { handshake: Math.max(0, open - secured - raw), idle, active, tcp: raw }
    },
    dnsFailures: () => sources.failures(),
    probeFailures: () => probeFailures.of(members().map(({ name }) => name)),
    ejections: () => ejections.of(members().map(({ name }) => name)),
    masters: () =>
      members().map(master => ({
        name: master.name,
        source: master.source,
        state: supervisor.stateOf(master.id),
        mode: shownModeOf(master, control),
        inFlight: board.inFlight(master.seat),
        capacity: supervisor.watchOf(master.id)?.load?.capacity(),
        isMember: master.mode !== 'leaving'
      })),
    queueDepth: () => [slots.waiting(0), slots.waiting(1), slots.waiting(2)],
    pools: () => poolStatuses(control),
    code: control.code.status,
    poolCapacity: control.capacity.status,
    crl: () => {
      const current = revocations.current()
      return (
        current && {
          ageSeconds: (wallClock() - current.thisUpdateMs) / 1000,
          nextUpdateSeconds: current.nextUpdateMs === undefined ? undefined : current.nextUpdateMs / 1000,
          entries: current.entries
        }
      )
    },
    crlFetch: () => revocations.fetching(),
    certificates: () =>
      new Map(
        control.certificates
          .ends()
          .filter(({ hasHeir }) => !hasHeir)
          .map(({ role, notAfter }) => [role, notAfter.getTime() / 1000])
      ),
    caDocuments: () =>
      new Map(
        Object.entries(control.certificates.caDocuments()).map(([document, { confirmedAtMs }]) => [
          document,
          (wallClock() - confirmedAtMs) / 1000
        ])
      ),
    agents: () => control.agents.census(),
    ownCertificate: () => control.certificates.ownStanding().state,
    log,
    reload: () => reload.status()
  }
}
