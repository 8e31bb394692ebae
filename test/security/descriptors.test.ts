import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { flood } from './support/flood.ts'

const DESCRIPTORS = 256
const AGENTS = 20

const pki = await createTestPki()
const revoked = await pki.authority.issue({ certname: 'revoked.example.com' })
const first = await pki.authority.issue({ certname: 'agent-00.example.com' })
const agents = Array.from({ length: AGENTS }, (_, index) =>
  renamedCertificate(first, `agent-${String(index).padStart(2, '0')}.example.com`, pki.authority)
)

/** A balancer with few descriptors, two masters and a CA on TLS, and a revocation list that is read every second. */
async function startScene(t: Test) {
  const tls = pki.server
  const answer = (name: string) => startScriptedMaster(t, (_, response) => response.end(name), { tls })
  const [ca, m1, m2] = await Promise.all([answer('ca'), answer('m1'), answer('m2')])
  const balancer = await spawnBalancer(
    t,
    pki,
    {
      ca: ca.url,
      masters: [
        { name: 'm1', url: m1.url },
        { name: 'm2', url: m2.url }
      ],
      listen: { workers: 2 },
      // Time enough for a slow machine: what must not happen is that a probe cannot be made.
      health: { interval: '1s', timeout: '1s', rise: 1, fall: 5 },
      tls: { crl: { file: 'crl.pem', refresh: '1s' }, cert: 'server.pem', key: 'server.key', ca: 'ca.pem' }
    },
    { descriptors: DESCRIPTORS, files: { 'crl.pem': await pki.authority.crl() } }
  )
  return {
    balancer,
    async revoke(serial: string) {
      const file = join(balancer.directory, 'crl.pem')
      await writeFile(`${file}.new`, await pki.authority.crl({ revoked: [serial] }))
      await rename(`${file}.new`, file)
      await balancer.line({ msg: 'certificate revocation list is read again' })
    }
  }
}

for (const [who, handshake] of [
  ['handshakes that never end', false],
  ['idle connections without a certificate', true]
] as const) {
  t.test(`${who}, more than there are descriptors for, take nothing from anybody`, async t => {
    const { balancer, revoke } = await startScene(t)
    const strangers = await flood(t, { port: balancer.port, count: 400, handshake })
    t.ok(strangers.open() > 50, `${strangers.open()} of them stay`)

    await revoke(revoked.serial)
    const late = connectAgent(t, pki, balancer.port, revoked)
    t.equal(
      (await late.ask({ path: '/puppet/v3/node/x' })).status,
      403,
      'the new revocation list is in force'
    )

    const answers = await Promise.all(
      agents.map(agent => connectAgent(t, pki, balancer.port, agent).ask({ path: '/puppet/v3/node/x' }))
    )
    t.same(
      answers.map(({ status }) => status),
      agents.map(() => 200),
      'agents with a certificate are served'
    )
    const ca = await connectAgent(t, pki, balancer.port).ask({ path: '/puppet-ca/v1/certificate/ca' })
    t.equal(ca.body, 'ca', 'and so is an agent that has none yet')

    const metrics = await scrape(balancer.adminPort)
    for (const master of ['m1', 'm2', 'ca']) {
      t.equal(metrics.value('puppet_lb_master_up', { master }), 1, `${master} is up`)
    }
    const failures = metrics.text.match(/^puppet_lb_probe_failures_total\{.*cause="own-fault".*$/gm)
    t.equal(failures, null, 'each probe could be made')
    t.ok(metrics.sum('puppet_lb_connections') < DESCRIPTORS / 2, 'connections of agents are bounded')
    const blamed = /ejected|unusable|lacks/
    t.notOk(balancer.lines.some(({ msg, cause }) => blamed.test(msg) || cause === 'EMFILE'))
  })
}

t.test('a start with few descriptors says so, in numbers', async t => {
  const { balancer } = await startScene(t)
  const warning = balancer.lines.find(({ msg }) => msg.includes('descriptors'))
  t.match(
    warning?.msg,
    /grants this process 256 .* agents get \d+ connections, not the 20000 of listen\.limits/
  )
  t.equal(warning?.level, 'warn')
})
