import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { leafOf } from '../../src/pki/server-certificate.ts'
import type { CaRules } from '../../src/simulation/ca-registry.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { certname, ownDirectory, startCa, tryToEnrol } from '../control/certificates/scene.ts'
import { connectAgent } from '../support/agent.ts'
import { enrolVariables, spawnEnrolling } from '../support/enrolling-process.ts'
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

/** An enrolled balancer that serves; its certificate ends in 20 days, and the CA signs as of today. */
async function startDue(t: Test, { reload, rules = {} }: { reload: string; rules?: CaRules }) {
  let clockMs = Date.now() - (5 * 365 - 20) * DAY_MS
  const authority = await createAuthority({ wallClock: () => clockMs })
  const ca = await startCa(t, rules, authority)
  const directory = ownDirectory(t)
  const settings = { directory: join(directory, 'tls'), caFingerprint: ca.fingerprint, altNames }
  await tryToEnrol(ca.master.url, settings)
  clockMs = Date.now()
  const old = leafOf(ca.registry.certificate(certname) ?? '')
  const balancer = spawnEnrolling(t, directory, {
    ...enrolVariables({ url: ca.master.url, name: certname, fingerprint: ca.fingerprint, altNames }),
    PUPPET_LB_RELOAD: reload,
    PUPPET_LB_TLS_CRL_REFRESH: '1s'
  })
  const { port, adminPort } = await balancer.serving()
  const identity = await authority.issue({ certname: agentName })
  const agent = connectAgent(t, { authority, server: identity }, port, identity)
  return {
    ...ca,
    settings,
    oldSerial: old?.serialNumber,
    balancer,
    adminPort,
    /** A catalog on the agent's connection, and which one that was. */
    async ask() {
      const request = agent.open(catalog)
      const [response] = await once(request, 'response')
      await once(response.resume(), 'end')
      return { status: response.statusCode, socket: request.socket }
    },
    /** Serial number of the certificate that a new handshake shows. */
    async shownSerial() {
      const socket = connect({ host: '127.0.0.1', port, servername: 'puppet', ca: authority.bundle })
      await once(socket, 'secureConnect')
      const serial = socket.getPeerX509Certificate()?.serialNumber
      socket.destroy()
      return serial
    }
  }
}

for (const reload of ['watch', 'signal']) {
  t.test(
    `at a CA that renews, it renews its certificate and shows it by itself (reload: ${reload})`,
    async t => {
      const { registry, oldSerial, balancer, adminPort, ...scene } = await startDue(t, {
        reload,
        rules: { renewal: true }
      })
      await balancer.says(/"msg":"the certificate of lb\.example\.com is renewed/)
      await balancer.says(/"msg":"configuration is reloaded"/)
      const serial = await scene.shownSerial()
      t.not(serial, oldSerial)
      t.equal(serial, leafOf(registry.certificate(certname) ?? '')?.serialNumber, 'the one that the CA has')
      t.equal((await scene.ask()).status, 200)
      t.equal((await scrape(adminPort)).value('puppet_lb_own_certificate_state', { state: 'good' }), 1)
    }
  )

  t.test(
    `its certificate is renewed, connections go on, and its revocation is told (reload: ${reload})`,
    async t => {
      const { master, registry, fingerprint, settings, balancer, adminPort, ...scene } = await startDue(t, {
        reload
      })
      await balancer.line({ state: 'renewal-due' })
      const before = await scene.ask()
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
      t.not(await scene.shownSerial(), scene.oldSerial, 'a new handshake shows the new one')
      const after = await scene.ask()
      t.equal(after.status, 200)
      t.equal(after.socket, before.socket, 'the connection of before goes on')

      registry.clean(certname)
      await writeFile(join(settings.directory, 'crl.pem'), await registry.crl())
      await balancer.line({ state: 'revoked' })
      t.equal((await scrape(adminPort)).value('puppet_lb_own_certificate_state', { state: 'revoked' }), 1)
    }
  )
}
