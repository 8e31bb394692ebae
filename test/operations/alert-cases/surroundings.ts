import { type AlertCase, of } from './alert-case.ts'

/** What is around it: configuration, DNS, others in front, raw TCP, its log. */
export const surroundings: readonly AlertCase[] = [
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
