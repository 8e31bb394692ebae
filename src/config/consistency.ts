import { isIP } from 'node:net'
import { checkRoutes } from './check-routes.ts'
import { checkTcp } from './check-tcp.ts'
import { formatPath, type Path, type Report } from './problems.ts'
import type { Draft } from './schema-tree.ts'
import { formatDuration } from './units.ts'

/** Whether the file says anything under these keys, right or wrong. */
type IsThere = (...path: readonly ['ca' | 'masters'] | readonly ['ca', 'url']) => boolean

/** Reports what is wrong between keys that are each right. Values that are missing or wrong are passed over. */
export function checkConsistency(draft: Draft, report: Report, isThere: IsThere): void {
  checkMasters(draft, report)
  checkDiscovery(draft, report, isThere)
  checkHealth(draft.health, report)
  checkListeners(draft, report)
  checkUpstreamTls(draft.upstream?.tls, report)
  checkRevocation(draft.tls?.crl, report)
  checkAdministrators(draft, report)
  checkRoutes(draft, report)
  checkTcp(draft, report)
}

function checkAdministrators({ access, admin }: Draft, report: Report): void {
  if (access?.administrators && admin?.allow) {
    const text = 'is the old name of access.administrators, which is here too; must be left out'
    report(['admin', 'allow'], text, { culprit: 'key' })
  }
  const repetitions = [
    ...repeated(access?.administrators, ['access', 'administrators']),
    ...repeated(admin?.allow, ['admin', 'allow'])
  ]
  for (const { path, first, value } of repetitions) {
    report(path, `is ${JSON.stringify(value)}, which ${first} is already; a certname must be there once only`)
  }
}

function checkMasters({ masters = [], discovery }: Draft, report: Report): void {
  const pathsOf = (key: string) => (path: Path) => [...path, key]
  const names = masters.map(master => master?.name)
  for (const { path, first, value } of repeated(names, ['masters'], pathsOf('name'))) {
    report(path, `is ${JSON.stringify(value)}, which ${first} is already; names must differ`)
  }
  const urls = masters.map(master => master?.url)
  for (const { path, first, value } of repeated(urls, ['masters'], pathsOf('url'))) {
    report(path, `is ${value}, which ${first} is already; a master must be there once only`)
  }
  masters.forEach((master, index) => {
    if (master?.resolve !== 'all' || master.url === undefined || !isLiteral(master.url)) return
    const text = `is all, but the host of ${master.url} is an address and no name; must be left out`
    report(['masters', index, 'resolve'], text)
  })
  if (masters.length > 0 && discovery?.srv === undefined && masters.every(master => master?.weight === 0)) {
    const text = 'gives every master the weight 0, so none takes work; at least one weight must be 1 or more'
    report(['masters'], text, { culprit: 'key' })
  }
}

/** Somebody must say who the masters are, and who the CA is. */
function checkDiscovery({ masters, discovery, enroll }: Draft, report: Report, isThere: IsThere): void {
  if (/^_/.test(discovery?.srv?.domain ?? '')) {
    const text = 'is the name of a record, must be the domain behind _x-puppet._tcp'
    report(['discovery', 'srv', 'domain'], text)
  }
  if (enroll && !isThere('ca', 'url')) {
    report(['ca', 'url'], 'is missing, must be https://HOST:PORT, since enroll asks the CA there')
    return
  }
  if (discovery?.srv) return
  if (!isThere('ca')) {
    report(['ca'], 'is missing, must be a group of the key url, unless discovery.srv is there')
  } else if (!isThere('ca', 'url')) {
    report(
      ['ca', 'url'],
      'is missing, must be https://HOST:PORT or http://HOST:PORT, unless discovery.srv is there'
    )
  }
  if (masters?.length === 0 && !enroll) {
    const what = isThere('masters') ? 'is an empty list' : 'is missing'
    report(['masters'], `${what}, must be a list of at least one master, unless discovery.srv is there`)
  }
}

/** Whether the host of an origin is an IP address. */
function isLiteral(origin: string): boolean {
  return isIP(new URL(origin).hostname.replace(/^\[|\]$/g, '')) !== 0
}

function checkHealth(health: Draft['health'], report: Report): void {
  const { timeout, interval } = health ?? {}
  if (timeout === undefined || interval === undefined || timeout <= interval) return
  const text = `is ${formatDuration(timeout)}, longer than health.interval, which is ${formatDuration(interval)}`
  report(['health', 'timeout'], `${text}; a probe must end before the next one begins`)
}

/** Two listeners cannot have one port, unless the system chooses it or they have different addresses. */
function checkListeners({ listen, admin }: Draft, report: Report): void {
  if (listen?.port === undefined || listen.port === 0 || listen.port !== admin?.port) return
  const wildcards = ['0.0.0.0', '::']
  const hosts = [listen.host ?? '::', admin.host]
  if (listen.host !== admin.host && !hosts.some(host => host && wildcards.includes(host))) return
  report(['admin', 'port'], `is ${listen.port}, which is listen.port; must be another port`)
}

function checkUpstreamTls(tls: NonNullable<Draft['upstream']>['tls'], report: Report): void {
  const path = ['upstream', 'tls']
  if (tls?.cert !== undefined && tls.key === undefined) {
    report([...path, 'key'], 'is missing, must be the path of the private key of upstream.tls.cert')
  }
  if (tls?.key !== undefined && tls.cert === undefined) {
    report([...path, 'cert'], 'is missing, must be the path of the certificate of upstream.tls.key')
  }
}

function checkRevocation(crl: NonNullable<Draft['tls']>['crl'], report: Report): void {
  if (crl?.fetch !== false || crl.file !== undefined) return
  const text = 'says nowhere to get lists from; must have the key file, or `fetch: true`, or both'
  report(['tls', 'crl'], text, { culprit: 'key' })
}

interface Repetition {
  readonly path: Path
  /** The key that had the value first. */
  readonly first: string
  readonly value: string
}

/** Every entry of a list that an earlier entry equals. `within` leads from an entry to the value in it. */
function repeated(
  values: readonly (string | undefined)[] | undefined,
  path: Path,
  within = (entry: Path): Path => entry
): Repetition[] {
  return (values ?? []).flatMap((value, index, all) => {
    const first = all.indexOf(value)
    if (value === undefined || first === index) return []
    const pathAt = (position: number) => within([...path, position])
    return [{ path: pathAt(index), first: formatPath(pathAt(first)), value }]
  })
}
