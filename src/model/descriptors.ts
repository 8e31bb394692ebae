import type { Boot, MasterSettings, Settings } from './settings.ts'

/** What file descriptors of the process are for. Each number is a count of them. */
export interface DescriptorBudget {
  /** The most this process may have open; Infinity where the system does not tell. */
  readonly granted: number
  /** Kept for ourselves: threads, listeners, log, probes, files that are read, operators. */
  readonly reserved: number
  /** Of the rest, connections to masters find so many whatever agents do. */
  readonly upstream: number
  /** What is left for agents: their connections at most. */
  readonly agents: number
}

/** Most connections of operators over TCP at once: scrapers, browsers, the command line. */
export const maxAdminConnections = 64
/** Of those, streams of events at once: they last, and must leave room for everybody else. */
export const maxEventStreams = 48

/** Node's own, the log, listeners of operators: some 24 are open while it serves (counted in /proc/self/fd). */
const PROCESS = 32
/** A worker thread: its event loops, its channels, its listener: 7 (counted). One that is replaced is there twice. */
const WORKER = 8
/** Each master is asked for its health and for its JRubies, perhaps at the same time. */
const PER_WATCH = 2
/** The configuration and what it names, one after the other, and a thread that reads revocation lists. */
const FILES = 16
/** JRubies of a master that does not say. */
const JRUBIES = 4
/** Connections to the CA: certificate requests are short, and few come at a time. */
const CA = 16
/** However little there is and however many masters, they get no greater share of it. */
const MASTERS_SHARE = 1 / 3

/**
 * Divides `granted` descriptors. A connection to a master is in use for each of its JRubies, and as many again may
 * stand idle in other workers.
 */
export function descriptorBudget(
  granted: number,
  { listen }: Pick<Boot, 'listen'>,
  { masters }: { readonly masters: readonly Pick<MasterSettings, 'capacity'>[] }
): DescriptorBudget {
  const own = PROCESS + (WORKER + (listen.tcpPorts?.length ?? 0)) * (listen.workers + 1)
  const reserved = own + PER_WATCH * (masters.length + 1) + FILES + maxAdminConnections
  const free = Math.max(0, granted - reserved)
  const wanted = masters.reduce((sum, { capacity = JRUBIES }) => sum + 2 * capacity, CA)
  const upstream = Math.min(wanted, Math.ceil(free * MASTERS_SHARE))
  return Object.freeze({ granted, reserved, upstream, agents: Math.max(1, free - upstream) })
}

/** A shortfall of a tenth is not worth a word. */
const TOLD_BELOW = 0.9

/** One sentence when agents get clearly fewer connections than the configuration says; otherwise `undefined`. */
export function descriptorWarning(
  { granted, reserved, upstream, agents }: DescriptorBudget,
  { listen }: Pick<Settings, 'listen'>
): string | undefined {
  const { connections } = listen.limits
  if (agents >= TOLD_BELOW * connections) return undefined
  return (
    `the system grants this process ${granted} file descriptors: ${reserved} are kept for the balancer itself and ` +
    `${upstream} for masters, so agents get ${agents} connections, not the ${connections} of ` +
    `listen.limits.connections. Raise the limit (LimitNOFILE= of systemd, --ulimit nofile= of a container), or lower the key`
  )
}
