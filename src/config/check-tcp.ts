import { defaultPool, isIn } from '../model/pool.ts'
import { namedPools } from './check-routes.ts'
import { oneOfText } from './fields.ts'
import type { Path, Report } from './problems.ts'
import { showValue } from './problems.ts'
import type { Draft } from './schema-tree.ts'

type Listener = NonNullable<NonNullable<NonNullable<Draft['listen']>['tcp']>[number]>

const forging =
  'who reaches a master by raw TCP can send it the identity headers that it believes from the load balancer'

/** Reports what is wrong between the listeners for raw TCP, and between them and the masters they lead to. */
export function checkTcp(draft: Draft, report: Report): void {
  const listeners = (draft.listen?.tcp ?? []).map((each, index) => ({
    ...each,
    path: ['listen', 'tcp', index] as Path
  }))
  for (const listener of listeners) {
    checkPort(listener, listeners, draft, report)
    checkPool(listener, draft, report)
  }
  if (listeners.length > 0) checkMembers(listeners, draft, report)
}

interface Placed extends Listener {
  readonly path: Path
}

function checkPort({ port, path }: Placed, all: readonly Placed[], { listen, admin }: Draft, report: Report) {
  if (port === undefined || port === 0) return
  const first = all.findIndex(each => each.port === port)
  const others = [
    [port === listen?.port, 'listen.port'],
    [port === admin?.port, 'admin.port'],
    [all[first]?.path !== path, `listen.tcp[${first}].port`]
  ] as const
  const taken = others.find(([isTaken]) => isTaken)
  if (taken) report([...path, 'port'], `is ${port}, which ${taken[1]} is already; must be another port`)
}

/** Pools that get HTTP: the default one, and those that routes lead to. */
function httpPools({ routes = [] }: Draft): ReadonlySet<string> {
  return new Set([
    defaultPool,
    ...routes.flatMap(route => [route?.pool ?? [], route?.otherwise ?? []].flat())
  ])
}

function checkPool({ pool, path }: Placed, draft: Draft, report: Report): void {
  if (pool === undefined) return
  if (httpPools(draft).has(pool)) {
    const why = pool === defaultPool ? 'which gets whatever no route takes' : 'which a route leads to'
    report(
      [...path, 'pool'],
      `is ${showValue(pool)}, ${why}; must be a pool that gets no HTTP, for ${forging}`
    )
    return
  }
  const pools = namedPools(draft).filter(name => !httpPools(draft).has(name))
  if (draft.masters === undefined || pools.includes(pool)) return
  const allowed = pools.length === 0 ? 'a pool that a master has' : oneOfText(pools)
  report([...path, 'pool'], `is ${showValue(pool)}, which no master has among its pools; must be ${allowed}`)
}

function checkMembers(listeners: readonly Placed[], draft: Draft, report: Report): void {
  const http = httpPools(draft)
  draft.masters?.forEach((master, index) => {
    const pools = master?.pools?.flatMap(pool => pool ?? [])
    if (!master || !pools) return
    const reaching = listeners.filter(
      ({ pool }) => pool !== undefined && !http.has(pool) && isIn({ pools }, pool)
    )
    const [first, ...rest] = reaching
    if (!first) return
    const path = ['masters', index]
    const both = pools.find(pool => http.has(pool))
    if (both !== undefined)
      report(
        [...path, 'pools'],
        `has ${first.pool}, which listen.tcp leads to, and ${both}, which gets HTTP; must have one kind only, for ${forging}`
      )
    if (master.url?.startsWith('http:'))
      report([...path, 'url'], `is ${master.url}, but listen.tcp passes TLS on to it; must begin with https`)
    if (master.url !== undefined && master.url === draft.ca?.url)
      report(
        [...path, 'url'],
        `is ${master.url}, which is ca.url and gets HTTP; must be another one, for ${forging}`
      )
    const other = rest.find(({ proxyProtocol }) => proxyProtocol !== first.proxyProtocol)
    if (other)
      report(
        [...other.path, 'proxyProtocol'],
        `is not what listen.tcp[${listeners.indexOf(first)}] says for the same master ${master.name}, which expects one or the other; must be the same`
      )
  })
}
