import { type AdminOptions, startAdmin } from '../../src/admin/server.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import type { AskedName } from '../../src/model/asked-name.ts'
import type { PoolCapacity } from '../../src/model/capacity.ts'
import type { AdminBoot } from '../../src/model/settings.ts'
import type { MasterStatus, ReloadReport, StatusReport } from '../../src/model/status.ts'
import { type FakeRuntime, fakeRuntime } from '../support/runtime.ts'
import { overviewOf } from './overview.ts'

type Test = { teardown: (task: () => unknown) => void }

export const boot: AdminBoot = Object.freeze({
  host: '127.0.0.1',
  port: 0,
  hosts: [],
  token: undefined,
  metricsToken: false,
  socket: undefined
})

const alpha: MasterStatus = {
  name: 'alpha',
  url: 'https://alpha.example.com:8140',
  pools: ['default'],
  source: 'file',
  state: 'up',
  mode: 'active',
  weight: 75,
  configuredWeight: 75,
  priority: 0,
  capacity: 12,
  inFlight: 3,
  cause: null
}

export const status: StatusReport = Object.freeze<StatusReport>({
  version: '0.1.0',
  ready: true,
  masters: [
    alpha,
    {
      ...alpha,
      name: 'b',
      state: 'down',
      mode: 'draining',
      weight: 1,
      configuredWeight: 10,
      priority: 1,
      inFlight: 0,
      cause: 'ECONNREFUSED'
    }
  ],
  ca: { url: 'https://ca.example.com:8140', state: 'up', cause: null },
  queue: { light: 0, report: 2, catalog: 31 },
  certificates: [
    { role: 'server', notAfter: '2026-03-02T00:00:00.000Z', source: '/etc/puppet-lb/server.pem' },
    { role: 'ca-1', notAfter: '2025-12-31T00:00:00.000Z', source: '/etc/puppet-lb/ca.pem' }
  ],
  ownCertificate: { state: 'good', cause: null },
  crl: {
    entries: 3,
    thisUpdate: '2025-12-30T00:00:00.000Z',
    nextUpdate: '2026-01-30T00:00:00.000Z',
    number: '7',
    source: '/etc/puppet-lb/crl.pem',
    fetchedAt: null,
    problem: null,
    late: null
  },
  reload: { at: '2026-01-01T00:00:00.000Z', ok: true, problems: [], needsRestart: ['listen.port'] },
  code: [],
  capacity: [],
  descriptors: { granted: 65_536, reserved: 200, upstream: 40, agents: 20_000 },
  log: { fault: null, linesLost: 0 },
  kept: [{ name: 'rr/192.0.2.9', mode: 'maint', weight: null }],
  work: [],
  refused: { certificates: 0, limits: 0 }
})

/** A pool of which all is known. */
export const roomy: PoolCapacity = Object.freeze<PoolCapacity>({
  ...{ pool: 'default', jrubies: 16, minutes: 30, utilization: 0.62, busiestMinute: 0.81, full: 0.97 },
  ...{ headroomAgents: 4_100, runIntervalSeconds: 1_800, unknown: null },
  without: [
    { master: 'alpha', utilization: 0.7, headroomAgents: 2_000 },
    { master: 'b', utilization: 0.83, headroomAgents: 900 }
  ]
})

export const names: readonly AskedName[] = [
  { name: 'old.example.com', handshakes: 7, failed: 5, lastSeen: '2026-01-01T00:00:00.000Z' }
]

export const reloaded: ReloadReport = Object.freeze<ReloadReport>({
  ...status.reload,
  changed: [{ key: 'balance.policy', from: 'least-loaded', to: 'round-robin' }],
  warnings: []
})

/** An admin listener over fakes, and what was asked of them. */
export async function startScene(
  t: Test,
  {
    admin = {},
    deps = {}
  }: { readonly admin?: Partial<AdminBoot>; readonly deps?: Partial<AdminOptions> } = {}
) {
  const runtime: FakeRuntime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  let reloads = 0
  const server = await startAdmin({
    admin: { ...boot, ...admin },
    hostname: 'lb-1.site',
    metrics: async () => 'puppet_lb_up 1\n',
    why: async () => undefined,
    names: async () => names,
    agents: async () => ({ total: 0, agents: [] }),
    notReady: () => undefined,
    status: () => status,
    overview: () => overviewOf(status),
    masters: () => status.masters,
    reload: async () => {
      reloads++
      return reloaded
    },
    handOver: () => ({ status: 503, sentence: 'Nobody can take over.' }),
    operate: async () => ({ done: [], masters: [], warnings: [] }),
    flush: async environment => ({ environment: environment ?? null, done: true, masters: [] }),
    settings: () => ({ 'balance.policy': 'least-loaded' }),
    events,
    runtime,
    ...deps
  })
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= server.close()
    return closed
  }
  t.teardown(close)
  return {
    port: server.port,
    origin: `http://127.0.0.1:${server.port}`,
    close,
    release: server.release,
    reopen: server.reopen,
    runtime,
    events,
    reloads: () => reloads
  }
}
