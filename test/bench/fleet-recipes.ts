import { join } from 'node:path'
import type { FleetMaster } from './fleet-plan.ts'
import { type Material, serverName, tls13Suites } from './material.ts'

/** Everything of this benchmark listens on 127.0.0.1, in 18500 to 18599. Nothing listens at `ca`: no run needs it. */
export const fleetPorts = {
  proxy: 18500,
  ca: 18502,
  firstMaster: 18510,
  furtherProxy: 18550,
  admin: 18560
} as const

/** The port of a proxy by its place among several of the same. */
export function proxyPortOf(index: number): number {
  return index === 0 ? fleetPorts.proxy : fleetPorts.furtherProxy + index
}

export const fleetProxyNames = ['puppet-lb', 'haproxy-maxconn', 'haproxy', 'nginx'] as const
export type FleetProxyName = (typeof fleetProxyNames)[number]

/** What tables and charts call them. */
export const fleetProxyTitles: Readonly<Record<FleetProxyName, string>> = {
  'puppet-lb': 'puppet-lb',
  'haproxy-maxconn': 'HAProxy leastconn, maxconn = JRubies',
  haproxy: 'HAProxy leastconn',
  nginx: 'nginx least_conn'
}

export interface FleetRecipeOptions {
  readonly material: Material
  readonly masters: readonly FleetMaster[]
  /** Which of several it is, from 0; only of puppet-lb are there several. */
  readonly index: number
  /** How often puppet-lb probes masters. */
  readonly probeMs: number
}

/** How a proxy is started. */
export interface FleetRecipe {
  readonly text: string
  readonly command: string
  readonly args: readonly string[]
}

/** Probes of all proxies alike; compressed like everything else, they would be most of the load. */
export const PROBE_MS = 1000

/** The configuration of a proxy, to be written to `file`, and the command that runs it. */
export function recipeOf(name: FleetProxyName, file: string, options: FleetRecipeOptions): FleetRecipe {
  switch (name) {
    case 'puppet-lb': {
      const main = join(import.meta.dirname, '../../src/main.ts')
      const args = [main, 'serve', '--config', file]
      return { text: puppetLbConfig(options), command: process.execPath, args }
    }
    case 'haproxy':
    case 'haproxy-maxconn': {
      const text = haproxyConfig(options, name === 'haproxy-maxconn')
      return { text, command: 'haproxy', args: ['-db', '-f', file] }
    }
    case 'nginx':
      return { text: nginxConfig(options), command: 'nginx', args: ['-e', 'stderr', '-c', file] }
  }
}

/** The port of a master by its place in the fleet. */
export function portOf(index: number): number {
  return fleetPorts.firstMaster + index
}

/** The defaults but for workers and probes; it learns the JRubies from the masters. */
function puppetLbConfig({ material, masters, index: own, probeMs }: FleetRecipeOptions): string {
  return `
listen: { host: 127.0.0.1, port: ${proxyPortOf(own)}, workers: 1 }
tls: { cert: ${material.serverCert}, key: ${material.serverKey}, ca: ${material.ca} }
ca: { url: "http://127.0.0.1:${fleetPorts.ca}" }
masters:
${masters.map(({ name }, index) => `  - { name: ${name}, url: "http://127.0.0.1:${portOf(index)}" }`).join('\n')}
health: { interval: ${probeMs}ms, timeout: ${Math.min(probeMs, PROBE_MS)}ms }
admin: { host: 127.0.0.1, port: ${fleetPorts.admin + own} }
log: { level: warn }
`
}

/** Servers weigh as much as they have JRubies. The queue waits as long as puppet-lb's by default. */
function haproxyConfig({ material, masters }: FleetRecipeOptions, isBounded: boolean): string {
  const server = ({ name, jrubies }: FleetMaster, index: number) => {
    const bound = isBounded ? ` maxconn ${jrubies}` : ''
    return `  server ${name} 127.0.0.1:${portOf(index)} check inter ${PROBE_MS} weight ${jrubies}${bound}`
  }
  return `
global
  nbthread 1
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-bind-ciphersuites ${tls13Suites}
defaults
  mode http
  option http-keep-alive
  option redispatch
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout queue 5m
  timeout server 10m
frontend agents
  bind 127.0.0.1:${fleetPorts.proxy} ssl crt ${material.serverBoth} ca-file ${material.ca} verify optional alpn http/1.1
  http-request del-header X-Client- -m beg
  http-request set-header X-Client-Verify NONE unless { ssl_c_used }
  http-request set-header X-Client-Verify SUCCESS if { ssl_c_used } { ssl_c_verify 0 }
  http-request set-header X-Client-DN %[ssl_c_s_dn(,0,rfc2253)] if { ssl_c_used }
  default_backend masters
backend masters
  balance leastconn
  option httpchk GET /status/v1/simple
${masters.map(server).join('\n')}
`
}

/** Its connections to masters stay open; servers weigh as much as they have JRubies. */
function nginxConfig({ material, masters }: FleetRecipeOptions): string {
  const { directory } = material
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(kind => `${kind}_temp_path ${join(directory, kind)};`)
    .join(' ')
  const servers = masters
    .map(({ jrubies }, index) => `server 127.0.0.1:${portOf(index)} weight=${jrubies};`)
    .join(' ')
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${join(directory, 'nginx.pid')}; error_log stderr crit;
events { worker_connections 4096; }
http {
  ${temporary}
  access_log off;
  upstream masters { least_conn; ${servers} keepalive 128; keepalive_requests 100000000; keepalive_timeout 300s; }
  server {
    listen 127.0.0.1:${fleetPorts.proxy} ssl;
    server_name ${serverName};
    ssl_certificate ${material.serverCert}; ssl_certificate_key ${material.serverKey};
    ssl_client_certificate ${material.ca}; ssl_verify_client optional; ssl_verify_depth 3;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
    ssl_prefer_server_ciphers on; ssl_conf_command Ciphersuites ${tls13Suites};
    keepalive_timeout 75s; keepalive_requests 100000000;
    client_max_body_size 0; client_body_buffer_size 64k; proxy_buffers 32 4k;
    proxy_read_timeout 10m; proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header X-Client-Verify $ssl_client_verify;
    proxy_set_header X-Client-DN $ssl_client_s_dn;
    location / { proxy_pass http://masters; }
  }
}
`
}
