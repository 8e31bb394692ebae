import { readFileSync } from 'node:fs'
import t from 'tap'
import { publishCpu } from '../bench/cpu-results.ts'
import { publishFleet } from '../bench/fleet-results.ts'
import { figuresIn, withFigures } from '../bench/readme-figures.ts'
import { fleetMeasurement } from './fleet-measurement.ts'

t.test('figures take their marked places, and replace those of before', async t => {
  const text = 'a\n<!-- figures: cpu -->\n\nold\n\n<!-- end of figures -->\nb\n'
  const once = withFigures(text, { cpu: '1 $& 2' })
  t.equal(once, 'a\n<!-- figures: cpu -->\n\n1 $& 2\n\n<!-- end of figures -->\nb\n')
  t.equal(withFigures(once, { cpu: '1 $& 2' }), once)
  t.throws(() => withFigures(text, {}), { message: /figures of cpu/ })
})

t.test('where nothing was measured it is said', async t => {
  t.same(figuresIn(t.testdir()), {
    decide: 'Not measured yet with these peers.',
    fleet: 'Not measured yet with these peers.',
    cpu: 'Not measured yet with these peers.',
    tcp: 'Not measured yet with these peers.'
  })
})

t.test('documents get tables and charts of what was measured', async t => {
  const directory = t.testdir()
  publishFleet([fleetMeasurement(), fleetMeasurement({ proxy: 'nginx' })], directory)
  publishCpu(
    [
      {
        scheme: 'http',
        key: 'ecdsa',
        threads: 2,
        logs: false,
        figure: 'GET',
        disturbance: 0,
        handshake: '',
        machine: 'a machine',
        versions: {},
        rounds: { 'puppet-lb': [2], 'haproxy-expert': [1] }
      }
    ],
    directory
  )
  const { fleet, cpu } = figuresIn(directory)
  t.match(fleet, '| nginx least_conn | 48.0 | 1.00 × |')
  t.match(fleet, '(results/fleet.svg)')
  t.match(cpu, '| HAProxy expert: priority, stick table | 1.0 | 2.00 × |')
  t.match(cpu, '(results/cpu.svg)')
  for (const name of ['fleet.md', 'cpu.md', 'fleet.svg', 'cpu.svg']) {
    t.ok(readFileSync(`${directory}/${name}`).length > 200)
  }
})
