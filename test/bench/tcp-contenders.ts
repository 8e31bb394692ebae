import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stage } from './benchmark.ts'
import type { Material } from './material.ts'
import { haproxyArguments } from './peers/haproxy.ts'
import type { Command, Wrap } from './peers/programs.ts'
import { puppetLbArguments } from './peers/puppet-lb.ts'
import { adminPort, tcpPorts } from './ports.ts'
import { untilListening } from './proxies.ts'
import type { TcpPlaces } from './tcp-messages.ts'

/** Who passes bytes on, ours first; `direct` is nobody, so that agent and master are one connection. */
export const tcpNames = ['puppet-lb', 'pipe', 'haproxy', 'haproxy-splice', 'direct'] as const
export type TcpName = (typeof tcpNames)[number]

/** What tables call them. */
export const tcpTitles: Readonly<Record<TcpName, string>> = {
  'puppet-lb': 'puppet-lb, `listen.tcp`',
  pipe: 'two sockets of Node, piped',
  haproxy: 'HAProxy, `mode tcp`',
  'haproxy-splice': 'HAProxy, `mode tcp`, `option splice-auto`',
  direct: 'nothing in between'
}

export interface TcpContender {
  readonly name: TcpName
  readonly port: number
  /** `undefined` where nobody is in between. */
  readonly pid: number | undefined
}

/** Starts one with one thread, in front of a master that listens already; resolves when it takes connections. */
export async function startTcpContender(
  name: TcpName,
  places: TcpPlaces,
  {
    material,
    wrap,
    processes
  }: Pick<Stage, 'processes'> & { readonly material: Material; readonly wrap: Wrap }
): Promise<TcpContender> {
  if (name === 'direct') return { name, port: places.port, pid: undefined }
  const port = tcpPorts[name]
  const file = join(material.directory, `${name}.tcp.conf`)
  writeFileSync(file, name === 'puppet-lb' ? puppetLbText(places, material) : haproxyText(name, places.port))
  const started = await processes.start({
    ...commandOf(name, file, places.port, wrap),
    channel: name === 'pipe'
  })
  await Promise.race([untilListening(port), started.died])
  return { name, port, pid: started.pid }
}

function commandOf(name: Exclude<TcpName, 'direct'>, file: string, to: number, wrap: Wrap): Command {
  switch (name) {
    case 'puppet-lb':
      return { command: process.execPath, args: puppetLbArguments(file) }
    case 'pipe':
      return {
        command: process.execPath,
        args: [join(import.meta.dirname, 'tcp-pipe.ts'), String(tcpPorts.pipe), String(to)]
      }
    default:
      return wrap({ command: 'haproxy', args: haproxyArguments(file) })
  }
}

/** Its health checks find the master by the certificate that all masters of the benchmark have. */
function puppetLbText({ port, caPort }: TcpPlaces, material: Material): string {
  return JSON.stringify({
    listen: {
      host: '127.0.0.1',
      port: 0,
      workers: 1,
      tcp: [{ port: tcpPorts['puppet-lb'], pool: 'raw' }]
    },
    tls: { cert: material.serverCert, key: material.serverKey, ca: material.ca },
    ca: { url: `http://127.0.0.1:${caPort}` },
    masters: [{ name: 'raw', url: `https://127.0.0.1:${port}`, pools: ['raw'] }],
    admin: { port: adminPort },
    log: { level: 'warn' }
  })
}

function haproxyText(name: TcpName, port: number): string {
  return `
global
  nbthread 1
defaults
  mode tcp
  ${name === 'haproxy-splice' ? 'option splice-auto' : ''}
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen raw
  bind 127.0.0.1:${tcpPorts[name as 'haproxy']}
  balance leastconn
  server raw 127.0.0.1:${port} check
`
}
