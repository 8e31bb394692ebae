import { type PeerName, peerNames } from './peers/names.ts'
import type { Scheme } from './peers/site.ts'

/** Everything listens on 127.0.0.1, in 18400 to 18499. */
const firstPort = 18400
export const adminPort = 18409

/** Where each proxy listens, all at the same time. */
export function proxyPort(name: PeerName): number {
  return firstPort + peerNames.indexOf(name)
}

/** Of those that pass raw TCP on. */
export const tcpPorts = { 'puppet-lb': 18430, pipe: 18431, haproxy: 18432, 'haproxy-splice': 18433 } as const

export interface BackendPorts {
  readonly masters: readonly number[]
  readonly ca: number
}

export const backendPorts: Readonly<Record<Scheme, BackendPorts>> = {
  http: { masters: [18410, 18411, 18412], ca: 18413 },
  https: { masters: [18420, 18421, 18422], ca: 18423 }
}
