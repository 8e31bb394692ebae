import type { Material } from '../material.ts'

/** How a proxy speaks to the masters. */
export const schemes = ['http', 'https'] as const
export type Scheme = (typeof schemes)[number]

/** A master as the configuration of a proxy names it. */
export interface SiteMaster {
  readonly name: string
  readonly port: number
  /** How many requests it works on at a time. */
  readonly jrubies: number
  /** Its share of the connections, where masters are not equal; 1 to 256. */
  readonly weight: number
}

/** One job, for which each peer has its configuration. Everything listens on 127.0.0.1. */
export interface Site {
  readonly material: Material
  readonly scheme: Scheme
  readonly masters: readonly SiteMaster[]
  /** Whether masters tell puppet-lb their JRubies, as Puppet Server does; else it is told in its configuration. */
  readonly mastersTell: boolean
  readonly caPort: number
  readonly port: number
  /** Of puppet-lb's admin listener. */
  readonly adminPort: number
  /** Worker threads; processes of nginx. */
  readonly threads: number
  /** A line for each request, with the certname, into this file; without it, none. */
  readonly accessLog: string | undefined
  readonly probeMs: number
  /** How long a certname may ask for nothing before its next request begins another run. */
  readonly runGapMs: number
}
