import type { AgentStatus } from '../../src/model/agents.ts'
import type { MasterWork, Overview, RunsOfMinute } from '../../src/model/overview.ts'
import type { MasterStatus, PoolStatus, Status } from '../../src/model/status.ts'
import { manyMasters, overviewOf } from '../admin/overview.ts'
import { roomy, status } from '../admin/scene.ts'

const alpha = status.masters[0] as MasterStatus
const well: Status = {
  ...status,
  masters: manyMasters(3, alpha),
  queue: { light: 0, report: 1, catalog: 4 },
  certificates: [
    { role: 'server', notAfter: '2028-06-01T00:00:00.000Z', source: '/etc/puppet-lb/cert.pem' },
    { role: 'ca-1', notAfter: '2031-01-01T00:00:00.000Z', source: '/etc/puppet-lb/ca.pem' }
  ],
  reload: { ...status.reload, needsRestart: [] },
  code: [
    {
      environment: 'production',
      versions: 2,
      differsSince: '2026-01-01T12:05:00.000Z',
      masters: ['4f1c2a91d0c3b5a7e6f8901234567890abcdef12', '77aa01'].flatMap((version, index) =>
        [0, 1].map(each => ({
          name: `master-${2 * index + each}`,
          version,
          since: '2026-01-01T11:00:00.000Z',
          seen: '2026-01-01T12:33:00.000Z'
        }))
      )
    },
    { environment: 'test', versions: 0, differsSince: null, masters: [] }
  ],
  capacity: [
    roomy,
    { ...roomy, pool: 'dmz', utilization: 0.99, headroomAgents: -1_200 },
    {
      ...roomy,
      pool: 'new',
      full: null,
      headroomAgents: null,
      unknown: 'counting began less than 5 minutes ago'
    }
  ],
  kept: []
}

/** An agent as `/api/agents` tells it. */
export const agent = (certname: string, over: Partial<AgentStatus> = {}): AgentStatus => ({
  ...{
    certname,
    lastSeen: '2026-01-01T12:20:00.000Z',
    lastRunSeconds: 41.2,
    reported: true,
    compileSeconds: 8.1
  },
  ...{ requests: 31, requestsPerHour: 62, failures: 0, failure: null, failedRuns: 0, version: '8.10.0' },
  ...{
    environment: 'production',
    master: 'master-1',
    certificateNotAfter: '2030-01-01T00:00:00.000Z',
    ...over
  }
})

const agents: Overview['agents'] = {
  seen: { hour: 19_800, day: 20_000 },
  failing: {
    total: 17,
    agents: [
      agent('web01.example.com', { failures: 1, failure: 'catalog', failedRuns: 12 }),
      agent(`${'db'.repeat(60)}.example.com`, { failures: 2, failure: 'answers', failedRuns: 1 })
    ]
  },
  expiring: {
    total: 1,
    agents: [agent('old.example.com', { certificateNotAfter: '2026-01-09T00:00:00.000Z' })]
  },
  slow: { total: 20_000, agents: [agent('monitor.example.com', { compileSeconds: 181 })] }
}

/** What masters do in a busy hour. */
function busy(masters: readonly MasterStatus[]): readonly MasterWork[] {
  return masters.map(({ capacity }, index) => ({
    taken: Math.min(capacity, 3 + (index % 8)),
    ghosts: index % 3 === 1 ? 1 : 0,
    foreign: index % 4 === 2 ? 1 : 0,
    catalogs: 800 + 13 * index,
    share: 1 / masters.length,
    failedShare: index % 7 === 3 ? 0.012 : 0,
    compile: { p50Ms: 3_400 + 100 * index, p99Ms: 14_000 + 900 * index }
  }))
}

/** Agents that come together at two minutes of the half hour. */
const runs: readonly RunsOfMinute[] = Array.from({ length: 60 }, (_, index) => {
  const at = new Date(Date.parse('2026-01-01T11:34:00.000Z') + index * 60_000)
  const crowd = at.getUTCMinutes() % 30 === 0 ? 260 : at.getUTCMinutes() % 30 === 1 ? 120 : 0
  return { at: at.toISOString(), given: 210 + ((index * 37) % 50) + crowd, failed: index % 9 === 0 ? 12 : 1 }
})

const events = Array.from({ length: 30 }, (_, index) => ({
  id: 30 - index,
  at: new Date(Date.parse('2026-01-01T12:34:00.000Z') - index * 97_000).toISOString(),
  kind: ['master-up', 'master-down', 'reload', 'crl', 'master-ejected'][index % 5] as string,
  text: `master-${index % 3} ${['is up', 'is down: ECONNREFUSED', 'was reloaded'][index % 3]}`
}))

function seen(masters: readonly MasterStatus[], over: Partial<Status> = {}): Overview {
  return overviewOf({ ...well, masters, ...over }, { work: busy(masters), runs, events, agents })
}

/** How pools of these names stand. */
const pools = (...names: readonly string[]): readonly PoolStatus[] =>
  names.map((name, index) => ({ name, up: index, queue: { light: 12, report: 3, catalog: 1_204 } }))

/** A long name without a place to break it, of strange letters, and one that would be HTML. */
const longNames = [
  `puppetserver-${'very-'.repeat(20)}long.compile.site-a.example.com`,
  'x'.repeat(180),
  '"><b onclick=alert(1)>päppet</b>&amp;'
]

/** What the page is looked at with. */
export const overviews = {
  'three masters': seen(manyMasters(3, alpha)),
  'sixty masters': seen(
    manyMasters(60, alpha).map((master, index) => ({
      ...master,
      pools: index % 5 === 0 ? ['default', 'dmz'] : ['default'],
      ...(index === 17 && { state: 'down' as const, cause: 'no answer within 3 s' }),
      ...(index === 23 && { mode: 'drained' as const, weight: 0 })
    })),
    { pools: pools('default', 'dmz') }
  ),
  'all masters down': overviewOf(
    {
      ...well,
      ready: false,
      masters: manyMasters(3, { ...alpha, state: 'down', cause: 'ECONNREFUSED: nobody listens at that port' })
    },
    { notReady: 'no master can serve', events }
  ),
  'long names': seen(
    longNames.map(name => ({
      ...alpha,
      name,
      url: `https://${name.replace(/[^a-z.-]/g, '')}.example.com:8140`,
      state: 'ejected' as const,
      cause: `it fails what others can do: ${'e'.repeat(120)}`,
      pools: [name]
    })),
    { pools: pools(...longNames, 'default') }
  ),
  'no master at all': overviewOf({ ...well, masters: [], ready: false }, { notReady: 'no master can serve' })
} as const satisfies Readonly<Record<string, Overview>>
