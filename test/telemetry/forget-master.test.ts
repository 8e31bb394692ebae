import { Registry } from 'prom-client'
import t from 'tap'
import { createMasterForgetter, createPoolForgetter } from '../../src/telemetry/forget-master.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'

/** As many that left last are remembered. */
const REMEMBERED = 50

function setUp() {
  const registry = new Registry()
  const metrics = createTrafficMetrics(registry)
  const forgetAllBut = createMasterForgetter(metrics)
  return {
    forgetAllBut,
    count(master: string, code = 200) {
      metrics.requests.inc({ class: 'light', master, code })
      metrics.upstreamDuration.observe({ class: 'light', master }, 0.1)
      metrics.requestDuration.observe({ class: 'light' }, 0.1)
    },
    /** Each in turn is the only master beside `stays`. */
    async come(names: readonly string[]) {
      for (const name of names) await forgetAllBut(['stays', name])
    },
    /** The names of the masters that metrics speak of. */
    async named(): Promise<readonly string[]> {
      const text = await registry.metrics()
      return [...new Set([...text.matchAll(/master="([^"]*)"/g)].map(([, name]) => name as string))].sort()
    },
    metrics: () => registry.metrics()
  }
}

const others = (count: number) => Array.from({ length: count }, (_, index) => `other-${index}`)

t.test('a master that left keeps its numbers until fifty others have left after it', async t => {
  const { count, come, named, forgetAllBut } = setUp()
  await forgetAllBut(['stays', 'old'])
  count('stays')
  count('old')
  await come(others(REMEMBERED))
  t.same(await named(), ['old', 'stays'], 'forty-nine have')
  await come(['new'])
  t.same(await named(), ['stays'])
})

t.test('all that was counted for it goes, and nothing else', async t => {
  const { count, come, metrics, forgetAllBut } = setUp()
  await forgetAllBut(['stays', 'old'])
  count('stays')
  const before = await metrics()
  for (const code of [200, 500, 503]) count('old', code)
  await come([...others(REMEMBERED), 'new'])
  const perClass = /^puppet_lb_request_duration_seconds.*\n/gm
  t.equal((await metrics()).replace(perClass, ''), before.replace(perClass, ''))
  t.match(await metrics(), /request_duration_seconds_count\{class="light"\} 4/)
})

t.test('one that comes back counts on, and is the last to have left when it leaves again', async t => {
  const { count, come, named, forgetAllBut } = setUp()
  await forgetAllBut(['stays', 'again'])
  count('again')
  await come(others(REMEMBERED))
  await forgetAllBut(['stays', 'again'])
  await come(others(REMEMBERED).map(name => `${name}-b`))
  t.same(await named(), ['again'])
})

t.test('requests that no master was asked for are never forgotten', async t => {
  const { count, come, named } = setUp()
  count('')
  await come(others(2 * REMEMBERED))
  t.same(await named(), [''])
})

t.test('what is counted late for one that was forgotten begins anew', async t => {
  const { count, come, named, forgetAllBut, metrics } = setUp()
  await forgetAllBut(['old'])
  count('old')
  await come([...others(REMEMBERED), 'new'])
  count('old')
  t.same(await named(), ['old'])
  t.match(await metrics(), /requests_total\{class="light",master="old",code="200"\} 1\n/)
})

t.test('what was counted for a pool goes in the same way', async t => {
  const registry = new Registry()
  const metrics = createTrafficMetrics(registry)
  const forgetAllBut = createPoolForgetter(metrics)
  await forgetAllBut(['default', 'old'])
  for (const pool of ['default', 'old']) {
    metrics.poolRequests.inc({ pool, code: 200 })
    metrics.poolQueueDuration.observe({ pool }, 0.1)
    metrics.poolShed.inc({ pool, reason: 'queue-full' })
  }
  t.match(await registry.metrics(), /pool="old"/)
  for (const name of [...others(REMEMBERED), 'new']) await forgetAllBut(['default', name])
  const left = await registry.metrics()
  t.notMatch(left, /pool="old"/)
  t.match(left, /pool_requests_total\{pool="default",code="200"\} 1\n/)
})
