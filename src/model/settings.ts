/**
 * The configuration as the program uses it: files read, durations in milliseconds, defaults filled in,
 * frozen. `schema.ts` says what a file may contain, `load.ts` turns a file into this.
 */
export interface Config {
  /** Absolute path of the file this came from. */
  readonly file: string
  readonly listen: ListenConfig
  readonly tls: TlsConfig
  readonly ca: { readonly url: string }
  readonly masters: readonly MasterConfig[]
  readonly upstream: UpstreamConfig
  readonly health: HealthConfig
  readonly balance: { readonly policy: PolicyName; readonly affinity: Affinity }
  readonly queue: QueueConfig
  readonly admin: AdminConfig
  readonly log: { readonly level: LogLevel }
}

export interface ListenConfig {
  readonly host: string
  /** 0 lets the system choose, which is for tests. */
  readonly port: number
  /** Worker threads that share the port; 0 serves from the main thread. `auto` has become a number here. */
  readonly workers: number
  /** After SIGTERM, how long running requests may take to end before they are cut. */
  readonly drainTimeoutMs: number
}

/** A certificate with its key, both PEM: leaf first, then intermediates. */
export interface CertificateConfig {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export interface TlsConfig {
  /** One or more server certificates, of different key types when more than one (RSA beside ECDSA). */
  readonly certificates: readonly CertificateConfig[]
  /** PEM bundle of the Puppet CA: what an agent's certificate must chain to. */
  readonly ca: string
  readonly caFile: string
  /** The file is read again every `refreshMs`. */
  readonly crl: { readonly file: string; readonly refreshMs: number } | undefined
}

export interface MasterConfig {
  readonly name: string
  /** Origin only: `https://host:port` or `http://host:port`, no trailing slash. */
  readonly url: string
  /** 0 to 1000; 0 takes no new work. */
  readonly weight: number
  /** Tier: 0 first, the next one only when none before it can serve. */
  readonly priority: number
  /** JRubies it has; `undefined`: as many as it says itself. */
  readonly capacity?: number | undefined
}

export interface UpstreamConfig {
  readonly tls: {
    /**
     * PEM bundle masters' certificates must chain to; a file that names none gets `tls.ca`, the Puppet CA.
     * `undefined`, which no file can say, means the system's own roots.
     */
    readonly ca: string | undefined
    /** Certificate the proxy shows to masters that ask for one. */
    readonly client: CertificateConfig | undefined
    /** Name expected in the masters' certificates and sent as SNI; `undefined` means each URL's own host. */
    readonly serverName: string | undefined
    /** True unless the file says `dangerouslySkipVerification: true`. */
    readonly verify: boolean
  }
  readonly connectTimeoutMs: number
  /** From the last byte of the request sent to the first byte of the answer. */
  readonly responseTimeoutMs: number
}

export interface HealthConfig {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
}

export interface QueueConfig {
  /** Most requests that may wait for a JRuby, over all workers. */
  readonly limit: number
  readonly timeoutMs: number
  /** A forecast wait above which agents are told to come back later. */
  readonly shedAboveMs: number
}

export interface AdminConfig {
  readonly host: string
  readonly port: number
  /** Certnames that may call Puppet's administrative endpoints through the agents' listener. */
  readonly allow: readonly string[]
}

export const policyNames = ['least-loaded', 'round-robin', 'rendezvous'] as const
export type PolicyName = (typeof policyNames)[number]

export const affinities = ['phase', 'run', 'none'] as const
export type Affinity = (typeof affinities)[number]

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
