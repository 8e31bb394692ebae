import { join } from 'node:path'
import { type Material, serverName, tls13Suites } from './material.ts'
import { adminPort, type BackendPorts, type ProxyName, proxyPorts, type Scheme } from './ports.ts'

/**
 * One job for three proxies: one thread; TLS 1.2 and 1.3 with the same certificate and no resumed sessions; client
 * certificate asked for; certificate requests to the CA master, the rest to the master with the fewest open
 * requests; connections kept alive on both sides; three identity headers set and forged ones gone; one access log
 * line a request, with the certname, into a file. HAProxy and nginx are tuned where their defaults would cost them.
 */
export interface RecipeOptions {
  readonly material: Material
  readonly scheme: Scheme
  readonly ports: BackendPorts
}

/** The file of an access log in the directory of certificates. */
export function accessLogOf({ material, scheme }: RecipeOptions, name: ProxyName): string {
  return join(material.directory, `${name}.${scheme}.access.log`)
}

/**
 * HAProxy 2.6 has no fetch for a PEM certificate: it is put together from the DER form. The 1 KB it keeps free for
 * added headers is too little for an RSA-4096 certificate once a body has filled the buffer: a catalog request
 * would be answered 500.
 */
export function haproxyConfig({ material, scheme, ports }: RecipeOptions): string {
  const tls = `ssl verify required ca-file ${material.ca} verifyhost ${serverName} sni str(${serverName})`
  const server = (port: number) =>
    `  server m${port} 127.0.0.1:${port} check inter 5s ${scheme === 'https' ? tls : ''}`
  return `
global
  nbthread 1
  log stdout format raw local0 info
  tune.ssl.cachesize 0
  tune.bufsize 32768
  tune.maxrewrite 8192
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-bind-ciphersuites ${tls13Suites}
defaults
  mode http
  log global
  log-format "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %[ssl_c_s_dn(cn)] %{+Q}r"
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout http-keep-alive 75s
  timeout server 10m
frontend agents
  bind 127.0.0.1:${proxyPorts.haproxy} ssl crt ${material.serverBoth} ca-file ${material.ca} verify optional alpn http/1.1
  http-request del-header X-Client- -m beg
  http-request del-header X_Client_ -m beg
  acl verified ssl_c_verify 0
  http-request set-header X-Client-Verify NONE unless { ssl_c_used }
  http-request set-header X-Client-Verify SUCCESS if { ssl_c_used } verified
  http-request set-header X-Client-DN %[ssl_c_s_dn(,0,rfc2253)] if { ssl_c_used } verified
  http-request set-header X-Client-Cert -----BEGIN%%20CERTIFICATE-----%%0A%[ssl_c_der,base64,url_enc]%%0A-----END%%20CERTIFICATE-----%%0A if { ssl_c_used } verified
  acl to_ca path_beg /puppet-ca/
  acl to_ca path_reg ^/[A-Za-z0-9_]+/certificate
  use_backend ca if to_ca
  default_backend masters
backend masters
  balance leastconn
  option httpchk GET /status/v1/simple
${ports.masters.map(server).join('\n')}
backend ca
${server(ports.ca)}
`
}

/** nginx drops headers with underscores by itself. Its buffers are large enough to write no temporary files. */
export function nginxConfig(options: RecipeOptions): string {
  const { material, scheme, ports } = options
  const { directory } = material
  const pool = (servers: readonly number[]) => `
    ${servers.map(port => `server 127.0.0.1:${port};`).join(' ')}
    keepalive 32; keepalive_requests 100000000; keepalive_timeout 300s;`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(kind => `${kind}_temp_path ${join(directory, kind)};`)
    .join(' ')
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes 1; pid ${join(directory, 'nginx.pid')}; error_log stderr warn;
events { worker_connections 1024; }
http {
  ${temporary}
  log_format agents '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time '
    '$upstream_addr $upstream_response_time $ssl_client_s_dn';
  access_log ${accessLogOf(options, 'nginx')} agents;
  upstream masters { least_conn; ${pool(ports.masters)} }
  upstream ca { ${pool([ports.ca])} }
  server {
    listen 127.0.0.1:${proxyPorts.nginx} ssl;
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
    proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
    proxy_ssl_trusted_certificate ${material.ca}; proxy_ssl_verify on; proxy_ssl_verify_depth 3;
    proxy_ssl_name ${serverName}; proxy_ssl_server_name on;
    location /puppet-ca/ { proxy_pass ${scheme}://ca; }
    location ~ ^/\\w+/certificate { proxy_pass ${scheme}://ca; }
    location / { proxy_pass ${scheme}://masters; }
  }
}
`
}

/** The defaults, with one worker thread as the others have one. */
export function puppetLbConfig({ material, scheme, ports }: RecipeOptions): string {
  // The rivals send as many requests at a time as there are; so that all three do the same, there is no waiting here.
  const master = (port: number) =>
    `  - { name: m${port}, url: "${scheme}://127.0.0.1:${port}", capacity: 1000 }`
  return `
listen: { host: 127.0.0.1, port: ${proxyPorts['puppet-lb']}, workers: 1 }
tls: { cert: ${material.serverCert}, key: ${material.serverKey}, ca: ${material.ca} }
ca: { url: "${scheme}://127.0.0.1:${ports.ca}" }
masters:
${ports.masters.map(master).join('\n')}
upstream: { tls: { serverName: ${serverName} } }
admin: { host: 127.0.0.1, port: ${adminPort} }
`
}
