import type { EnrollSettings } from './enrolment.ts'
import type { Pooled } from './pool.ts'
import type { RouteSettings } from './route.ts'

/**
 * The configuration as the program uses it: files read, durations in milliseconds, defaults filled in, frozen.
 * `config/schema.ts` says what a file may contain, `config/load.ts` turns a file into this.
 */
export interface Config {
  /** Absolute path of the file this came from. */
  readonly file: string
  /** Every file this was read from, absolute: the configuration itself and all files it names. */
  readonly files: readonly string[]
  readonly boot: Boot
  readonly settings: Settings
  /** What works today and should be changed, one sentence each, with its place. */
  readonly warnings: readonly string[]
}

/** What is fixed while the process lives: a change of it needs a restart. */
export interface Boot {
  readonly listen: {
    readonly host: string
    /** 0 lets the system choose, which is for tests. */
    readonly port: number
    /** Worker threads that share the port; 0 serves from the main thread. `auto` has become a number here. */
    readonly workers: number
    /** Ports for raw TCP; what they are for is `Settings.listen.tcp`. Left out: none. */
    readonly tcpPorts?: readonly number[] | undefined
  }
  readonly admin: AdminBoot
}

export interface AdminBoot {
  readonly host: string
  readonly port: number
  /** Names beside the machine's own under which the admin listener may be addressed. */
  readonly hosts: readonly string[]
  /** The secret that opens what is not open to everybody; `undefined` when none is set. */
  readonly token: string | undefined
  /** Whether `/metrics` needs the token as well. */
  readonly metricsToken: boolean
  /** Path of the Unix socket that may do everything; `undefined` for none. */
  readonly socket: string | undefined
}

/** What a reload replaces as a whole. A request keeps the settings it began with. */
export interface Settings {
  readonly listen: {
    /** After SIGTERM, how long running requests may take to end before they are cut. */
    readonly drainTimeoutMs: number
    /** After SIGTERM, how long `/readyz` says so before connections are refused. */
    readonly drainDelayMs: number
    /** Listeners for raw TCP, by the ports that the process began with; one without an entry serves nobody. */
    readonly tcp: readonly TcpSettings[]
    /** Of the PROXY protocol in front. */
    readonly proxyProtocol: {
      /** Networks, or addresses, from which every connection must begin with a header; from elsewhere none may. */
      readonly from: readonly string[]
    }
    /** What clients may take, over all workers. */
    readonly limits: {
      /** Connections at once: in all, of one address, and with one certname. */
      readonly connections: number
      readonly perAddress: number
      readonly perCertname: number
      /** Bytes of request bodies that may be in memory. */
      readonly memoryBytes: number
    }
  }
  readonly tls: TlsSettings
  /** `undefined`: SRV records name it. */
  readonly ca: { readonly url: string } | undefined
  /** Whether what anybody may read of the CA is kept, for when it is away. */
  readonly caCache: boolean
  readonly masters: readonly MasterSettings[]
  /** The first that matches decides. */
  readonly routes: readonly RouteSettings[]
  readonly discovery: DiscoverySettings
  readonly upstream: UpstreamSettings
  readonly health: HealthSettings
  readonly balance: { readonly policy: PolicyName; readonly affinity: Affinity }
  readonly queue: QueueSettings
  readonly access: {
    /** Certnames that may call Puppet's administrative endpoints through the agents' listener. */
    readonly administrators: readonly string[]
    /** What becomes of requests for masters that come without a client certificate. */
    readonly withoutCertificate: AnonymousRule
  }
  readonly state: {
    /** Absolute; what operators said of masters, and copies of the CA's documents, are kept there over a restart. */
    readonly directory: string | undefined
  }
  /** How the balancer gets its own certificate; left out: from files that somebody put there. */
  readonly enroll?: EnrollSettings | undefined
  /** `watch`: changed files are taken by themselves; `signal`: only when asked to. */
  readonly reload: 'watch' | 'signal'
  readonly log: LogSettings
}

/** A listener that passes TLS on as it is. */
export interface TcpSettings {
  readonly port: number
  /** Whose masters get its connections; they get no HTTP from us. */
  readonly pool: string
  /** What masters are told of the agent, before its first byte; `undefined`: nothing. */
  readonly proxyProtocol: 'v2' | undefined
}

export interface LogSettings {
  readonly level: LogLevel
  /** Whether each request has a line. */
  readonly access: boolean
  /** `undefined`: standard output. */
  readonly file: LogFile | undefined
}

/** A file to log to; it is opened when the settings are put in force. */
export interface LogFile {
  /** Absolute. */
  readonly path: string
  /** Where the configuration names it, for whoever finds that it cannot be opened: `FILE:LINE:COL`. */
  readonly where: string
}

/** A certificate with its key, both PEM: leaf first, then intermediates. */
export interface CertificateSettings {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

/** What agents may agree on in a handshake. */
export const tlsProfiles = ['modern', 'legacy'] as const
export type TlsProfile = (typeof tlsProfiles)[number]

export interface TlsSettings {
  readonly profile: TlsProfile
  /** One or more server certificates, of different key types when more than one (RSA beside ECDSA). */
  readonly certificates: readonly CertificateSettings[]
  /** PEM bundle of the Puppet CA: what an agent's certificate must chain to. */
  readonly ca: string
  readonly caFile: string
  readonly crl: CrlSettings | undefined
}

export interface CrlSettings {
  /** Absolute. `undefined`: lists come from the CA alone. */
  readonly file: string | undefined
  /** Whether the CA is asked for its lists. Left out: no. */
  readonly fetch?: boolean | undefined
  /** Absolute; what the CA gave, and how new the file's lists were, is kept there over a restart. Left out: it is not. */
  readonly directory?: string | undefined
  /** How often the file is read again, and the CA asked. */
  readonly refreshMs: number
  /** What becomes of agents when the list of their CA is past its nextUpdate. */
  readonly expired: WhenExpired
  /** `FILE:LINE:COL` of the key that names it, for who finds out later that it cannot be used. */
  readonly place: string
}

export const whenExpired = ['keep', 'refuse'] as const
export type WhenExpired = (typeof whenExpired)[number]

export interface MasterSettings extends Pooled {
  readonly name: string
  /** Origin only: `https://host:port` or `http://host:port`, no trailing slash. */
  readonly url: string
  /** 0 to `maxWeight`; 0 takes no new runs. */
  readonly weight: number
  /** Tier: 0 first, the next one only when none before it can serve. */
  readonly priority: number
  /** JRubies it has; `undefined`: as many as it says itself. */
  readonly capacity?: number | undefined
  /** Default: one. */
  readonly resolve?: ResolveRule | undefined
}

/** What the addresses of a master's name are. `one`: ways to one master. `all`: a master each. */
export const resolveRules = ['one', 'all'] as const
export type ResolveRule = (typeof resolveRules)[number]

export interface DiscoverySettings {
  /** How often the names in URLs are looked up. */
  readonly refreshMs: number
  /** `undefined`: no SRV records are asked for. */
  readonly srv: SrvSettings | undefined
}

export interface SrvSettings {
  /** The records are those of `_x-puppet._tcp` and `_x-puppet-ca._tcp` below it. */
  readonly domain: string
  /** How often they and the names of their targets are looked up. */
  readonly refreshMs: number
  /** Name servers that are asked, `ADDRESS` or `ADDRESS:PORT`, IPv6 in brackets; none: those of the system. */
  readonly servers: readonly string[]
}

export interface UpstreamSettings {
  readonly tls: {
    /**
     * PEM bundle masters' certificates must chain to; a file that names none gets `tls.ca`, the Puppet CA.
     * `undefined`, which no file can say, means the system's own roots.
     */
    readonly ca: string | undefined
    /** Where that bundle was read, absolute; absent when it is the Puppet CA's. */
    readonly caFile?: string | undefined
    /** Certificate the proxy shows to masters that ask for one. */
    readonly client: CertificateSettings | undefined
    /** Name expected in the masters' certificates and sent as SNI; `undefined` means each URL's own host. */
    readonly serverName: string | undefined
    /** True unless the file says `dangerouslySkipVerification: true`. */
    readonly verify: boolean
  }
  readonly connectTimeoutMs: number
  /** From the last byte of the request sent to the first byte of the answer. */
  readonly responseTimeoutMs: number
  /** Of request line and headers, the identity included: more than that no master takes. */
  readonly headerLimitBytes: number
}

export interface HealthSettings {
  readonly path: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
}

export interface QueueSettings {
  /** Most requests that may wait for the masters of one pool, over all workers; see `queueLimit`. */
  readonly limit: number
  readonly timeoutMs: number
  /** A forecast wait above which agents are told to come back later. */
  readonly shedAboveMs: number
}

/** The most that `queue.limit` may say, and all pools together may have: shared memory is sized for it. */
export const maxQueueLimit = 10_000

/** The most masters there may be, whoever names them. */
export const maxMasters = 128

/** The greatest weight a master may have. */
export const maxWeight = 1_000_000

export const anonymousRules = ['refuse', 'forward'] as const
export type AnonymousRule = (typeof anonymousRules)[number]

export const policyNames = ['least-loaded', 'round-robin', 'rendezvous'] as const
export type PolicyName = (typeof policyNames)[number]

export const affinities = ['phase', 'run', 'none'] as const
export type Affinity = (typeof affinities)[number]

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
