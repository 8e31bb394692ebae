import t from 'tap'
import { compileRoutes, goalOf, inBody, type RoutedAgent } from '../../src/balance/routes.ts'
import { type TestRoute, testRoute } from '../support/balancer.ts'

/** Where a request goes by routes: the pool, and the number of the route. */
function goalBy(routes: readonly TestRoute[]) {
  const compiled = compileRoutes(routes.map(testRoute))
  return (
    agent: { certname?: string; extensions?: Readonly<Record<string, string>> },
    endpointClass = 'catalog',
    environment: string | typeof inBody | undefined = undefined
  ) => {
    const routed: RoutedAgent = {
      certname: agent.certname,
      extension: oid => agent.extensions?.[oid]
    }
    const goal = goalOf(compiled?.rulesFor(routed) ?? [], endpointClass, () => environment)
    return goal && [goal.pool, goal.route]
  }
}

const role = (...values: string[]) => ({ name: 'pp_role', oid: '1.1', values })
const zone = (...values: string[]) => ({ name: 'pp_zone', oid: '1.2', values })

t.test('without routes there is nothing to compile', async t => {
  t.equal(compileRoutes([]), undefined)
})

t.test('the first route that matches decides, and what none takes goes to the default pool', async t => {
  const goal = goalBy([
    { certnames: ['*.dmz'], pool: 'dmz' },
    { certnames: ['web-*', 'db-*'], pool: 'web' }
  ])
  t.same(goal({ certname: 'web-1.dmz' }), ['dmz', 0])
  t.same(goal({ certname: 'db-1' }), ['web', 1])
  t.same(goal({ certname: 'DB-1' }), ['web', 1], 'case does not count')
  t.same(goal({ certname: 'other' }), ['default', -1])
  t.same(goal({}), ['default', -1], 'and who shows no certificate has no certname')
})

t.test('of one route all keys must match, of a list one value', async t => {
  const goal = goalBy([
    {
      certnames: ['*'],
      classes: ['report', 'light'],
      environments: ['a', 'b'],
      extensions: [role('x', 'y'), zone('z')],
      pool: 'p'
    }
  ])
  const agent = { certname: 'n', extensions: { '1.1': 'y', '1.2': 'z' } }
  t.same(goal(agent, 'light', 'b'), ['p', 0])
  t.same(goal(agent, 'catalog', 'b'), ['default', -1])
  t.same(goal(agent, 'light', 'c'), ['default', -1])
  t.same(goal(agent, 'light'), ['default', -1], 'no environment is none of them')
  t.same(goal({ ...agent, extensions: { '1.1': 'y' } }, 'light', 'b'), ['default', -1])
  t.same(goal({ ...agent, extensions: { '1.1': 'Y', '1.2': 'z' } }, 'light', 'b'), ['default', -1])
})

t.test('a route without conditions takes every request, and those behind it none', async t => {
  const goal = goalBy([
    { classes: ['report'], pool: 'r' },
    { pool: 'all', otherwise: 'default' },
    { certnames: ['*'], pool: 'x' }
  ])
  t.same(goal({}), ['all', 1])
  t.same(goal({ certname: 'a' }, 'report'), ['r', 0])
})

t.test('a body is asked for only when the environment in it may decide', async t => {
  const goal = goalBy([
    { classes: ['report'], pool: 'r' },
    { environments: ['canary'], pool: 'canary' },
    { certnames: ['*.dmz'], pool: 'dmz' }
  ])
  t.equal(goal({ certname: 'a' }, 'catalog', inBody), undefined)
  t.same(goal({ certname: 'a' }, 'report', inBody), ['r', 0])
})

t.test('environment and extensions are asked for only by routes that need them', async t => {
  const never = () => t.fail('nobody needs to know')
  const rules = compileRoutes([testRoute({ certnames: ['a'], extensions: [], pool: 'p' })])?.rulesFor({
    certname: 'b',
    extension: never as unknown as RoutedAgent['extension']
  })
  t.equal(goalOf(rules ?? [], 'catalog', never as unknown as () => undefined)?.pool, 'default')
  const other = compileRoutes([testRoute({ certnames: ['a'], extensions: [role('x')], pool: 'p' })])
  t.equal(
    other?.rulesFor({ certname: 'b', extension: never as unknown as RoutedAgent['extension'] }).length,
    1
  )
})
