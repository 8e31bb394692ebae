import { type AlertCase, of } from './alert-case.ts'

const upOf = (master: string) => of('master_up', `master="${master}"`)
const activeOf = (master: string) => of('master_mode', `master="${master}",mode="active"`)

/** Whether there is somebody who serves. */
export const serving: readonly AlertCase[] = [
  {
    alert: 'PuppetLbGone',
    series: { 'up{job="puppet-lb",instance="lb-1"}': '1x5 0x10' },
    quietAt: 6,
    firesAt: 8,
    summary: 'The balancer lb-1 does not answer.'
  },
  {
    // Nobody names one any more.
    alert: 'PuppetLbGone',
    series: { 'up{job="puppet-lb",instance="lb-1"}': '1x5 _x20' },
    quietAt: 5,
    firesAt: 15,
    isOfAll: true,
    summary: 'No balancer is found to be asked.'
  },
  {
    // One is down, and the other drained.
    alert: 'PuppetLbNoMaster',
    series: {
      [upOf('m1')]: '1x5 0x10',
      [activeOf('m1')]: '1x15',
      [upOf('m2')]: '1x15',
      [activeOf('m2')]: '0x15'
    },
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
    series: {
      [upOf('m1')]: '1x2 0x20',
      [activeOf('m1')]: '1x22',
      [upOf('m2')]: '0x22',
      [activeOf('m2')]: '0x22'
    },
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
