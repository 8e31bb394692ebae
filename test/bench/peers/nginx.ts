import { join } from 'node:path'
import { serverName, tls13Suites } from '../material.ts'
import type { Site } from './site.ts'

export function nginxArguments(file: string): readonly string[] {
  return ['-e', 'stderr', '-c', file]
}

/**
 * It drops headers with underscores by itself. Its buffers are large enough to write no temporary files; its
 * connections to masters stay open. Several processes share what they know of the masters.
 */
export function nginxConfig(site: Site): string {
  const { material, scheme, masters, threads } = site
  const { directory } = material
  const pool = (name: string, servers: readonly string[]) =>
    `upstream ${name} { ${threads > 1 ? `zone ${name} 256k;` : ''} least_conn; ${servers.join(' ')}
    keepalive 128; keepalive_requests 100000000; keepalive_timeout 300s; }`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(kind => `${kind}_temp_path ${join(directory, kind)};`)
    .join(' ')
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off; worker_processes ${threads}; pid ${join(directory, 'nginx.pid')}; error_log stderr crit;
events { worker_connections 4096; }
http {
  ${temporary}
  log_format agents '$remote_addr [$time_local] "$request" $status $body_bytes_sent $request_time '
    '$upstream_addr $upstream_response_time $ssl_client_s_dn';
  access_log ${site.accessLog === undefined ? 'off' : `${site.accessLog} agents`};
  ${pool(
    'masters',
    masters.map(({ port, weight }) => `server 127.0.0.1:${port} weight=${weight};`)
  )}
  ${pool('ca', [`server 127.0.0.1:${site.caPort};`])}
  server {
    listen 127.0.0.1:${site.port} ssl${threads > 1 ? ' reuseport' : ''};
    server_name ${serverName};
    ssl_certificate ${material.serverCert}; ssl_certificate_key ${material.serverKey};
    ssl_client_certificate ${material.ca}; ssl_verify_client optional; ssl_verify_depth 3;
    ssl_crl ${material.crl};
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
