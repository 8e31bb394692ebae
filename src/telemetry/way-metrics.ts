import { Counter, Gauge, type Registry } from 'prom-client'

const PREFIX = 'puppet_lb_'

/** What a data plane counts of the ways in beside HTTPS: raw TCP, and balancers in front. */
export function createWayMetrics(registry: Registry) {
  const registers = [registry]
  return {
    tcpConnections: new Gauge({
      name: `${PREFIX}tcp_connections`,
      help: 'Connections that are passed on as raw TCP, by the port of their listener: `connecting` to a master, or `open`.',
      labelNames: ['port', 'state'] as const,
      registers
    }),
    tcpConnectionsTotal: new Counter({
      name: `${PREFIX}tcp_connections_total`,
      help: 'Connections of raw TCP that are over, by master (empty: none took it) and end: `complete`, `agent-gone`, `master-lost`, `no-master`, `own-fault` (the balancer itself lacked descriptors or ports), `idle`, `cut`.',
      labelNames: ['port', 'master', 'end'] as const,
      registers
    }),
    tcpBytes: new Counter({
      name: `${PREFIX}tcp_bytes_total`,
      help: 'Bytes that were passed on as raw TCP: `in` from agents, `out` to them.',
      labelNames: ['port', 'direction'] as const,
      registers
    }),
    proxyHeadersRefused: new Counter({
      name: `${PREFIX}proxy_headers_refused_total`,
      help: 'Connections of a balancer in front whose PROXY header was `absent`, `malformed`, `too-long`, `checksum` (wrong) or not there in time (`timeout`).',
      labelNames: ['reason'] as const,
      registers
    })
  }
}
