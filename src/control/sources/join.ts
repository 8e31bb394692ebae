import { isIP } from 'node:net'
import type { MemberSource } from '../../model/master.ts'
import { type MasterSettings, maxMasters, type Settings } from '../../model/settings.ts'
import { hostOf, type Known, type Question } from './question.ts'
import { type SrvTarget, srvNames } from './srv.ts'

/** A master as its source names it. */
export interface NamedMaster extends Omit<MasterSettings, 'resolve'> {
  readonly source: MemberSource
  readonly addresses: readonly string[]
}

/** The CA as the file or an SRV record names it. Without either its URL is that of the record that is missing. */
export interface NamedCa {
  readonly url: string
  readonly addresses: readonly string[]
}

/** The members that all sources name together. */
export interface Named {
  readonly masters: readonly NamedMaster[]
  readonly ca: NamedCa
  /** What an operator may not expect, one sentence each. */
  readonly remarks: readonly string[]
}

/** What the records of a domain lead to. */
export interface SrvMembers {
  readonly masters: readonly SrvTarget[]
  readonly ca: readonly SrvTarget[]
  readonly remarks: readonly string[]
}

export type KnownOf = (question: Pick<Question, 'kind' | 'name'>) => Known

/**
 * Joins what the file says with what DNS does. The file's entry wins over a record of the same host and port. A target
 * whose name was not looked up yet is no member yet. Above `maxMasters` those of the file stay, then those that come
 * first by name of their entry and address, or by priority, weight and name of their record.
 */
export function join(
  { masters, ca, discovery }: Pick<Settings, 'masters' | 'ca' | 'discovery'>,
  srv: SrvMembers,
  knownOf: KnownOf
): Named {
  const addressesOf = (kind: 'host' | 'target', name: string) => addressesIn(name, knownOf({ kind, name }))
  const own = masters.filter(({ resolve }) => resolve !== 'all').map(master => fromFile(master, addressesOf))
  const each = masters
    .filter(({ resolve }) => resolve === 'all')
    .flatMap(master => byAddress(master, addressesOf('host', hostOf(master.url))))
  const places = new Map(masters.map(({ name, url }) => [placeOf(url), name]))
  const found = srv.masters
    .filter(({ host }) => isIP(host) !== 0 || knownOf({ kind: 'target', name: host }).isTried)
    .filter(target => !places.has(placeOf(urlOf(target))))
    .map(target => bySrv(target, addressesOf('target', target.host)))
  const all = [...own, ...each, ...found]
  return {
    masters: all.slice(0, maxMasters),
    ca: ca
      ? { url: ca.url, addresses: addressesOf('host', hostOf(ca.url)) }
      : caBySrv(srv.ca, discovery.srv?.domain ?? '', addressesOf),
    remarks: [
      ...srv.remarks,
      ...own.flatMap(tellSpare),
      ...srv.masters.flatMap(target => tellInFile(target, places)),
      ...tellTooMany(all.slice(maxMasters))
    ]
  }
}

/** What the file alone says, each of its entries being one master; for whoever looks nothing up. */
export function undiscovered(settings: Pick<Settings, 'masters' | 'ca' | 'discovery'>): Named {
  const masters = settings.masters.map(master => ({ ...master, resolve: 'one' as const }))
  const nothing = { answer: undefined, cause: undefined, isTried: false }
  return join({ ...settings, masters }, { masters: [], ca: [], remarks: [] }, () => nothing)
}

type AddressesOf = (kind: 'host' | 'target', name: string) => readonly string[]

/** The addresses of a host, as far as they are known. */
export function addressesIn(name: string, { answer }: Known): readonly string[] {
  if (isIP(name) !== 0) return [name]
  return answer !== undefined && 'addresses' in answer ? answer.addresses : []
}

function fromFile({ resolve: _, ...master }: MasterSettings, addressesOf: AddressesOf): NamedMaster {
  return { ...master, source: 'file', addresses: addressesOf('host', hostOf(master.url)) }
}

function byAddress({ resolve: _, ...master }: MasterSettings, addresses: readonly string[]): NamedMaster[] {
  return addresses.toSorted().map(address => ({
    ...master,
    name: `${master.name}/${address}`,
    source: 'addresses' as const,
    addresses: [address]
  }))
}

function bySrv(target: SrvTarget, addresses: readonly string[]): NamedMaster {
  const { weight, priority } = target
  return { name: nameOf(target), url: urlOf(target), weight, priority, source: 'srv', addresses }
}

/** The best of them, and no other when it fails: certificates have one authority. */
function caBySrv([best]: readonly SrvTarget[], domain: string, addressesOf: AddressesOf): NamedCa {
  if (!best) return { url: `https://${srvNames(domain).ca}`, addresses: [] }
  return { url: urlOf(best), addresses: addressesOf('target', best.host) }
}

function nameOf({ host, port }: SrvTarget): string {
  return `${host}:${port}`
}

/** As `config/origin` writes a URL: without the port that https has anyway. */
function urlOf(target: SrvTarget): string {
  return new URL(`https://${nameOf(target)}`).origin
}

/** Host and port of a URL. */
function placeOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

function tellInFile(target: SrvTarget, places: ReadonlyMap<string, string>): readonly string[] {
  const name = places.get(placeOf(urlOf(target)))
  if (name === undefined) return []
  return [
    `an SRV record names ${nameOf(target)}, which is ${name} of the configuration: its entry there counts`
  ]
}

/** A master with several addresses of a family is reached at one of them at a time. */
function tellSpare({ name, addresses }: NamedMaster): readonly string[] {
  const most = Math.max(...[4, 6].map(family => addresses.filter(each => isIP(each) === family).length))
  if (most < 2) return []
  return [
    `the name of ${name} has the addresses ${addresses.join(', ')}, which are taken for ways to one master; ` +
      'resolve: all makes each a master'
  ]
}

function tellTooMany(left: readonly NamedMaster[]): readonly string[] {
  if (left.length === 0) return []
  const names = left.map(({ name }) => name).join(', ')
  return [`there are ${left.length} masters more than the ${maxMasters} there may be; left out: ${names}`]
}
