import { once } from 'node:events'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const catalog = {
  method: 'POST',
  path: '/puppet/v3/catalog/agent.example.com?environment=production',
  body: 'x'
}

type Test = Parameters<typeof startScriptedMaster>[0]

function startNamed(t: Test, name: string) {
  return startScriptedMaster(t, (_request, response) =>
    response.setHeader('X-Puppet-Compiler-Name', name).end('{}')
  )
}

async function startScene(t: Test) {
  const [ca, a, b] = await Promise.all([startNamed(t, 'ca'), startNamed(t, 'a'), startNamed(t, 'b')])
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'a', url: a.url }],
    listen: { workers: 2 },
    reload: 'watch'
  })
  const reloaded = (times: number) => balancer.atLeast(times, { msg: 'configuration is reloaded' })
  return { balancer, a, b, reloaded }
}

/** The common name of the certificate that a new handshake shows. */
async function shownBy(port: number): Promise<unknown> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'puppet', ca: pki.authority.bundle })
  await once(socket, 'secureConnect')
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return CN
}

t.test('a changed configuration is taken by itself', async t => {
  const { balancer, b, reloaded } = await startScene(t)
  const agent = connectAgent(t, pki, balancer.port, identity)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'a')
  await balancer.rewrite({ masters: [{ name: 'b', url: b.url }] })
  await reloaded(1)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'b')
})

t.test('a certificate whose key comes later is waited for, and no error is told', async t => {
  const { balancer, reloaded } = await startScene(t)
  const next = await pki.authority.issue({ certname: 'next.example.com', altNames: ['puppet'] })
  await writeFile(join(balancer.directory, 'server.pem'), next.chain)
  // What the balancer does about the half of a pair can be seen only by its waiting.
  await new Promise(resolve => setTimeout(resolve, 2_500))
  t.equal(await shownBy(balancer.port), 'puppet.example.com')
  await writeFile(join(balancer.directory, 'server.key'), next.key)
  await reloaded(1)
  t.equal(await shownBy(balancer.port), 'next.example.com')
  t.same(
    balancer.lines.filter(({ level }) => level === 'error'),
    []
  )
})

t.test('a symlink that is swapped above the files is noticed, as Kubernetes does it', async t => {
  const { balancer, reloaded } = await startScene(t)
  const version = async (name: string, certificate: { chain: string; key: string }) => {
    const directory = join(balancer.directory, name)
    await mkdir(directory)
    await writeFile(join(directory, 'tls.crt'), certificate.chain)
    await writeFile(join(directory, 'tls.key'), certificate.key)
  }
  await version('..1', pki.server)
  await symlink('..1', join(balancer.directory, '..data'))
  await balancer.rewrite({ tls: { cert: '..data/tls.crt', key: '..data/tls.key', ca: 'ca.pem' } })
  await reloaded(1)
  await version('..2', await pki.authority.issue({ certname: 'swapped.example.com', altNames: ['puppet'] }))
  await symlink('..2', join(balancer.directory, '..data.new'))
  await rename(join(balancer.directory, '..data.new'), join(balancer.directory, '..data'))
  await reloaded(2)
  t.equal(await shownBy(balancer.port), 'swapped.example.com')
})

t.test('a broken file changes nothing, is told with its line, and is taken once it is mended', async t => {
  const { balancer, b, reloaded } = await startScene(t)
  await writeFile(balancer.file, 'masters: [')
  const line = await balancer.line({ msg: 'configuration is not reloaded; the last good one stays in force' })
  t.match(line.problems, [/puppet-lb\.yaml:1:/])
  const agent = connectAgent(t, pki, balancer.port, identity)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'a')
  await balancer.rewrite({ masters: [{ name: 'b', url: b.url }] })
  await reloaded(1)
  t.equal((await agent.ask(catalog)).headers['x-puppet-compiler-name'], 'b')
})
