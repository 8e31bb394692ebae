import type { CaRegistry } from './ca-registry.ts'
import type { Authority } from './certificates.ts'
import type { MasterTls } from './master-listener.ts'

/** Draws a duration in milliseconds; `random` gives 0 (included) to 1 (excluded). */
export type DrawDuration = (random: () => number) => number

/** How a simulated master is made; everything but the name has a default. */
export interface SimulatedMasterOptions {
  /** Its name in `X-Puppet-Compiler-Name`. */
  readonly name: string
  /** Default plain HTTP. */
  readonly tls?: MasterTls
  /** JRuby instances: how many requests are worked on at a time. Default 4. */
  readonly jrubies?: number
  /** Makes this master the CA; one without a registry signs every proper request at once. */
  readonly ca?: Authority | CaRegistry
  /** How long a catalog takes in its JRuby. Default: no time. */
  readonly compileMs?: DrawDuration
  /** How long any other request takes in its JRuby. Default: no time. */
  readonly lightMs?: DrawDuration
  /** Part of every file: masters with different values serve different content. Default `1`. */
  readonly codeVersion?: string
  /** Length of a file by its path. Default 2 KiB. */
  readonly fileBytes?: (path: string) => number
  /** What it says it is. Default 8.7.0. */
  readonly version?: string
  /** Whether it takes identity from headers (`allow-header-cert-info`), or from the client's certificate. Default true. */
  readonly trustsHeaders?: boolean
  /** Paths that no rule of its `auth.conf` allows anybody, by how they begin. Default none. */
  readonly denies?: readonly string[]
  /** Environments it has. Default `production`. */
  readonly environments?: readonly string[]
}
