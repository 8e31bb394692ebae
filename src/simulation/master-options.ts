import type { Runtime } from '../model/runtime.ts'
import type { Authority } from './certificates.ts'
import type { Dice } from './dice.ts'
import type { MasterTls } from './master-listener.ts'

/** A duration in milliseconds, fixed or thrown anew for each request. */
export type Duration = number | ((dice: Dice) => number)

/** How a simulated master is made; everything but the name has a default. */
export interface SimulatedMasterOptions {
  readonly name: string
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: the system chooses. */
  readonly port?: number
  /** Default plain HTTP. */
  readonly tls?: MasterTls
  /** Default false: identity from the X-Client-… headers. True: from the certificate of the TLS peer. */
  readonly trustPeer?: boolean
  /** JRuby instances: how many requests are worked on at a time. Default 4. */
  readonly jrubies?: number
  /** Makes this master the CA. */
  readonly ca?: Authority
  /** Whether the CA signs what is asked of it at once. Default true. */
  readonly autosign?: boolean
  /** Version of Puppet Server it claims to be. Default 8.7.0. */
  readonly version?: string
  /** How long a catalog takes in its JRuby. Default 0. */
  readonly compileMs?: Duration
  /** How long any other request takes in its JRuby. Default 0. */
  readonly lightMs?: Duration
  /** Length of a file from a module. Default 2048. */
  readonly fileBytes?: number
  /** Files of a catalog when the agent's fact `demo_files` does not say. Default 3. */
  readonly files?: number
  /** Files that pluginsync finds. Default 3. */
  readonly plugins?: number
  /** Bytes added to each catalog. Default 0. */
  readonly catalogPadding?: number
  /** Part of every file: masters with different values serve different content. Default `1`. */
  readonly codeVersion?: string
  /** Compress JSON of 2 KiB and more for clients that accept it, as Jetty does. Default false. */
  readonly gzip?: boolean
  /** Puppet Server's `max-queued-requests`. Default 0: off. */
  readonly maxQueued?: number
  /** Puppet Server's `max-retry-delay`, in seconds. Default 1800. */
  readonly maxRetryDelayS?: number
  /** Certnames that may use the administrative API. Default: every authenticated one. */
  readonly admins?: readonly string[]
  /** After this long without a request a connection is closed. Default 30 s, as Jetty's. */
  readonly idleTimeoutMs?: number
  /** How many requests are remembered. Default 10,000; the oldest are forgotten. */
  readonly keepRequests?: number
  /** Default: the system's. */
  readonly runtime?: Runtime
  /** Makes the dice repeatable; default: the dice of the runtime. */
  readonly seed?: number
}
