import { Counter, Gauge, type Registry } from 'prom-client'

const PREFIX = 'puppet_lb_'

/** What a data plane counts of the ways in beside HTTPS: raw TCP, and balancers in front. */
export function createWayMetrics(registry: Registry) {
  const registers = [registry]
  return {
    tcpConnections: new Gauge({
      name: `${PREFIX}tcp_connections`,
      help: 'Connections that are passed on as raw TCP, by the port of their listener: connecting to a master, or open.',
      labelNames: ['port', 'state'] as const,
      registers
    }),
    tcpConnectionsTotal: new Counter({
      name: `${PREFIX}tcp_connections_total`,
      help: 'The same, once they are over, by master (empty: none took it) and by how they ended.',
      labelNames: ['port', 'master', 'end'] as const,
      registers
    }),
    tcpBytes: new Counter({
      name: `${PREFIX}tcp_bytes_total`,
      help: 'Bytes that were passed on as raw TCP: in from agents, and out to them.',
      labelNames: ['port', 'direction'] as const,
      registers
    }),
    proxyHeadersRefused: new Counter({
      name: `${PREFIX}proxy_headers_refused_total`,
      help: 'Connections that had to begin with a header of the PROXY protocol and were refused for it, by reason.',
      labelNames: ['reason'] as const,
      registers
    })
  }
}
