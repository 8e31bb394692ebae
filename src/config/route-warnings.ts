import { defaultPool, isIn, poolNames } from '../model/pool.ts'
import { conditionsOf, type RouteSettings } from '../model/route.ts'
import type { Settings } from '../model/settings.ts'
import { certnamePattern } from '../puppet/certname-pattern.ts'
import type { Path } from './problems.ts'

/** A warning about a key, as the end of a sentence that begins with it. */
export interface RouteWarning {
  readonly path: Path
  readonly text: string
}

/** What works in routes and pools, and is probably not what is meant. */
export function routeWarnings({
  listen,
  masters,
  routes,
  discovery
}: Pick<Settings, 'listen' | 'masters' | 'routes' | 'discovery'>): readonly RouteWarning[] {
  const pools = poolNames([...masters, ...(discovery.srv ? [{}] : [])])
  return [
    ...unreachable(routes),
    ...unled(pools, [...routes, ...listen.tcp], masters),
    ...idle(pools, masters, discovery.srv !== undefined),
    ...withoutDefault(pools, routes)
  ]
}

/** A route behind one that takes all its requests. */
function unreachable(routes: readonly RouteSettings[]): readonly RouteWarning[] {
  const takers = routes.map(takerOf)
  return routes.flatMap((route, index) => {
    const certnames = route.certnames.map(name => name.toLowerCase())
    const before = takers.slice(0, index).findIndex(takes => takes({ ...route, certnames }))
    if (before < 0) return []
    const text = `is never reached: routes[${before}] before it takes ${conditionsOf(routes[before] as RouteSettings)}; should be moved up, or left out`
    return [{ path: ['routes', index], text }]
  })
}

/**
 * Tells whether a route takes whatever another one does, whose certnames are in lower case. False where that is not plain.
 */
function takerOf(wide: RouteSettings): (narrow: RouteSettings) => boolean {
  const patterns = wide.certnames.map(certnamePattern)
  return narrow =>
    coversList(patterns, narrow.certnames, (matches, name) => matches(name)) &&
    coversList(wide.classes, narrow.classes, isSame) &&
    coversList(wide.environments, narrow.environments, isSame) &&
    wide.extensions.every(({ oid, values }) => {
      const own = narrow.extensions.find(each => each.oid === oid)
      return own !== undefined && coversList(values, own.values, isSame)
    })
}

function coversList<T>(
  wide: readonly T[],
  narrow: readonly string[],
  isWithin: (wide: T, narrow: string) => boolean
): boolean {
  if (wide.length === 0) return true
  return narrow.length > 0 && narrow.every(value => wide.some(each => isWithin(each, value)))
}

function isSame(a: string, b: string): boolean {
  return a === b
}

/** Pools that nothing leads to. */
function unled(
  pools: readonly string[],
  ways: readonly Pick<RouteSettings, 'pool' | 'otherwise'>[],
  masters: Settings['masters']
): readonly RouteWarning[] {
  const led = new Set([defaultPool, ...ways.flatMap(({ pool, otherwise = pool }) => [pool, otherwise])])
  return pools
    .filter(pool => !led.has(pool))
    .map(pool => ({
      path: ['masters', masters.findIndex(master => isIn(master, pool)), 'pools'],
      text: `names the pool ${pool}, which no route leads to; its masters get nothing by it`
    }))
}

/** Pools whose masters take no new runs, any of them. */
function idle(
  pools: readonly string[],
  masters: Settings['masters'],
  bySrv: boolean
): readonly RouteWarning[] {
  if (pools.length < 2) return []
  return pools.flatMap(pool => {
    const members = masters.filter(master => isIn(master, pool))
    if ((bySrv && pool === defaultPool) || members.some(({ weight }) => weight > 0)) return []
    const path = ['masters', masters.indexOf(members[0] as (typeof members)[number]), 'weight']
    return [{ path, text: `is 0 as that of every master of the pool ${pool}, so none of them takes work` }]
  })
}

function withoutDefault(pools: readonly string[], routes: readonly RouteSettings[]): readonly RouteWarning[] {
  if (pools.length === 0 || pools.includes(defaultPool)) return []
  if (routes.some(route => conditionsOf(route) === conditionsOf(everything))) return []
  const text =
    'leaves the pool default without a master, so what no route takes finds nobody; should end with a route that has ' +
    'nothing but a pool'
  return [{ path: ['routes'], text }]
}

const everything: RouteSettings = {
  certnames: [],
  extensions: [],
  classes: [],
  environments: [],
  pool: defaultPool,
  place: ''
}
