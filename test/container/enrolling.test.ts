import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { certname, startCa } from '../control/certificates/scene.ts'
import { connectAgent } from '../support/agent.ts'
import { createVolume } from './mount.ts'
import { runToEnd, startContainer } from './podman.ts'

const port = 18330

t.test(
  'with a URL, a name, a fingerprint and a volume, a container gets its certificate and serves agents',
  async t => {
    const { authority, registry, master, fingerprint } = await startCa(t, { autosign: false })
    const volume = await createVolume(t)
    const container = startContainer(t, 'puppet-lb-test-enrolling', {
      volumes: { [volume]: '/etc/puppet-lb' },
      env: {
        PUPPET_LB_CA_URL: master.url,
        PUPPET_LB_ENROLL_NAME: certname,
        PUPPET_LB_ENROLL_CA_FINGERPRINT: fingerprint,
        // The network is this machine's, so its usual ports may be taken.
        PUPPET_LB_LISTEN_PORT: String(port),
        PUPPET_LB_ADMIN_PORT: String(port + 1)
      }
    })
    await Promise.race([
      master.until(() => registry.request(certname) !== undefined),
      container.line(() => false)
    ])
    await container.line(line => line.includes(`puppetserver ca sign --certname ${certname}`))
    t.ok(await container.isHealthy(), 'while it waits nobody ends it')
    t.equal((await fetch(`http://127.0.0.1:${port + 1}/readyz`)).status, 503)
    await registry.sign(certname)
    await container.line(line => line.includes('"msg":"serving"'))
    const identity = await authority.issue({ certname: 'agent.example.com' })
    const agent = connectAgent(t, { authority, server: identity }, port, identity, { servername: certname })
    const { status } = await agent.ask({ path: '/puppet/v3/node/agent.example.com?environment=production' })
    t.equal(status, 200)
    const files = await readdir(join(volume, 'tls'))
    const kept = ['revocation-lists.pem', 'revocation-numbers.json', 'ca-certificates.pem', 'ca-lists.pem']
    t.same(
      files.filter(file => !kept.includes(file)).toSorted(),
      ['ca.pem', 'cert.pem', 'crl.pem', 'key.pem'],
      'beside what is kept for a start without the CA'
    )
    const { mode, uid } = await stat(join(volume, 'tls/key.pem'))
    t.same([mode & 0o777, uid], [0o600, 1000])
    t.equal(await container.stop(), 0)
  }
)

t.test('without a volume it says that it has nowhere to keep its key', async t => {
  const { master, fingerprint } = await startCa(t)
  const { status, stderr } = await runToEnd({
    env: {
      PUPPET_LB_CA_URL: master.url,
      PUPPET_LB_ENROLL_NAME: certname,
      PUPPET_LB_ENROLL_CA_FINGERPRINT: fingerprint
    }
  })
  t.equal(status, 2)
  t.match(stderr, /\/etc\/puppet-lb\/tls cannot be made: its file system is read-only; it must be .* volume/)
})
