import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { addressOf, findAdmin, parseAdmin } from '../../src/commands/admin-address.ts'
import { boot } from '../admin/scene.ts'

const hosts: readonly (readonly [host: string, origin: string])[] = [
  ['127.0.0.1', 'http://127.0.0.1:9140'],
  ['0.0.0.0', 'http://127.0.0.1:9140'],
  ['::', 'http://[::1]:9140'],
  ['2001:db8::1', 'http://[2001:db8::1]:9140'],
  ['balancer.example.com', 'http://balancer.example.com:9140']
]

for (const [host, origin] of hosts) {
  t.test(`a listener on ${host} is asked at ${origin}`, async t => {
    t.strictSame(addressOf({ ...boot, host, port: 9140 }), { name: origin, origin })
  })
}

t.test('the token of the configuration goes along', async t => {
  t.match(addressOf({ ...boot, port: 9140, token: 'secret' }), { token: 'secret' })
})

t.test('the socket of the configuration goes before the port, once it is there', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'admin.sock')
  const admin = { ...boot, port: 9140, socket, token: 'secret' }
  t.match(addressOf(admin), { origin: 'http://127.0.0.1:9140', token: 'secret' })
  writeFileSync(socket, '')
  t.strictSame(addressOf(admin), { name: `unix:${socket}`, origin: 'http://localhost', socketPath: socket })
})

t.test('an address on the command line is a URL or a socket', async t => {
  t.match(parseAdmin('http://b:9140/'), { name: 'http://b:9140', origin: 'http://b:9140' })
  t.match(parseAdmin('http://b'), { origin: 'http://b' })
  t.match(parseAdmin('https://b:1'), { origin: 'https://b:1' })
  t.match(parseAdmin('unix:/run/a.sock'), { name: 'unix:/run/a.sock', socketPath: '/run/a.sock' })
  t.match(parseAdmin('unix:///run/a.sock'), { socketPath: '/run/a.sock' })
  t.notMatch(parseAdmin('http://me:secret@b:9140').name, /secret/, 'a password is not repeated in sentences')
  for (const text of ['', 'b', 'unix:a.sock', 'file:///a']) t.throws(() => parseAdmin(text), TypeError, text)
})

t.test('a configuration that is wrong elsewhere still says where its listener is', async t => {
  const folder = t.testdir({
    'elsewhere.yaml': 'masters: 3\ntypo: 1\nadmin: { port: 9333 }\n',
    'here.yaml': 'admin: { port: many }\nmasters: 3\n'
  })
  const env = { PUPPET_LB_LISTEN_PORT: 'no port' }
  t.match(await findAdmin({ config: join(folder, 'elsewhere.yaml') }, env), {
    origin: 'http://127.0.0.1:9333'
  })
  await t.rejects(findAdmin({ config: join(folder, 'here.yaml') }, env), {
    name: 'ConfigError',
    problems: [{ key: 'admin.port' }]
  })
})

t.test('with neither, the usual places are asked, with the token of the environment', async t => {
  const env = { PUPPET_LB_ADMIN_TOKEN: 'secret' }
  t.match(await findAdmin({ admin: 'http://b:9140' }, env), { origin: 'http://b:9140', token: 'secret' })
  t.match(await findAdmin({ admin: 'http://b' }, { PUPPET_LB_ADMIN_TOKEN: '' }), { token: undefined })
  t.match(await findAdmin({ admin: 'http://b' }, { PUPPET_LB_ADMIN_TOKEN: ' secret\n' }), { token: 'secret' })
  const skip = existsSync('/run/puppet-lb/admin.sock') && 'a balancer runs on this machine'
  t.test('the port', { skip }, async t => {
    t.match(await findAdmin({}, env), { origin: 'http://127.0.0.1:9140', token: 'secret' })
  })
})
