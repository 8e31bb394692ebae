import { defaultPool, maxPools, poolNames } from '../model/pool.ts'
import { extensionNames, isOid, oidOf } from '../puppet/trusted-extensions.ts'
import { oneOfText } from './fields.ts'
import { nearest } from './near-miss.ts'
import type { Path, Report } from './problems.ts'
import { showValue } from './problems.ts'
import { routedClasses } from './schema-routes.ts'
import type { Draft } from './schema-tree.ts'

type DraftRoute = NonNullable<NonNullable<Draft['routes']>[number]>

/** Reports what is wrong in routes and pools whose keys are each of the right kind. */
export function checkRoutes(draft: Draft, report: Report): void {
  const pools = namedPools(draft)
  checkPools(draft, report)
  draft.routes?.forEach((route, index) => {
    if (!route) return
    const path = ['routes', index]
    checkCertnames(route, path, report)
    checkExtensions(route, path, report)
    checkClasses(route, path, report)
    checkEnvironments(route, path, report)
    // What is wrong with the masters is told already, and nobody knows their pools.
    if (draft.masters !== undefined) checkTargets(route, path, pools, report)
  })
}

/** The pools that masters are in. Those that DNS names are in the default one. */
export function namedPools({ masters = [], discovery }: Draft): readonly string[] {
  const members = masters.map(master => ({ pools: master?.pools?.filter(pool => pool !== undefined) }))
  return poolNames([...members, ...(discovery?.srv ? [{}] : [])])
}

/** One value of a key that takes one or a list of them, with its own place. */
export interface Placed {
  readonly path: Path
  readonly value: string
}

/** The values of a key that takes one or a list of them. */
export function placedValues(value: DraftRoute['certname'], path: Path): readonly Placed[] {
  if (value === undefined) return []
  if (typeof value === 'string') return [{ path, value }]
  return value.flatMap((each, index) => (each === undefined ? [] : [{ path: [...path, index], value: each }]))
}

function checkPools({ masters = [] }: Draft, report: Report): void {
  const known = new Set<string>()
  masters.forEach((master, index) => {
    const path = ['masters', index, 'pools']
    master?.pools?.forEach((pool, position, all) => {
      if (pool === undefined) return
      if (all.indexOf(pool) < position)
        report([...path, position], `is ${showValue(pool)} once more; a pool must be there once only`)
      if (!known.has(pool) && known.size === maxPools) {
        const names = [...known].join(', ')
        report(
          [...path, position],
          `is ${showValue(pool)}, one pool too many beside ${names}; there may be ${maxPools}`
        )
      } else known.add(pool)
    })
  })
}

/** Printable ASCII but the slash: what Puppet allows in a certname, and `*`. */
const pattern = /^[ -.0-~]+$/

function checkCertnames({ certname }: DraftRoute, path: Path, report: Report): void {
  for (const { path: place, value } of placedValues(certname, [...path, 'certname'])) {
    if (pattern.test(value)) continue
    report(place, `is ${showValue(value)}, must be a certname, without slash, in which * is any text`)
  }
}

function checkExtensions({ extension = {} }: DraftRoute, path: Path, report: Report): void {
  for (const name of Object.keys(extension)) {
    const problem = extensionProblem(name)
    if (problem !== undefined) report([...path, 'extension', name], problem, { culprit: 'key' })
  }
}

/** What is wrong with the name of an extension; `undefined` when it is a short name or an OID. */
export function extensionProblem(name: string): string | undefined {
  if (oidOf(name) !== undefined || isOid(name)) return undefined
  if (/^[\d.]+$/.test(name)) return 'is no OID, must be numbers with dots, such as 1.3.6.1.4.1.34380.1.2.1'
  const meant = nearest(name, extensionNames)
  if (meant) return `is not a known extension, did you mean ${meant}?`
  return `is not a known extension, must be an OID or one of ${extensionNames.join(', ')}`
}

function checkClasses({ class: classes }: DraftRoute, path: Path, report: Report): void {
  for (const { path: place, value } of placedValues(classes, [...path, 'class'])) {
    if (routedClasses.some(name => name === value)) continue
    const why = value === 'ca' ? ', which is never routed, for certificates have one authority;' : ','
    report(place, `is ${showValue(value)}${why} must be one of ${routedClasses.join(', ')}`)
  }
}

function checkEnvironments({ environment }: DraftRoute, path: Path, report: Report): void {
  for (const { path: place, value } of placedValues(environment, [...path, 'environment'])) {
    if (/^\w+$/.test(value)) continue
    report(
      place,
      `is ${showValue(value)}, must be the name of an environment: letters, digits and underscores`
    )
  }
}

function checkTargets(
  { pool, otherwise }: DraftRoute,
  path: Path,
  pools: readonly string[],
  report: Report
): void {
  for (const [key, value] of Object.entries({ pool, otherwise })) {
    if (value === undefined || pools.includes(value)) continue
    const allowed = oneOfText(pools.length === 0 ? [defaultPool] : pools)
    report([...path, key], `is ${showValue(value)}, which no master has among its pools; must be ${allowed}`)
  }
  if (pool !== undefined && pool === otherwise)
    report([...path, 'otherwise'], `is ${showValue(pool)}, which is pool as well; must be another one`)
}
