import { Registry } from 'prom-client'
import t from 'tap'
import { masterStates } from '../../src/model/master.ts'
import { shownModes } from '../../src/model/status.ts'
import { type ControlFacts, createControlMetrics } from '../../src/telemetry/metrics.ts'
import { roomy } from '../admin/scene.ts'

const m1 = {
  name: 'm1',
  source: 'file' as const,
  state: 'up',
  mode: 'active',
  inFlight: 3,
  capacity: 4,
  isMember: true
}
const ca = {
  name: 'ca',
  source: 'file' as const,
  state: 'up',
  mode: 'active',
  inFlight: 1,
  capacity: undefined,
  isMember: true
}

/** Metrics of a control plane that knows these facts; the facts may change between scrapes. */
function setUp(facts: Partial<ControlFacts> = {}) {
  const registry = new Registry()
  const control = createControlMetrics(registry, {
    masters: () => [],
    connections: () => ({ handshake: 0, idle: 0, active: 0, tcp: 0 }),
    probeFailures: () => [],
    ejections: () => [],
    dnsFailures: () => [],
    pools: () => [],
    poolCapacity: () => [],
    code: () => [],
    queueDepth: () => [0, 0, 0],
    crl: () => undefined,
    crlFetch: () => undefined,
    certificates: () => new Map(),
    caDocuments: () => new Map(),
    agents: () => ({ seen: new Map(), expiring: new Map(), versions: new Map() }),
    ownCertificate: () => 'good',
    log: { totalLost: () => 0, faults: () => 0 },
    ...facts
  })
  return {
    control,
    /** The series of one metric, without comments. */
    async series(name: string): Promise<readonly string[]> {
      const lines = (await registry.metrics()).split('\n')
      return lines.filter(line => line.startsWith(`puppet_lb_${name}`)).map(line => line.slice(10))
    }
  }
}

t.test('the capacity of pools is told as far as it is known', async t => {
  const unknown = { ...roomy, pool: 'dmz', full: null, headroomAgents: null, without: [] }
  const alone = {
    ...roomy,
    pool: 'site',
    without: [{ master: 'x', utilization: null, headroomAgents: null }]
  }
  const { series } = setUp({ poolCapacity: () => [roomy, unknown, alone] })
  t.same(await series('utilization'), [
    'utilization{pool="default"} 0.62',
    'utilization{pool="dmz"} 0.62',
    'utilization{pool="site"} 0.62'
  ])
  t.same(await series('full_utilization'), [
    'full_utilization{pool="default"} 0.97',
    'full_utilization{pool="site"} 0.97'
  ])
  t.same(await series('headroom_agents'), [
    'headroom_agents{pool="default"} 4100',
    'headroom_agents{pool="site"} 4100'
  ])
  t.same(await series('headroom_without_one_agents'), ['headroom_without_one_agents{pool="default"} 900'])
})

t.test('the CA is up or down as masters are, but it is none of the members and has no capacity', async t => {
  const { series } = setUp({ masters: () => [m1, ca] })
  t.same(await series('master_up'), ['master_up{master="m1"} 1', 'master_up{master="ca"} 1'])
  t.same(await series('capacity'), ['capacity{master="m1"} 4'])
  t.same(await series('in_flight'), ['in_flight{master="m1"} 3', 'in_flight{master="ca"} 1'])
  t.same(await series('roster_members'), [
    'roster_members{source="file"} 1',
    'roster_members{source="srv"} 0',
    'roster_members{source="addresses"} 0'
  ])
})

t.test('one that has left and ends its work is told of, but is no member', async t => {
  const { series } = setUp({ masters: () => [m1, { ...m1, name: 'old', isMember: false }] })
  t.same(await series('roster_members'), [
    'roster_members{source="file"} 1',
    'roster_members{source="srv"} 0',
    'roster_members{source="addresses"} 0'
  ])
  t.same(await series('in_flight{master="old"}'), ['in_flight{master="old"} 3'])
})

t.test('members are told by where their membership comes from', async t => {
  const found = { ...m1, name: 'm2:8140', source: 'srv' as const }
  const { series } = setUp({ masters: () => [m1, found, { ...found, name: 'm3:8140' }] })
  t.same(await series('roster_members'), [
    'roster_members{source="file"} 1',
    'roster_members{source="srv"} 2',
    'roster_members{source="addresses"} 0'
  ])
})

t.test('lookups that failed are told by name', async t => {
  const { series } = setUp({ dnsFailures: () => [{ name: 'm1.example.com', count: 2 }] })
  t.same(await series('dns_failures_total'), ['dns_failures_total{name="m1.example.com"} 2'])
  t.same(await series('dns_failures_total'), ['dns_failures_total{name="m1.example.com"} 2'])
})

t.test('bad probes are told by master and cause', async t => {
  const { series } = setUp({ probeFailures: () => [{ master: 'm1', fault: 'EMFILE', count: 3 }] })
  t.same(await series('probe_failures_total'), ['probe_failures_total{master="m1",cause="EMFILE"} 3'])
  t.same(await series('probe_failures_total'), ['probe_failures_total{master="m1",cause="EMFILE"} 3'])
})

t.test('who is gone is gone from the next scrape', async t => {
  let masters = [m1, { ...m1, name: 'm2' }]
  const { series } = setUp({ masters: () => masters })
  t.equal((await series('master_up')).length, 2)
  masters = [m1]
  t.same(await series('master_up'), ['master_up{master="m1"} 1'])
  t.equal((await series('master_state')).length, masterStates.length)
})

for (const state of masterStates)
  t.test(`a master that is ${state} says so, and nothing else`, async t => {
    const { series } = setUp({ masters: () => [{ ...m1, state }] })
    const isUp = !['down', 'unknown', 'silent'].includes(state)
    t.same(await series('master_up'), [`master_up{master="m1"} ${isUp ? 1 : 0}`])
    for (const each of masterStates)
      t.same(await series(`master_state{master="m1",state="${each}"}`), [
        `master_state{master="m1",state="${each}"} ${each === state ? 1 : 0}`
      ])
  })

for (const mode of shownModes)
  t.test(`a master that is ${mode} says so, and nothing else`, async t => {
    const { series } = setUp({ masters: () => [{ ...m1, mode }] })
    for (const each of shownModes)
      t.same(await series(`master_mode{master="m1",mode="${each}"}`), [
        `master_mode{master="m1",mode="${each}"} ${each === mode ? 1 : 0}`
      ])
  })

t.test('the queue is told by rank', async t => {
  const { series } = setUp({ queueDepth: () => [1, 2, 3] })
  t.same(await series('queue_depth'), [
    'queue_depth{class="light"} 1',
    'queue_depth{class="report"} 2',
    'queue_depth{class="catalog"} 3'
  ])
})

t.test('without revocation lists nothing is said of them', async t => {
  let crl: ReturnType<ControlFacts['crl']> = { ageSeconds: 60, nextUpdateSeconds: 5_000, entries: 7 }
  const { series } = setUp({ crl: () => crl })
  t.same(await series('crl_'), [
    'crl_age_seconds 60',
    'crl_next_update_timestamp_seconds 5000',
    'crl_entries 7'
  ])
  crl = { ...crl, nextUpdateSeconds: undefined }
  t.same(await series('crl_next'), [])
  crl = undefined
  t.same(await series('crl_'), [])
})

t.test('a reload that fails leaves the time of the last good one', async t => {
  const { control, series } = setUp()
  control.attempted(true)
  const [at] = await series('config_last_reload_success_timestamp_seconds')
  control.attempted(false)
  t.same(await series('config_reloads_total'), [
    'config_reloads_total{result="success"} 1',
    'config_reloads_total{result="failure"} 1'
  ])
  t.same(await series('config_last_reload_success '), ['config_last_reload_success 0'])
  t.same(await series('config_last_reload_success_timestamp_seconds'), [at])
  control.attempted(true)
  t.same(await series('config_last_reload_success '), ['config_last_reload_success 1'])
})

t.test('how fetching revocation lists goes is shown once the CA is asked', async t => {
  let crlFetch: ReturnType<ControlFacts['crlFetch']>
  const { series } = setUp({ crlFetch: () => crlFetch })
  t.same(await series('crl_fetch'), [])
  crlFetch = { answeredAtMs: undefined, failures: new Map([['refused', 2]]) }
  t.same(await series('crl_fetch'), ['crl_fetch_failures_total{cause="refused"} 2'])
  crlFetch = { ...crlFetch, answeredAtMs: 5_000 }
  t.same(await series('crl_fetch'), [
    'crl_fetch_success_timestamp_seconds 5',
    'crl_fetch_failures_total{cause="refused"} 2'
  ])
})
