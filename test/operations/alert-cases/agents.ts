import { type AlertCase, of, requests } from './alert-case.ts'

/** How agents fare. */
export const agents: readonly AlertCase[] = [
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
    // Its agents have gone to the other one.
    alert: 'PuppetLbQuiet',
    series: {
      [requests('class="catalog",master="m1",code="200"')]: '0+60x30 1800x120',
      [requests('class="catalog",master="m1",code="200"', 'lb-2')]: '0+60x30 1800+120x120'
    },
    quietAt: 85,
    isWholeSite: true
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
