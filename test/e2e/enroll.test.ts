import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { leafOf } from '../../src/pki/server-certificate.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { certname, ownDirectory, startCa, textOf, tryToEnrol } from '../control/certificates/scene.ts'
import { connectAgent } from '../support/agent.ts'
import { type EnrollingProcess, spawnEnrolling } from '../support/enrolling-process.ts'
import { scrape } from '../support/metrics.ts'

const DAY_MS = 86_400_000
const altNames = ['puppet', 'localhost', '127.0.0.1']
const agentName = 'agent.example.com'
const catalog = {
  method: 'POST',
  path: `/puppet/v3/catalog/${agentName}?environment=production`,
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  body: 'facts={}'
}

const variablesFor = (url: string, fingerprint: string) => ({
  PUPPET_LB_CA_URL: url,
  PUPPET_LB_ENROLL_NAME: certname,
  PUPPET_LB_ENROLL_CA_FINGERPRINT: fingerprint,
  PUPPET_LB_ENROLL_ALT_NAMES: altNames.join(',')
})

async function portOf(
  balancer: EnrollingProcess
): Promise<{ readonly port: number; readonly adminPort: number }> {
  const ended = balancer.exit.then(code =>
    Promise.reject(new Error(`ended with ${code}: ${balancer.errors()}`))
  )
  const { port, adminPort } = await Promise.race([balancer.line({ msg: 'serving' }), ended])
  return { port: Number(port), adminPort: Number(adminPort) }
}

t.test("with the CA's URL, a name and a fingerprint, and no file at all, it serves agents", async t => {
  const { authority, registry, master, fingerprint } = await startCa(t, { autosign: false })
  const balancer = spawnEnrolling(t, ownDirectory(t), variablesFor(master.url, fingerprint))
  await balancer.says(/puppetserver ca sign --certname lb\.example\.com/)
  await registry.sign(certname)
  const { port, adminPort } = await portOf(balancer)
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
  const { registry, master, fingerprint } = await startCa(t, { autosign: false })
  const directory = ownDirectory(t)
  const first = spawnEnrolling(t, directory, variablesFor(master.url, fingerprint))
  await master.until(() => registry.request(certname) !== undefined)
  first.signal('SIGTERM')
  t.equal(await first.exit, 0)
  const key = await textOf(join(directory, 'tls'), 'key.pem')
  await registry.sign(certname)
  await portOf(spawnEnrolling(t, directory, variablesFor(master.url, fingerprint)))
  t.equal(await textOf(join(directory, 'tls'), 'key.pem'), key)
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

for (const reload of ['watch', 'signal']) {
  t.test(
    `its certificate is renewed, connections go on, and its revocation is told (reload: ${reload})`,
    async t => {
      let clockMs = Date.now() - (5 * 365 - 20) * DAY_MS
      const authority = await createAuthority({ wallClock: () => clockMs })
      const { registry, master, fingerprint } = await startCa(t, {}, authority)
      const directory = ownDirectory(t)
      const settings = { directory: join(directory, 'tls'), caFingerprint: fingerprint, altNames }
      await tryToEnrol(master.url, settings)
      clockMs = Date.now()
      const old = registry.certificate(certname) ?? ''
      const balancer = spawnEnrolling(t, directory, {
        ...variablesFor(master.url, fingerprint),
        PUPPET_LB_RELOAD: reload,
        PUPPET_LB_TLS_CRL_REFRESH: '1s'
      })
      const { port, adminPort } = await portOf(balancer)
      await balancer.line({ state: 'renewal-due' })
      const identity = await authority.issue({ certname: agentName })
      const agent = connectAgent(t, { authority, server: identity }, port, identity)
      const ask = async () => {
        const request = agent.open(catalog)
        const [response] = await once(request, 'response')
        await once(response.resume(), 'end')
        return { status: response.statusCode, socket: request.socket }
      }
      const before = await ask()
      t.equal(before.status, 200)

      // An operator does what the sentence says, and does not want to wait.
      registry.forget(certname)
      const { code, out } = await puppetLb([
        ...['enroll', '--renew', '--ca-url', master.url, '--name', certname, '--dir', settings.directory],
        ...['--ca-fingerprint', fingerprint, ...altNames.flatMap(name => ['--alt-name', name])]
      ])
      t.equal(code, 0)
      t.match(out, /lb\.example\.com is enrolled: /)
      if (reload === 'signal') balancer.signal('SIGHUP')
      await balancer.line({ msg: 'configuration is reloaded' })
      const socket = connect({ host: '127.0.0.1', port, servername: 'puppet', ca: authority.bundle })
      await once(socket, 'secureConnect')
      t.not(
        socket.getPeerX509Certificate()?.serialNumber,
        leafOf(old)?.serialNumber,
        'a new handshake shows the new one'
      )
      socket.destroy()
      const after = await ask()
      t.equal(after.status, 200)
      t.equal(after.socket, before.socket, 'the connection of before goes on')

      registry.clean(certname)
      await writeFile(join(settings.directory, 'crl.pem'), await registry.crl())
      await balancer.line({ state: 'revoked' })
      t.equal((await scrape(adminPort)).value('puppet_lb_own_certificate_state', { state: 'revoked' }), 1)
    }
  )
}
