import type { Master, MasterState } from '../model/master.ts'
import type { Runtime } from '../model/runtime.ts'
import type { MasterStatus, Status } from '../model/status.ts'
import type { ControlFacts } from '../telemetry/metrics.ts'
import { certificateEndsOf } from './certificate-ends.ts'
import type { ControlPlane } from './control-plane.ts'

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
  { roster, supervisor, memory, reload, revocations }: ControlPlane,
  { version, notReady }: { readonly version: string; readonly notReady: NotReady }
): Reporting {
  const { board, slots } = memory

  function stateOf({ id }: Master): { readonly state: MasterState; readonly cause: string | null } {
    const watch = supervisor.watchOf(id)
    return { state: supervisor.stateOf(id), cause: watch ? watch.cause() : 'was not asked yet' }
  }

  const masters = () =>
    roster.current().masters.map((master): MasterStatus => {
      const { name, url, mode, weight, priority, seat, id } = master
      const capacity = supervisor.watchOf(id)?.load?.capacity() ?? 0
      const inFlight = board.inFlight(seat)
      return {
        name,
        url,
        pools: ['default'],
        source: 'file',
        ...stateOf(master),
        mode,
        weight,
        priority,
        capacity,
        inFlight
      }
    })

  return {
    masters,
    revocations: revocations.current,
    status() {
      const { settings } = reload.config()
      const { ca } = roster.current()
      return {
        version,
        ready: notReady() === undefined,
        masters: masters(),
        ca: { url: ca.url, ...stateOf(ca) },
        queue: { light: slots.waiting(0), report: slots.waiting(1), catalog: slots.waiting(2) },
        certificates: certificateEndsOf(settings).map(({ role, notAfter, source }) => ({
          role,
          notAfter: notAfter.toISOString(),
          source
        })),
        crl: crlStatus(revocations.current()),
        reload: reload.status()
      }
    }
  }
}

function crlStatus(lists: ReturnType<ControlPlane['revocations']['current']>): Status['crl'] {
  if (!lists) return null
  const { entries, thisUpdateMs, nextUpdateMs, number, source, isLate, expired } = lists
  const iso = (ms: number) => new Date(ms).toISOString()
  return {
    entries,
    thisUpdate: iso(thisUpdateMs),
    nextUpdate: nextUpdateMs === undefined ? null : iso(nextUpdateMs),
    number: number ?? null,
    source,
    late: isLate ? expired : null
  }
}

/** What control metrics show, read when they are scraped. */
export function metricFacts(
  { roster, supervisor, memory, reload, revocations, probeFailures }: ControlPlane,
  log: ControlFacts['log'],
  wallClock: Runtime['wallClock']
) {
  const { board, slots } = memory
  const members = () => [...roster.current().masters, roster.current().ca]
  return {
    connections() {
      const { sum } = memory.connections
      const [open, secured, active] = [sum('open'), sum('secured'), sum('active')]
      return { handshake: Math.max(0, open - secured), idle: Math.max(0, secured - active), active }
    },
    probeFailures: () => probeFailures.of(members().map(({ name }) => name)),
    masters: () =>
      members().map(({ name, id, seat, mode }) => ({
        name,
        state: supervisor.stateOf(id),
        inFlight: board.inFlight(seat),
        capacity: supervisor.watchOf(id)?.load?.capacity(),
        isMember: mode !== 'leaving'
      })),
    queueDepth: () => [slots.waiting(0), slots.waiting(1), slots.waiting(2)],
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
    certificates: () =>
      new Map(
        certificateEndsOf(reload.config().settings).map(({ role, notAfter }) => [
          role,
          notAfter.getTime() / 1000
        ])
      ),
    log,
    reload: () => reload.status()
  }
}
