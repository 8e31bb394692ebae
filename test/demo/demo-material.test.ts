import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { prepareMaterial } from '../../src/demo/demo-material.ts'
import { readTrustedExtensions } from '../../src/simulation/puppet-extensions.ts'

const yearMs = 365 * 24 * 60 * 60 * 1000
const certificates = ['ca.pem', 'hop-ca.pem', 'server.pem', 'balancer.pem', 'agent.pem', 'operator.pem']

function contents(directory: string): readonly string[] {
  return certificates.map(name => readFileSync(join(directory, name), 'utf8'))
}

t.test('certificates that are still good are used again', async t => {
  const directory = t.testdir({})
  await prepareMaterial(directory, Date.now)
  const before = contents(directory)
  await prepareMaterial(directory, Date.now)
  t.same(contents(directory), before)
})

t.test(
  'one that expires soon, does not fit or cannot be read is made anew, under the same authority',
  async t => {
    const directory = t.testdir({})
    await prepareMaterial(directory, Date.now)
    const before = contents(directory)
    await prepareMaterial(directory, () => Date.now() + 5 * yearMs)
    const after = contents(directory)
    t.same(after.slice(0, 2), before.slice(0, 2), 'the authorities last longer')
    for (const i of [2, 3, 4, 5]) t.not(after[i], before[i])

    writeFileSync(join(directory, 'server.pem'), after[5] ?? '')
    writeFileSync(join(directory, 'agent.key'), 'nonsense')
    await prepareMaterial(directory, () => Date.now() + 5 * yearMs)
    const repaired = contents(directory)
    t.not(repaired[2], after[5])
    t.not(repaired[4], after[4])
    t.equal(repaired[3], after[3])
  }
)

t.test('one without the extension that its holder needs is made anew', async t => {
  const directory = t.testdir({})
  const { puppet } = await prepareMaterial(directory, Date.now)
  const { chain, key } = await puppet.issue({ certname: 'operator.demo' })
  writeFileSync(join(directory, 'operator.pem'), chain)
  writeFileSync(join(directory, 'operator.key'), key)
  const { operator } = await prepareMaterial(directory, Date.now)
  t.not(operator.cert, chain)
  t.equal(readTrustedExtensions(operator.cert).pp_cli_auth, 'true')
})

t.test('a new authority signs everything anew', async t => {
  const directory = t.testdir({})
  await prepareMaterial(directory, Date.now)
  const before = contents(directory)
  writeFileSync(join(directory, 'ca.json'), 'nonsense')
  await prepareMaterial(directory, Date.now)
  const after = contents(directory)
  for (const i of [0, 2, 4, 5]) t.not(after[i], before[i])
  for (const i of [1, 3]) t.equal(after[i], before[i])
})

t.test('the server certificate has every name of this machine', async t => {
  const { server } = await prepareMaterial(t.testdir({}), Date.now)
  const names = new X509Certificate(server.cert).subjectAltName?.split(', ') ?? []
  for (const name of ['DNS:localhost', 'DNS:puppet', `DNS:${hostname()}`, 'IP Address:127.0.0.1']) {
    t.ok(names.includes(name), name)
  }
})

t.test('keys are for their owner alone', async t => {
  const directory = t.testdir({})
  await prepareMaterial(directory, Date.now)
  const secret = readdirSync(directory).filter(name => /\.(key|json)$/.test(name))
  t.equal(secret.length, 6)
  for (const name of secret) t.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
})
