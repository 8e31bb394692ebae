import { serverName, tls13Suites } from '../material.ts'
import type { PeerName } from './names.ts'
import type { Site, SiteMaster } from './site.ts'

export type HaproxyName = Extract<PeerName, `haproxy${string}`>

/** What each of them does beyond choosing the master with the fewest requests. */
const kinds: Readonly<Record<HaproxyName, Kind>> = {
  haproxy: { isBounded: false, hasPriorities: false, sticks: 'nothing' },
  'haproxy-maxconn': { isBounded: true, hasPriorities: false, sticks: 'nothing' },
  'haproxy-priority': { isBounded: true, hasPriorities: true, sticks: 'nothing' },
  'haproxy-phase': { isBounded: true, hasPriorities: true, sticks: 'phase' },
  'haproxy-expert': { isBounded: true, hasPriorities: true, sticks: 'run' }
}

interface Kind {
  readonly isBounded: boolean
  readonly hasPriorities: boolean
  /** What of a run stays with one master; `phase`: all up to the catalog, and all from it on. */
  readonly sticks: 'nothing' | 'phase' | 'run'
}

/** Runs as it is, without a service manager. */
export function haproxyArguments(file: string): readonly string[] {
  return ['-db', '-f', file]
}

/**
 * HAProxy as somebody sets it up who knows it and Puppet.
 *
 * - It has no fetch for a PEM certificate: that is put together from the DER form. The 1 KB it keeps free for added
 *   headers is too little for an RSA-4096 certificate once a body has filled the buffer: such a catalog request would
 *   be answered 500. The buffer holds the facts, which a retry needs.
 * - Agents resume no session, and a resumed one would skip the revocation list: it keeps none and issues no tickets.
 * - Connections to masters stay open and are shared by all agents; idle ones are kept.
 * - Requests wait here as long as in puppet-lb; those of agents that have left do not.
 */
export function haproxyConfig(name: HaproxyName, site: Site): string {
  const kind = kinds[name]
  const { material } = site
  const text = `
global
  nbthread ${site.threads}
  ${site.accessLog === undefined ? '' : 'log stdout format raw local0 info'}
  tune.ssl.cachesize 0
  tune.bufsize 32768
  tune.maxrewrite 8192
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-bind-ciphersuites ${tls13Suites}
defaults
  mode http
  ${site.accessLog === undefined ? '' : accessLogLines}
  option http-keep-alive
  option abortonclose
  http-reuse always
  timeout connect 5s
  timeout http-request 30s
  timeout client 75s
  timeout http-keep-alive 75s
  timeout queue 5m
  timeout server 10m
${retryLines(kind)}
frontend agents
  bind 127.0.0.1:${site.port} ssl crt ${material.serverBoth} ca-file ${material.ca} crl-file ${material.crl} verify optional alpn http/1.1
  http-request del-header X-Client- -m beg
  http-request del-header X_Client_ -m beg
  acl verified ssl_c_verify 0
  http-request set-header X-Client-Verify NONE unless { ssl_c_used }
  http-request set-header X-Client-Verify SUCCESS if { ssl_c_used } verified
  http-request set-header X-Client-DN %[ssl_c_s_dn(,0,rfc2253)] if { ssl_c_used } verified
  http-request set-header X-Client-Cert -----BEGIN%%20CERTIFICATE-----%%0A%[ssl_c_der,base64,url_enc]%%0A-----END%%20CERTIFICATE-----%%0A if { ssl_c_used } verified
${priorityLines(kind)}
  use_backend masters if { path_beg /puppet/v3/ }
  use_backend ca if { path_beg /puppet-ca/ } || { path_reg ^/[A-Za-z0-9_]+/certificate }
  default_backend masters
backend masters
  balance leastconn
  option httpchk GET /status/v1/simple
${stickLines(kind, site)}
${site.masters.map(master => serverLine(master, kind, site)).join('\n')}
backend ca
  server ca 127.0.0.1:${site.caPort} ${tlsOf(site)}
`
  return text.replaceAll(/\n\s*(?=\n)/g, '')
}

const accessLogLines = `log global
  log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %[ssl_c_s_dn(cn)] %{+Q}r"`

/** Who knows Puppet sends again, to another master, what got no answer; a report is never sent twice. */
function retryLines({ hasPriorities }: Kind): string {
  if (!hasPriorities) return '  option redispatch'
  return `  option redispatch 1
  retry-on conn-failure empty-response`
}

/** Light requests are of class 0. Lower ones come first, in the queues of servers and of the backend alike. */
function priorityLines({ hasPriorities }: Kind): string {
  if (!hasPriorities) return ''
  return `  acl catalog path_beg /puppet/v3/catalog/
  acl report path_beg /puppet/v3/report/
  http-request set-priority-class int(1) if report
  http-request set-priority-class int(2) if catalog
  http-request disable-l7-retry if { method PUT }`
}

/** The next run of an agent, some half an hour later, may choose. */
function stickLines({ sticks }: Kind, { runGapMs }: Site): string {
  const table = `  stick-table type string len 255 size 100k expire ${Math.round(runGapMs)}ms`
  switch (sticks) {
    case 'nothing':
      return ''
    case 'run':
      return `${table}
  stick on ssl_c_s_dn(cn)`
    case 'phase':
      return `${table}
  stick match ssl_c_s_dn(cn) unless { path_beg /puppet/v3/catalog/ }
  stick store-request ssl_c_s_dn(cn)`
  }
}

function serverLine({ name, port, jrubies, weight }: SiteMaster, { isBounded }: Kind, site: Site): string {
  const bound = isBounded ? `maxconn ${jrubies}` : ''
  const words = [
    `  server ${name} 127.0.0.1:${port} check inter ${site.probeMs} weight ${weight}`,
    'pool-purge-delay 60s',
    bound,
    tlsOf(site)
  ]
  return words.filter(word => word !== '').join(' ')
}

function tlsOf({ scheme, material }: Site): string {
  if (scheme === 'http') return ''
  return `ssl verify required ca-file ${material.ca} verifyhost ${serverName} sni str(${serverName})`
}
