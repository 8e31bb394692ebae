import t from 'tap'
import { cpuChart } from '../bench/cpu-chart.ts'
import { cpuTables, type Measured, machineLines, overviewOf, summarise } from '../bench/report.ts'

const measured = (rest: Partial<Measured> = {}): Measured => ({
  scheme: 'http',
  key: 'rsa',
  threads: 1,
  logs: true,
  figure: 'GET 2 KB',
  disturbance: 0.034,
  handshake: 'TLSv1.3 X25519',
  machine: '2 × a processor',
  versions: { 'puppet-lb': '1.0', haproxy: '3.0' },
  rounds: { 'puppet-lb': [300, 360, 330], 'haproxy-expert': [110, 120, 100], haproxy: [100, 90, 300] },
  ...rest
})

t.test('the best peer has the lowest median, whatever its best round was', async t => {
  const { best } = summarise(
    measured({ rounds: { 'puppet-lb': [1, 1, 1], haproxy: [5, 9, 9], nginx: [8, 8, 8] } })
  )
  t.equal(best, 'nginx')
})

t.test('ratios are round by round', async t => {
  const { ratioTo } = summarise(measured({ rounds: { 'puppet-lb': [2, 4, 9], nginx: [1, 4, 3] } }))
  t.same(ratioTo, { nginx: { median: 2, min: 1, max: 3 } })
})

t.test('without peers there is no best one, and no row in the overview', async t => {
  const alone = summarise(measured({ rounds: { 'puppet-lb': [1] } }))
  t.equal(alone.best, undefined)
  t.notMatch(overviewOf([alone]), 'GET')
})

t.test('the overview has ours beside the best peer, with the range of the ratio', async t => {
  t.match(
    overviewOf([summarise(measured())]),
    '| masters by http, RSA-4096, 1 thread, access log | GET 2 KB | 330.0 | HAProxy leastconn | 100.0 | 3.00 × [1.10–4.00] |'
  )
})

t.test('a table has a row for each proxy, and marks the best peer', async t => {
  const text = cpuTables([
    summarise(measured()),
    summarise(measured({ key: 'ecdsa', threads: 2, logs: false, scheme: 'https' }))
  ])
  t.match(text, '## Masters by http, RSA-4096, 1 thread, access log')
  t.match(text, '## Masters by https, ECDSA P-256, 2 threads, no access log')
  t.match(text, '3 rounds; meanwhile 3 % of the processors went to others.')
  t.match(text, '| GET 2 KB | puppet-lb | 330.0 [300.0–360.0] |  |')
  t.match(text, '| GET 2 KB | **HAProxy leastconn** (best peer) | 100.0 [90.0–300.0] | 3.00 × [1.10–4.00] |')
})

t.test('who ran, on what, is told once for all measurements', async t => {
  const lines = machineLines([measured(), measured({ versions: { 'puppet-lb': '1.0', haproxy: '3.1' } })])
  t.match(lines, ['Processors: 2 × a processor.', '', '- puppet-lb: 1.0'])
  t.ok(lines.includes('- HAProxy leastconn: 3.0 and 3.1'))
  t.ok(lines.includes('- nginx least_conn: not measured'))
})

t.test('a chart has a bar for each proxy and figure, and names the best peer', async t => {
  const svg = cpuChart([summarise(measured()), summarise(measured({ figure: 'run' }))])
  for (const text of ['>GET 2 KB, µs<', '>run, µs<', '>330<', '>100, best peer<']) t.match(svg, text)
})
