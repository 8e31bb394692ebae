import { type AlertCase, of } from './alert-case.ts'

const DAY_S = 86_400
const ends = (cert: string) => of('certificate_not_after_timestamp_seconds', `cert="${cert}"`)

/** Certificates and revocation lists. */
export const certificates: readonly AlertCase[] = [
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
    // Started anew while the CA is away, which failed once long ago: the last list came before that.
    alert: 'PuppetLbCrlNotFetched',
    series: {
      [of('crl_fetch_success_timestamp_seconds')]: '0+60x100 _x100',
      [of('crl_fetch_failures_total', 'cause="refused"')]: '1x100 1+1x100'
    },
    quietAt: 155,
    firesAt: 165,
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
