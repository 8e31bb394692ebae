import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { parseDuration } from '../../src/config/units.ts'
import { unlessInstalled } from '../support/programs.ts'
import { dataOf, textOf } from './deployed-files.ts'

const unit = textOf('systemd/puppet-lb@.service')
const skip = unlessInstalled('systemd-analyze')

/** The worst that `systemd-analyze security` may say, in tenths: what is left is that it serves a network, and V8. */
const MOST_EXPOSED = 16

/** Asks about the unit, with this Node in place of the one that it would find on a host. */
function analyze(t: Test, ...args: readonly string[]) {
  const directory = t.testdir({ 'puppet-lb@.service': unit.replaceAll('/usr/bin/node', process.execPath) })
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    [...args, `${directory}/puppet-lb@.service`],
    {
      encoding: 'utf8'
    }
  )
  return { status, said: stdout + stderr }
}

const lines = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value)

t.test('systemd finds nothing wrong with the unit', { skip }, async t => {
  t.same(analyze(t, 'verify', '--man=no'), { status: 0, said: '' })
})

t.test('the unit leaves a process that is taken over hardly anything to do', { skip }, async t => {
  const { status, said } = analyze(
    t,
    'security',
    '--offline=yes',
    '--no-pager',
    `--threshold=${MOST_EXPOSED}`
  )
  t.equal(
    status,
    0,
    said
      .split('\n')
      .filter(line => !line.startsWith('✓'))
      .join('\n')
  )
})

t.test('reload is SIGHUP, and a stop waits for compiles', async t => {
  t.same(lines('ExecReload'), ['/bin/kill -HUP $MAINPID'])
  t.match(lines('ExecStart'), [/ serve --config \/etc\/puppet-lb\/puppet-lb\.yaml --takeover$/])
  const [minutes] = lines('TimeoutStopSec').map(text => Number(/^(\d+)min$/.exec(text ?? '')?.[1]))
  const { listen } = dataOf<{ listen: { drainTimeout: string; drainDelay: string } }>('puppet-lb.yaml')
  const [drainMs = 0, delayMs = 0] = [listen.drainTimeout, listen.drainDelay].map(parseDuration)
  t.ok((minutes ?? 0) * 60_000 > drainMs + delayMs)
})
