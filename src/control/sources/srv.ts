import { maxWeight } from '../../model/settings.ts'

/** An SRV record (RFC 2782) as DNS tells it. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Of the target, perhaps in capitals or with a dot at its end; empty or `.` says that there is no such service. */
  readonly name: string
}

/** Where a service is, by one or more SRV records of one priority. */
export interface SrvTarget {
  readonly host: string
  readonly port: number
  readonly priority: number
  /** As masters are weighed here. */
  readonly weight: number
}

export interface SrvTargets {
  /** Best first: lowest priority, then highest weight, then by name. */
  readonly targets: readonly SrvTarget[]
  /** Of records whose target is no host and port. */
  readonly unusable: readonly string[]
}

/** The names that Puppet agents ask for with `use_srv_records` (lib/puppet/http/dns.rb). */
export function srvNames(domain: string): { readonly masters: string; readonly ca: string } {
  return { masters: `_x-puppet._tcp.${domain}`, ca: `_x-puppet-ca._tcp.${domain}` }
}

/**
 * The targets of an answer. Records of one target and priority count together; of those with several priorities the
 * best alone counts. A target of `.` is none.
 */
export function targetsOf(records: readonly SrvRecord[]): SrvTargets {
  const targets = new Map<string, SrvTarget>()
  const unusable: string[] = []
  for (const { name, port, priority, weight } of records.toSorted((a, b) => a.priority - b.priority)) {
    const host = name.toLowerCase().replace(/\.$/, '')
    if (host === '') continue
    if (!isHost(host) || port === 0) {
      unusable.push(`${JSON.stringify(name)} with port ${port}`)
      continue
    }
    const key = `${host}:${port}`
    const known = targets.get(key)
    if (known && known.priority < priority) continue
    const sum = (known?.weight ?? 0) + weightOf(weight)
    targets.set(key, { host, port, priority, weight: Math.min(sum, maxWeight) })
  }
  return { targets: [...targets.values()].sort(byRank), unusable: unusable.sort() }
}

const hostPattern = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/

/**
 * A name that may stand in a URL, in Host and in SNI; what DNS says goes nowhere else before this. One that ends in a
 * number is an IPv4 address to a URL, if need be another one, or none at all (https://url.spec.whatwg.org/#ends-in-a-number-checker).
 */
function isHost(name: string): boolean {
  return hostPattern.test(name) && URL.parse(`https://${name}`)?.hostname === name
}

/** As agents count (`weight == 0 ? 1 : 10 * weight`, lib/puppet/http/dns.rb). */
function weightOf(weight: number): number {
  return weight === 0 ? 1 : 10 * weight
}

function byRank(a: SrvTarget, b: SrvTarget): number {
  return a.priority - b.priority || b.weight - a.weight || compare(a.host, b.host) || a.port - b.port
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
