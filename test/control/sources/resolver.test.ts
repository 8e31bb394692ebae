import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

/** A network, and files under /etc, that are this test's own. */
const OWN = ['--map-root-user', '--mount', '--net']
const isThere = spawnSync('unshare', [...OWN, 'ip', 'link', 'set', 'lo', 'up']).status === 0

t.test(
  'the system is asked as it asks itself',
  { skip: !isThere && 'unshare (util-linux) or ip (iproute2) cannot be used' },
  async t => {
    const directory = t.testdir({
      hosts: '127.0.0.1 localhost\n192.0.2.10 puppetca\n',
      'resolv.conf': 'nameserver 127.0.0.53\nsearch site-a.example.com\noptions timeout:1 attempts:1\n'
    })
    const child = fileURLToPath(new URL('system-names.ts', import.meta.url))
    const script = `set -e
    mount --bind '${join(directory, 'hosts')}' /etc/hosts
    mount --bind '${join(directory, 'resolv.conf')}' /etc/resolv.conf
    ip link set lo up
    exec '${process.execPath}' '${child}'`
    const { stdout } = await promisify(execFile)('unshare', [...OWN, 'sh', '-c', script])
    const found = JSON.parse(stdout)

    t.same(found.fromHosts, ['192.0.2.10'], '/etc/hosts counts')
    t.same(found.fromSearch, ['192.0.2.11'], 'search domains count')
    t.same(found.both, ['192.0.2.12', '2001:db8::12'])
    t.same(found.withoutIPv6, found.both, 'a family that fails beside the other one is as it was')
    t.same(found.withoutIPv4, found.both)
    t.same(found.onlyIPv6, ['2001:db8::12'], 'one that is not there any more is gone')
    t.equal(found.order[0], 'file', 'four names of which nothing is heard leave threads to the file system')
    t.equal(found.order.length, 5)
  }
)
