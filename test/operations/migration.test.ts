import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/config/load.ts'
import { authority, pemFiles } from '../config/fixture.ts'
import { textOf } from './deployed-files.ts'

/** Blocks of OPERATIONS.md; a comment before each, which no reader sees, says whose it is. */
function blocks(whose: 'ours' | 'theirs'): ReadonlyMap<string, string> {
  const pattern = new RegExp(`^<!-- ${whose}: (\\w+) -->\\n\`\`\`\\w+\\n(.*?)^\`\`\`$`, 'gms')
  return new Map(
    [...textOf('OPERATIONS.md').matchAll(pattern)].map(([, name = '', text = '']) => [name, text])
  )
}

const { 'server.pem': cert, 'server.key': key, 'ca.pem': ca } = pemFiles
const crl = await authority.crl()

t.test('each of our configurations can be used as it stands', async t => {
  const ours = blocks('ours')
  t.same([...ours.keys()], ['add', 'haproxy', 'nginx', 'apache'])
  for (const [name, text] of ours) {
    const tls = {
      'cert.pem': cert,
      'key.pem': key,
      'ca.pem': ca,
      'crl.pem': crl,
      'hop.pem': cert,
      'hop.key': key
    }
    const directory = t.testdir({ tls, 'puppet-lb.yaml': text })
    const { settings, warnings } = loadConfig(`${directory}/puppet-lb.yaml`, {})
    t.same(warnings, [], name)
    t.ok(settings.masters.length > 2, name)
  }
})

/** How each of the others checks a configuration without serving. */
const checks = {
  haproxy: (file: string) => ['haproxy', '-c', '-f', file],
  nginx: (file: string) => ['nginx', '-t', '-q', '-e', 'stderr', '-g', `pid ${file}.pid;`, '-c', file],
  apache: (file: string) => [
    'apache2',
    '-t',
    '-f',
    file,
    '-C',
    'ErrorLog /dev/stderr',
    '-C',
    'ServerName localhost',
    ...apacheModules
  ]
} as const

const apacheModules = [
  'authz_core',
  'headers',
  'lbmethod_bybusyness',
  'mpm_event',
  'proxy',
  'proxy_balancer',
  'proxy_http',
  'slotmem_shm',
  'ssl'
].flatMap(name => ['-C', `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`])

for (const [name, command] of Object.entries(checks)) {
  const [program = ''] = command('')
  const skip = spawnSync(program, ['-v']).error ? `${program} is not installed` : false
  t.test(`the configuration that is left behind is one that ${name} takes`, { skip }, async t => {
    const file = layOut(t, blocks('theirs').get(name) ?? '')
    const [, ...args] = command(file)
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    t.equal(status, 0, stdout + stderr)
  })
}

/** Puts a configuration where the files are that it names under `/etc/NAME/`. */
function layOut({ testdir }: Pick<Test, 'testdir'>, text: string): string {
  const both = cert + key
  const files = { 'puppet.pem': both, 'puppet.key': key, 'ca.pem': ca, 'crl.pem': crl, 'hop.pem': both }
  const directory = testdir({ ...files, 'theirs.conf': '' })
  testdir({ ...files, 'theirs.conf': text.replace(/\/etc\/(?:haproxy|nginx|apache2)\//g, `${directory}/`) })
  return `${directory}/theirs.conf`
}
