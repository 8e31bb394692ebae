import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { isOut, masterStates } from '../model/master.ts'
import { shownModes } from '../model/status.ts'
import { type AgentFacts, createAgentMetrics } from './agent-metrics.ts'
import { type CapacityFacts, createCapacityMetrics } from './capacity-metrics.ts'
import {
  type CertificateFacts,
  createCaCopyMetrics,
  createCertificateMetrics
} from './certificate-metrics.ts'
import { type CodeFacts, createCodeMetrics } from './code-metrics.ts'
import { createFetchMetrics, type FetchFacts } from './fetch-metrics.ts'
import { createLogMetrics, type LogFacts } from './log-metrics.ts'
import { createOwnMetrics, type OwnFacts } from './own-metrics.ts'
import { createPoolMetrics, type PoolFacts } from './pool-metrics.ts'
import { createPoolTraffic } from './pool-traffic.ts'
import { createReachMetrics, type ReachFacts } from './reach-metrics.ts'
import { createSourceMetrics, type Member, type SourceFacts } from './source-metrics.ts'
import { createWayMetrics } from './way-metrics.ts'

/** Seconds. Small answers take milliseconds, compiles take minutes; agents give up after ten. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]

const PREFIX = 'puppet_lb_'

/**
 * What a data plane counts. Labels are bounded: classes, configured master names, status codes and reason codes;
 * never a path or a certname. Durations are observed in seconds.
 */
export function createTrafficMetrics(registry: Registry) {
  const registers = [registry]
  return {
    requests: new Counter({
      name: `${PREFIX}requests_total`,
      help: 'Requests ended, by endpoint class, master asked last (empty: none was) and status code; 499: agent gone.',
      labelNames: ['class', 'master', 'code'] as const,
      registers
    }),
    requestDuration: new Histogram({
      name: `${PREFIX}request_duration_seconds`,
      help: 'From the request header read to the answer handed over or the agent gone.',
      labelNames: ['class'] as const,
      buckets: DURATION_BUCKETS,
      registers
    }),
    upstreamDuration: new Histogram({
      name: `${PREFIX}upstream_duration_seconds`,
      help: 'From handing a request to a master to the end of its answer.',
      labelNames: ['class', 'master'] as const,
      buckets: DURATION_BUCKETS,
      registers
    }),
    queueDuration: new Histogram({
      name: `${PREFIX}queue_seconds`,
      help: 'How long requests waited for a JRuby, or for masters or a CA that were away, those included that gave up or were sent away.',
      labelNames: ['class'] as const,
      buckets: DURATION_BUCKETS,
      registers
    }),
    retries: new Counter({
      name: `${PREFIX}retries_total`,
      help: 'Attempts after the first, by what ended the one before: `connect-failed`, `own-fault`, `master-lost`, `master-busy` (503 with Retry-After), `master-unavailable` (503 without), `master-answer` (no HTTP) or `master-silent`.',
      labelNames: ['reason'] as const,
      registers
    }),
    shed: new Counter({
      name: `${PREFIX}shed_total`,
      help: 'Requests answered "not now" by the balancer, with and without Retry-After, by reason.',
      labelNames: ['reason'] as const,
      registers
    }),
    limitRefusals: new Counter({
      name: `${PREFIX}limit_refusals_total`,
      help: 'What was refused beyond a limit: `connections`, `perAddress`, `perCertname`, `queuePlaces` of one certname, `caPlaces` for those who wait for the CA, or `descriptors` where the system grants too few.',
      labelNames: ['limit'] as const,
      registers
    }),
    ...createPoolTraffic(registry, DURATION_BUCKETS),
    ...createWayMetrics(registry),
    ...createCaCopyMetrics(registry),
    handshakes: new Counter({
      name: `${PREFIX}tls_handshakes_total`,
      help: 'TLS handshakes with agents: `success`, `failure`, or `abandoned` by a client that hung up in the middle. A connection on which nobody said a byte has none.',
      labelNames: ['result'] as const,
      registers
    }),
    clientVerify: new Counter({
      name: `${PREFIX}client_verify_total`,
      help: 'Connections by client certificate: `success`, `none`, `failed`.',
      labelNames: ['result'] as const,
      registers
    })
  }
}

export type TrafficMetrics = ReturnType<typeof createTrafficMetrics>

/** What the control plane knows at the moment of a scrape. */
export interface ControlFacts
  extends ReachFacts,
    SourceFacts,
    PoolFacts,
    CapacityFacts,
    CodeFacts,
    CertificateFacts,
    FetchFacts,
    AgentFacts,
    LogFacts,
    OwnFacts {
  readonly masters: () => readonly (Member & {
    readonly state: string
    readonly mode: string
    readonly inFlight: number
    /** JRubies; `undefined` for the CA, which is not queued for. */
    readonly capacity: number | undefined
  })[]
  /** Requests that wait for a JRuby: light, report, catalog. */
  readonly queueDepth: () => readonly number[]
  readonly crl: () =>
    | {
        readonly ageSeconds: number
        readonly nextUpdateSeconds: number | undefined
        readonly entries: number
      }
    | undefined
}

/** The names of the queue's ranks in metrics. */
const rankNames = ['light', 'report', 'catalog'] as const

/** Gauges read from the control plane when scraped, so that they cannot go stale. */
export function createControlMetrics(registry: Registry, facts: ControlFacts) {
  const registers = [registry]
  new Gauge({
    name: `${PREFIX}master_up`,
    help: '1 while the master answers its health checks, else 0. The CA master is `ca`.',
    labelNames: ['master'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, state } of facts.masters()) {
        this.set({ master: name }, isOut(state) ? 0 : 1)
      }
    }
  })
  new Gauge({
    name: `${PREFIX}master_state`,
    help: '1 for the state the master is in, 0 for every other: `unknown`, `up`, `down`, `ejected`, `warming` (none of its JRubies is made yet), `silent` (no word comes from it).',
    labelNames: ['master', 'state'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, state } of facts.masters()) {
        for (const each of masterStates) this.set({ master: name, state: each }, each === state ? 1 : 0)
      }
    }
  })
  new Gauge({
    name: `${PREFIX}master_mode`,
    help: '1 for the mode the master is in, what it is wanted for, 0 for every other: `active`, `draining`, `drained`, `maint`, `leaving`.',
    labelNames: ['master', 'mode'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, mode } of facts.masters()) {
        for (const each of shownModes) this.set({ master: name, mode: each }, each === mode ? 1 : 0)
      }
    }
  })
  createReachMetrics(registry, facts)
  createOwnMetrics(registry, PREFIX, facts)
  new Gauge({
    name: `${PREFIX}in_flight`,
    help: 'Requests open at the master, those included whose agent has left.',
    labelNames: ['master'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, inFlight } of facts.masters()) this.set({ master: name }, inFlight)
    }
  })
  new Gauge({
    name: `${PREFIX}capacity`,
    help: 'JRubies of the master: requests it runs at once, as configured or as it says.',
    labelNames: ['master'] as const,
    registers,
    collect() {
      this.reset()
      for (const { name, capacity } of facts.masters()) {
        if (capacity !== undefined) this.set({ master: name }, capacity)
      }
    }
  })
  new Gauge({
    name: `${PREFIX}queue_depth`,
    help: 'Requests that wait for a JRuby, or for masters that are away, by rank: `light`, `report`, `catalog`.',
    labelNames: ['class'] as const,
    registers,
    collect() {
      this.reset()
      const depths = facts.queueDepth()
      for (const [rank, name] of rankNames.entries()) this.set({ class: name }, depths[rank] ?? 0)
    }
  })
  new Gauge({
    name: `${PREFIX}crl_age_seconds`,
    help: 'Since the oldest certificate revocation list in force was issued. Absent without one.',
    registers,
    collect() {
      this.remove()
      const crl = facts.crl()
      if (crl) this.set(crl.ageSeconds)
    }
  })
  new Gauge({
    name: `${PREFIX}crl_next_update_timestamp_seconds`,
    help: 'When the first certificate revocation list in force is out of date. Absent without one.',
    registers,
    collect() {
      this.remove()
      const at = facts.crl()?.nextUpdateSeconds
      if (at !== undefined) this.set(at)
    }
  })
  new Gauge({
    name: `${PREFIX}crl_entries`,
    help: 'Certificates that the revocation lists in force name. Absent without one.',
    registers,
    collect() {
      this.remove()
      const crl = facts.crl()
      if (crl) this.set(crl.entries)
    }
  })
  createCertificateMetrics(registry, facts)
  createFetchMetrics(registry, facts)
  createPoolMetrics(registry, facts)
  createCapacityMetrics(registry, facts)
  createCodeMetrics(registry, facts)
  createSourceMetrics(registry, facts)
  createAgentMetrics(registry, facts)
  createLogMetrics(registry, facts.log)
  const crlRefusals = new Counter({
    name: `${PREFIX}crl_refused_total`,
    help: 'Revocation lists that were refused, of a file or of the CA: `older`, `same-number`, `infrastructure`, `delta`, `partial`, `indirect`, `critical-extension`, `future`, `foreign`, `missing`, `damaged`, `unreadable`. The same ones count once.',
    labelNames: ['reason'] as const,
    registers
  })
  return {
    ...createReloadMetrics(registry),
    /** Counts one file that was refused. */
    crlRefused: (reason: string) => crlRefusals.inc({ reason })
  }
}

/** How reloads ended. The start counts as one. */
function createReloadMetrics(registry: Registry) {
  const registers = [registry]
  const reloads = new Counter({
    name: `${PREFIX}config_reloads_total`,
    help: 'Times the configuration was read: `success` or `failure`. The start counts as one.',
    labelNames: ['result'] as const,
    registers
  })
  const success = new Gauge({
    name: `${PREFIX}config_last_reload_success`,
    help: '1 when the last reading of the configuration went well, else 0.',
    registers
  })
  const succeededAt = new Gauge({
    name: `${PREFIX}config_last_reload_success_timestamp_seconds`,
    help: 'When the configuration was last read well.',
    registers
  })
  return {
    /** Counts one reading of the configuration. */
    attempted(ok: boolean) {
      reloads.inc({ result: ok ? 'success' : 'failure' })
      success.set(ok ? 1 : 0)
      if (ok) succeededAt.setToCurrentTime()
    }
  }
}

export type ControlMetrics = ReturnType<typeof createControlMetrics>
