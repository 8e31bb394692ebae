/** What a Prometheus would have seen, and what it is to say then. */
export interface AlertCase {
  readonly alert: string
  /** Samples of each series, one a minute, in the notation of promtool: `1x5` is six times 1, `0+60x5` counts up. */
  readonly series: Readonly<Record<string, string>>
  /** Minutes since the start at which it must not fire yet. */
  readonly quietAt: number
  /** Minutes at which it must. Without it the case shows that it never does. */
  readonly firesAt?: number
  /** Labels of the alert, beside its severity, `job` and `instance`. */
  readonly labels?: Readonly<Record<string, string>>
  readonly summary?: string
  /** For an alert that is about all balancers together. */
  readonly isOfAll?: true
}

const own = 'job="puppet-lb",instance="lb-1"'

/** A series of one balancer: `of('in_flight', 'master="m1"')`. */
function of(name: string, labels = ''): string {
  return `puppet_lb_${name}{${own}${labels && `,${labels}`}}`
}

const requests = (labels: string) => of('requests_total', labels)
const queued = (le: string) => of('queue_seconds_bucket', `class="catalog",le="${le}"`)
const compiled = (master: string, le: string) =>
  of('upstream_duration_seconds_bucket', `class="catalog",master="${master}",le="${le}"`)
const stateOf = (master: string, labels = '') => ({
  up: of('master_up', `master="${master}"${labels}`),
  active: of('master_mode', `master="${master}",mode="active"`)
})

const m1 = stateOf('m1')
const m2 = stateOf('m2')

const serving: readonly AlertCase[] = [
  {
    alert: 'PuppetLbGone',
    series: { [`up{${own}}`]: '1x5 0x10' },
    quietAt: 6,
    firesAt: 8,
    summary: 'The balancer lb-1 does not answer.'
  },
  {
    // One is down, and the other drained.
    alert: 'PuppetLbNoMaster',
    series: { [m1.up]: '1x5 0x10', [m1.active]: '1x15', [m2.up]: '1x15', [m2.active]: '0x15' },
    quietAt: 5,
    firesAt: 8,
    summary: 'lb-1 has no master for new runs: all are down or out of service.'
  },
  {
    alert: 'PuppetLbPoolEmpty',
    series: { [of('pool_masters_up', 'pool="site-b"')]: '1x5 0x10' },
    quietAt: 7,
    firesAt: 9,
    labels: { pool: 'site-b' },
    summary: 'lb-1 has no master in the pool site-b.'
  },
  {
    // The other one is in maintenance.
    alert: 'PuppetLbMasterDown',
    series: { [m1.up]: '1x2 0x20', [m1.active]: '1x22', [m2.up]: '0x22', [m2.active]: '0x22' },
    quietAt: 6,
    firesAt: 9,
    labels: { master: 'm1' },
    summary: 'm1 is down, says lb-1.'
  },
  {
    alert: 'PuppetLbCaDown',
    series: { [of('master_up', 'master="ca"')]: '1x2 0x20' },
    quietAt: 6,
    firesAt: 9,
    labels: { master: 'ca' },
    summary: 'The CA is down, says lb-1: no new agent can enrol.'
  },
  {
    alert: 'PuppetLbMasterEjected',
    series: { [of('ejections_total', 'master="m1",fault="connects"')]: '0x5 1 2 3 4 5x30' },
    quietAt: 7,
    firesAt: 15,
    labels: { master: 'm1', fault: 'connects' },
    summary: 'm1 is taken out again and again: it fails connects.'
  },
  {
    alert: 'PuppetLbOutOfServiceLong',
    series: { [of('master_mode', 'master="m1",mode="drained"')]: '1x1500' },
    quietAt: 1400,
    firesAt: 1450,
    labels: { master: 'm1', mode: 'drained' },
    summary: 'm1 has been drained for a day.'
  }
]

const agents: readonly AlertCase[] = [
  {
    alert: 'PuppetLbErrors',
    series: {
      [requests('class="light",master="m1",code="200"')]: '0+54x40',
      [requests('class="catalog",master="m1",code="500"')]: '0+6x40'
    },
    quietAt: 5,
    firesAt: 20,
    summary: '10% of the requests at lb-1 fail.'
  },
  {
    // Agents that are told to come back have not failed.
    alert: 'PuppetLbErrors',
    series: {
      [requests('class="catalog",master="m1",code="200"')]: '0+30x40',
      [requests('class="catalog",master="",code="503"')]: '0+30x40'
    },
    quietAt: 30
  },
  {
    alert: 'PuppetLbCatalogsFail',
    series: {
      [requests('class="catalog",master="m1",code="200"')]: '0+3x40',
      [requests('class="catalog",master="m1",code="500"')]: '0+3x40',
      [requests('class="catalog",master="m2",code="200"')]: '0+6x40'
    },
    quietAt: 5,
    firesAt: 20,
    labels: { master: 'm1' },
    summary: 'm1 fails 50% of its catalogs.'
  },
  {
    alert: 'PuppetLbTurnsAway',
    series: { [of('shed_total', 'reason="overloaded"')]: '0+60x40' },
    quietAt: 14,
    firesAt: 25,
    labels: { reason: 'overloaded' },
    summary: 'lb-1 sends agents away: overloaded.'
  },
  {
    alert: 'PuppetLbQuiet',
    series: { [requests('class="catalog",master="m1",code="200"')]: '0+60x30 1800x120' },
    quietAt: 50,
    firesAt: 85,
    isOfAll: true,
    summary: 'No agent gets a catalog any more; an hour ago agents did.'
  },
  {
    // After a restart the series is not there until the first catalog.
    alert: 'PuppetLbQuiet',
    series: { [requests('class="catalog",master="m1",code="200"')]: '0+60x30 _x120' },
    quietAt: 50,
    firesAt: 85,
    isOfAll: true,
    summary: 'No agent gets a catalog any more; an hour ago agents did.'
  },
  {
    alert: 'PuppetLbAgentsLeave',
    series: {
      [requests('class="catalog",master="m1",code="200"')]: '0+54x60',
      [requests('class="catalog",master="m1",code="499"')]: '0+6x60'
    },
    quietAt: 14,
    firesAt: 35,
    summary: '10% of the requests at lb-1 are given up by their agents.'
  },
  {
    alert: 'PuppetLbHandshakesFail',
    series: {
      [of('tls_handshakes_total', 'result="success"')]: '0+30x60',
      [of('tls_handshakes_total', 'result="abandoned"')]: '0+30x60',
      [of('tls_handshakes_total', 'result="failure"')]: '0+30x60'
    },
    quietAt: 14,
    firesAt: 35,
    summary: '50% of the TLS handshakes at lb-1 fail.'
  },
  {
    alert: 'PuppetLbCertificatesRefused',
    series: {
      [of('client_verify_total', 'result="success"')]: '0+30x60',
      [of('client_verify_total', 'result="none"')]: '0+15x60',
      [of('client_verify_total', 'result="failed"')]: '0+15x60'
    },
    quietAt: 14,
    firesAt: 35,
    summary: 'lb-1 refuses the certificates of 25% of the connections.'
  },
  {
    alert: 'PuppetLbLimit',
    series: { [of('limit_refusals_total', 'limit="perAddress"')]: '0+60x30' },
    quietAt: 4,
    firesAt: 15,
    labels: { limit: 'perAddress' },
    summary: 'lb-1 refuses what is beyond the limit perAddress.'
  }
]

const capacity: readonly AlertCase[] = [
  {
    alert: 'PuppetLbPoolFull',
    series: { [of('headroom_agents', 'pool="default"')]: '20x5 -30x60' },
    quietAt: 30,
    firesAt: 40,
    labels: { pool: 'default' },
    summary: 'The pool default at lb-1 is full.'
  },
  {
    alert: 'PuppetLbNoSpareMaster',
    series: { [of('headroom_without_one_agents', 'pool="default"')]: '-30x200' },
    quietAt: 110,
    firesAt: 130,
    labels: { pool: 'default' },
    summary: 'The pool default at lb-1 would be full without one of its masters.'
  },
  {
    // A deployment takes some minutes.
    alert: 'PuppetLbCodeDiffers',
    series: { [of('code_versions', 'environment="production"')]: '1x5 2x10 1x5 3x30' },
    quietAt: 35,
    firesAt: 42,
    labels: { environment: 'production' },
    summary: 'Masters behind lb-1 serve 3 versions of production.'
  },
  {
    alert: 'PuppetLbAgentCertificatesEnd',
    series: {
      [of('agent_certificates_expiring', 'within="30d"')]: '4x100',
      [of('agent_certificates_expiring', 'within="90d"')]: '9x100'
    },
    quietAt: 50,
    firesAt: 70,
    labels: { within: '30d' },
    summary: 'The certificates of 4 agents of lb-1 end within 30 days.'
  },
  {
    // JRubies of a master that is down are none.
    alert: 'PuppetLbSaturated',
    series: {
      [m1.up]: '1x60',
      [of('capacity', 'master="m1"')]: '4x60',
      [of('in_flight', 'master="m1"')]: '4x60',
      [m2.up]: '0x60',
      [of('capacity', 'master="m2"')]: '4x60',
      [of('in_flight', 'master="m2"')]: '0x60',
      [of('in_flight', 'master="ca"')]: '9x60'
    },
    quietAt: 10,
    firesAt: 40,
    summary: '100% of the JRubies behind lb-1 are at work.'
  },
  {
    alert: 'PuppetLbCatalogsWait',
    series: { [queued('120')]: '0x60', [queued('300')]: '0+60x60', [queued('+Inf')]: '0+60x60' },
    quietAt: 10,
    firesAt: 40,
    labels: { class: 'catalog' },
    summary: 'At lb-1 one catalog in a hundred waits for 4m 58s or longer.'
  },
  {
    alert: 'PuppetLbMasterSlow',
    series: Object.fromEntries(
      ['m1', 'm2', 'm3'].flatMap(master => [
        [compiled(master, '1'), master === 'm3' ? '0x90' : '0+60x90'],
        [compiled(master, '30'), master === 'm3' ? '0x90' : '0+60x90'],
        [compiled(master, '60'), '0+60x90'],
        [compiled(master, '+Inf'), '0+60x90']
      ])
    ),
    quietAt: 25,
    firesAt: 60,
    labels: { master: 'm3' },
    summary: 'm3 takes 45s for a catalog, three times what its like take.'
  }
]

const DAY_S = 86_400
const ends = (cert: string) => of('certificate_not_after_timestamp_seconds', `cert="${cert}"`)

const certificates: readonly AlertCase[] = [
  {
    // That of a revocation list has an alert of its own.
    alert: 'PuppetLbCertificateEnds',
    series: {
      [ends('server')]: `${10 * DAY_S}x100`,
      [ends('ca-1')]: `${1000 * DAY_S}x100`,
      [ends('crl')]: `${DAY_S}x100`
    },
    quietAt: 50,
    firesAt: 65,
    labels: { cert: 'server' },
    summary: 'The certificate server at lb-1 ends in 9d 22h 55m 0s.'
  },
  {
    alert: 'PuppetLbCertificateEndsNow',
    series: { [ends('server')]: `${10 * DAY_S}x10 ${DAY_S}x10`, [ends('crl')]: `${DAY_S}x20` },
    quietAt: 9,
    firesAt: 15,
    labels: { cert: 'server' },
    summary: 'The certificate server at lb-1 ends within two days, or has ended.'
  },
  {
    alert: 'PuppetLbRenewalDue',
    series: { [of('own_certificate_state', 'state="renewal-due"')]: '0x5 1x90' },
    quietAt: 60,
    firesAt: 70,
    labels: { state: 'renewal-due' },
    summary: 'lb-1 cannot renew its certificate by itself.'
  },
  {
    alert: 'PuppetLbCertificateBad',
    series: {
      [of('own_certificate_state', 'state="good"')]: '1x5 0x10',
      [of('own_certificate_state', 'state="revoked"')]: '0x5 1x10'
    },
    quietAt: 5,
    firesAt: 9,
    labels: { state: 'revoked' },
    summary: 'The certificate that lb-1 shows to agents is revoked.'
  },
  {
    alert: 'PuppetLbCrlNotFetched',
    series: { [of('crl_fetch_success_timestamp_seconds')]: '60x100' },
    quietAt: 55,
    firesAt: 90,
    summary: 'lb-1 has had no revocation list of the CA for an hour or longer.'
  },
  {
    // It has given none since the start, which went by those that were kept.
    alert: 'PuppetLbCrlNotFetched',
    series: { [of('crl_fetch_failures_total', 'cause="status-4xx"')]: '1+1x100' },
    quietAt: 55,
    firesAt: 65,
    summary: 'lb-1 has had no revocation list of the CA for an hour or longer.'
  },
  {
    alert: 'PuppetLbCrlEnds',
    series: { [of('crl_next_update_timestamp_seconds')]: `${3 * DAY_S}x100` },
    quietAt: 50,
    firesAt: 65,
    summary: 'A revocation list at lb-1 is out of date in 2d 22h 55m 0s, or is already.'
  },
  {
    alert: 'PuppetLbCrlRefused',
    series: { [of('crl_refused_total', 'reason="older"')]: '_x10 1x100' },
    quietAt: 8,
    firesAt: 20,
    labels: { reason: 'older' },
    summary: 'lb-1 refused a revocation list: older.'
  },
  {
    // An hour after the first one a second one is told too, and after two hours nothing.
    alert: 'PuppetLbCrlRefused',
    series: { [of('crl_refused_total', 'reason="older"')]: '_x10 1x80 2x200' },
    quietAt: 200,
    firesAt: 100,
    labels: { reason: 'older' },
    summary: 'lb-1 refused a revocation list: older.'
  }
]

const surroundings: readonly AlertCase[] = [
  {
    alert: 'PuppetLbReloadFailed',
    series: { [of('config_last_reload_success')]: '1x5 0x20' },
    quietAt: 9,
    firesAt: 15,
    summary: 'lb-1 could not take its configuration and goes on with the one before.'
  },
  {
    alert: 'PuppetLbDnsFails',
    series: { [of('dns_failures_total', 'name="_x-puppet._tcp.example.com"')]: '0+1x40' },
    quietAt: 5,
    firesAt: 25,
    labels: { name: '_x-puppet._tcp.example.com' },
    summary: 'lb-1 cannot look up _x-puppet._tcp.example.com.'
  },
  {
    alert: 'PuppetLbProxyHeaders',
    series: { [of('proxy_headers_refused_total', 'reason="absent"')]: '0+60x30' },
    quietAt: 4,
    firesAt: 15,
    labels: { reason: 'absent' },
    summary: 'lb-1 closes connections of the balancer in front: their PROXY header is absent.'
  },
  {
    alert: 'PuppetLbTcpFails',
    series: {
      [of('tcp_connections_total', 'port="8141",master="",end="no-master"')]: '0+60x30',
      [of('tcp_connections_total', 'port="8141",master="old-1",end="complete"')]: '0+60x30'
    },
    quietAt: 4,
    firesAt: 15,
    labels: { port: '8141', end: 'no-master' },
    summary: 'Connections at port 8141 of lb-1 fail: no-master.'
  },
  {
    alert: 'PuppetLbLogLost',
    series: {
      [of('log_lines_lost_total')]: '0x5 10x30',
      [of('log_faults_total', 'fault="reopen"')]: '0x40'
    },
    quietAt: 5,
    firesAt: 8,
    summary: 'lb-1 cannot write its log.'
  }
]

/** At least one case for each alert. */
export const alertCases: readonly AlertCase[] = [
  ...serving,
  ...agents,
  ...capacity,
  ...certificates,
  ...surroundings
]
