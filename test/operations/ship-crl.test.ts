import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { unlessInstalled } from '../support/programs.ts'
import { recipe } from '../support/recipes.ts'
import { textOf } from './deployed-files.ts'

const authority = await createAuthority()
/** What DEPLOY.md lets the login do, of `authorized_keys`, in a directory of the test. */
const [, forced = ''] = /`command="(rrsync [^"]+)",restrict /.exec(textOf('DEPLOY.md')) ?? []

function executable(path: string, text: string): string {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

/** The units of DEPLOY.md, each in the file that its first line names; with the script where it is here. */
function writeUnits(directory: string): readonly string[] {
  const script = executable(join(directory, 'ship-crl'), recipe('ship-crl'))
  const text = recipe('ship-crl, systemd', { '/usr/local/bin/ship-crl': script })
  return text
    .split(/^(?=# \/etc\/systemd\/system\/)/m)
    .map(unit => {
      const [, name = ''] = /^# \/etc\/systemd\/system\/(\S+)/.exec(unit) ?? []
      writeFileSync(join(directory, name), unit)
      return name
    })
    .sort()
}

t.test(
  'systemd finds nothing wrong with the units that ship the list',
  { skip: unlessInstalled('systemd-analyze') },
  async t => {
    const directory = t.testdir()
    const units = writeUnits(directory)
    t.same(units, ['ship-crl.path', 'ship-crl.service', 'ship-crl.timer'])
    const { status, stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', ...units.map(name => join(directory, name))],
      { encoding: 'utf8', env: { ...process.env, SYSTEMD_UNIT_PATH: `${directory}:` } }
    )
    t.same({ status, said: stdout + stderr }, { status: 0, said: '' })
  }
)

/** A login on the balancer whose key is good for the document's command alone; rsync reaches it in place of ssh. */
function scene(t: Test) {
  const directory = t.testdir()
  const inbox = join(directory, 'inbox')
  mkdirSync(inbox)
  const command = forced.replace('/var/lib/puppet-lb/crl', inbox)
  // rsync calls it as ssh: options, the host, the command that is to run there.
  const shell = executable(
    join(directory, 'ssh'),
    `#!/bin/sh\nwhile [ "$1" != rsync ]; do shift; done\nSSH_ORIGINAL_COMMAND="$*" exec ${command}\n`
  )
  const script = executable(join(directory, 'ship-crl'), recipe('ship-crl'))
  const env = { ...process.env, RSYNC_RSH: shell }
  return {
    inbox,
    list: join(directory, 'ca_crl.pem'),
    ship: (list: string, ...targets: string[]) =>
      spawnSync(script, [list, ...targets], { encoding: 'utf8', env }),
    rsync: (...args: string[]) => spawnSync('rsync', args, { encoding: 'utf8', env })
  }
}

const skip =
  unlessInstalled('rsync') ||
  unlessInstalled('openssl') ||
  (existsSync('/usr/bin/rrsync') ? false : 'no rrsync')

t.test('a list is shipped whole by a login that may write there and no more', { skip }, async t => {
  t.match(forced, /^rrsync -wo \/var\/lib\/puppet-lb\/crl$/)
  const { inbox, list, ship, rsync } = scene(t)
  const pem = await authority.crl({ revoked: ['0A'] })
  writeFileSync(list, pem, { mode: 0o600 })
  const target = 'puppet-crl@lb-1.example.com:crl.pem'
  const { status, stderr } = ship(list, target)
  t.equal(status, 0, stderr)
  t.equal(readFileSync(join(inbox, 'crl.pem'), 'utf8'), pem)
  t.equal(statSync(join(inbox, 'crl.pem')).mode & 0o777, 0o644, 'the balancer may read it')
  t.not(rsync(target, join(inbox, 'back.pem')).status, 0, 'nothing can be read by that key')
  t.not(rsync(list, 'puppet-crl@lb-1.example.com:../outside.pem').status, 0, 'nor written elsewhere')
  t.notOk(existsSync(join(inbox, '../outside.pem')))
})

t.test(
  'half a list is shipped to nobody, and one target that is away keeps none of the others waiting',
  { skip },
  async t => {
    const { inbox, list, ship } = scene(t)
    const pem = await authority.crl()
    writeFileSync(list, pem.slice(0, 200))
    t.not(ship(list, 'lb:crl.pem').status, 0)
    t.notOk(existsSync(join(inbox, 'crl.pem')))
    writeFileSync(list, pem)
    const { status } = ship(list, 'lb-gone:../nowhere.pem', 'lb:crl.pem')
    t.not(status, 0, 'somebody is told')
    t.equal(readFileSync(join(inbox, 'crl.pem'), 'utf8'), pem)
  }
)
