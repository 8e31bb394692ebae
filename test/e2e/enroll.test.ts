import { createPrivateKey } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { leafOf } from '../../src/pki/server-certificate.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { certname, ownDirectory, startCa, textOf } from '../control/certificates/scene.ts'
import { connectAgent } from '../support/agent.ts'
import { enrolVariables, spawnEnrolling } from '../support/enrolling-process.ts'

const altNames = ['puppet', 'localhost', '127.0.0.1']
const agentName = 'agent.example.com'
const catalog = {
  method: 'POST',
  path: `/puppet/v3/catalog/${agentName}?environment=production`,
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: 'facts={}'
}

const variablesFor = (url: string, fingerprint: string) =>
  enrolVariables({ url, name: certname, fingerprint, altNames })

t.test("with the CA's URL, a name and a fingerprint, and no file at all, it serves agents", async t => {
  const { authority, registry, master, fingerprint } = await startCa(t, { autosign: false })
  const balancer = spawnEnrolling(t, ownDirectory(t), variablesFor(master.url, fingerprint))
  await balancer.says(/puppetserver ca sign --certname lb\.example\.com/)
  await registry.sign(certname)
  const { port, adminPort } = await balancer.serving()
  const identity = await authority.issue({ certname: agentName })
  const agent = connectAgent(t, { authority, server: identity }, port, identity)
  t.equal((await agent.ask(catalog)).status, 200)
  t.equal((await agent.ask({ path: '/puppet-ca/v1/certificate/ca' })).body, authority.bundle)
  const status = await (await fetch(`http://127.0.0.1:${adminPort}/api/status`)).json()
  t.match(status, {
    ownCertificate: { state: 'good', cause: null },
    masters: [{ name: 'master', state: 'up' }]
  })
})

t.test('told to end while it waits for its signature, it ends with 0; begun again it goes on', async t => {
  const { authority, registry, master, fingerprint } = await startCa(t, { autosign: false })
  const directory = ownDirectory(t)
  const start = () => spawnEnrolling(t, directory, variablesFor(master.url, fingerprint))
  const first = start()
  await master.until(() => registry.request(certname) !== undefined)
  first.signal('SIGTERM')
  t.equal(await first.exit, 0)
  const key = await textOf(join(directory, 'tls'), 'key.pem')
  await registry.sign(certname)
  const second = start()
  await second.serving()
  t.equal(await textOf(join(directory, 'tls'), 'key.pem'), key)

  await t.test('restarted while the CA is away, it serves, and has what agents read of the CA', async t => {
    // Somebody else compiles, so that only the CA is away.
    const other = await startSimulatedMaster({ name: 'other' })
    t.teardown(other.close)
    await writeFile(join(directory, 'puppet-lb.yaml'), `masters: [{ name: other, url: "${other.url}" }]\n`)
    second.signal('SIGTERM')
    t.equal(await second.exit, 0)
    await master.close()
    const { port } = await start().serving()
    const identity = await authority.issue({ certname: agentName })
    const agent = connectAgent(t, { authority, server: identity }, port, identity)
    t.equal((await agent.ask(catalog)).status, 200)
    t.equal((await agent.ask({ path: '/puppet-ca/v1/certificate/ca' })).body, authority.bundle)
    t.match(await agent.ask({ path: '/puppet-ca/v1/certificate_revocation_list/ca' }), {
      status: 200,
      body: /BEGIN X509 CRL/
    })
  })
})

t.test('with the fingerprint of another CA, or none, it does not start, and says what it saw', async t => {
  const { master, fingerprint } = await startCa(t)
  const { PUPPET_LB_ENROLL_CA_FINGERPRINT: _, ...without } = variablesFor(master.url, fingerprint)
  for (const variables of [without, { ...without, PUPPET_LB_ENROLL_CA_FINGERPRINT: 'ab'.repeat(32) }]) {
    const balancer = spawnEnrolling(t, ownDirectory(t), variables)
    t.equal(await balancer.exit, 1)
    t.match(balancer.errors(), new RegExp(`^puppet-lb cannot start: [\\s\\S]*${fingerprint}`))
  }
})

t.test('with a configuration that it could not serve by, it asks the CA for nothing', async t => {
  const { master, fingerprint } = await startCa(t)
  const balancer = spawnEnrolling(t, ownDirectory(t), {
    ...variablesFor(master.url, fingerprint),
    PUPPET_LB_ADMIN_TOKEN: 'short',
    PUPPET_LB_UPSTREAM_TLS_CA: 'gone.pem'
  })
  t.equal(await balancer.exit, 1)
  t.match(
    balancer.errors(),
    /^env:PUPPET_LB_UPSTREAM_TLS_CA upstream\.tls\.ca: .*\nenv:PUPPET_LB_ADMIN_TOKEN: .*\n$/
  )
  t.equal(master.requestCount, 0)
})

t.test('lists of its own that are damaged stop nothing where others are named', async t => {
  const { authority, master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  await writeFile(join(directory, 'lists.pem'), await authority.crl())
  await writeFile(join(directory, 'puppet-lb.yaml'), 'tls: { crl: { file: lists.pem } }\n')
  const start = () => spawnEnrolling(t, directory, variablesFor(master.url, fingerprint))
  const first = start()
  await first.serving()
  first.signal('SIGTERM')
  t.equal(await first.exit, 0)
  await writeFile(join(directory, 'tls/crl.pem'), 'damaged')
  await start().serving()
})

t.test('an RSA key is made where the flag or the file asks for one', async t => {
  const { registry, master, fingerprint } = await startCa(t)
  const directory = ownDirectory(t)
  const tls = join(directory, 'tls')
  const flags = ['--ca-url', master.url, '--name', certname, '--dir', tls, '--ca-fingerprint', fingerprint]
  t.match(await puppetLb(['enroll', ...flags, '--key-type', 'rsa']), { code: 0 })
  const isRsa = async (at: string) => {
    t.match(createPrivateKey(await textOf(at, 'key.pem')), {
      asymmetricKeyType: 'rsa',
      asymmetricKeyDetails: { modulusLength: 4096 }
    })
    t.equal(leafOf(await textOf(at, 'cert.pem'))?.publicKey.asymmetricKeyType, 'rsa')
  }
  await isRsa(tls)
  registry.clean(certname)
  const config = join(directory, 'rsa.yaml')
  const group = `{ name: ${certname}, keyType: rsa, caFingerprint: "${fingerprint}", dir: other }`
  await writeFile(config, `enroll: ${group}\nca: { url: "${master.url}" }\n`)
  t.match(await puppetLb(['enroll', '--config', config]), { code: 0 })
  await isRsa(join(directory, 'other'))
})
