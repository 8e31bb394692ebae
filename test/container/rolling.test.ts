import t from 'tap'
import type { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki, type TestPki } from '../support/balancer.ts'
import { startHaproxy, unlessHaproxy } from '../support/haproxy.ts'
import { createMount, createVolume } from './mount.ts'
import { type Container, startContainer } from './podman.ts'

type Test = { readonly teardown: (task: () => unknown) => void }

// Containers share this machine's network: each has a port for agents, and the next one for operators.
const [PORT_A, PORT_B, PORT_TAKEN] = [18_340, 18_342, 18_344]
const AGENTS = 6

/** Masters and a directory to mount: all that containers of one site have in common. */
async function startSite(t: Test, listen: string, admin = '') {
  const pki = await createTestPki()
  const [ca, ...masters] = await Promise.all(
    ['ca', 'm1', 'm2'].map(name => startSimulatedMaster({ name, jrubies: 2, compileMs: () => 40 }))
  )
  t.teardown(() => Promise.all([ca, ...masters].map(master => master?.close())))
  const directory = await createMount(t, {
    'server.pem': pki.server.chain,
    'server.key': pki.server.key,
    'ca.pem': pki.authority.bundle,
    'puppet-lb.yaml': `
listen: { host: 127.0.0.1, workers: 2, ${listen} }
tls: { cert: server.pem, key: server.key, ca: ca.pem }
ca: { url: "${ca?.url}" }
masters: [ ${masters.map(({ name, url }) => `{ name: ${name}, url: "${url}" }`).join(', ')} ]
health: { rise: 1 }
${admin}
`
  })
  return { pki, mounts: { [directory]: '/etc/puppet-lb' } }
}

/** Agents run without a pause; the result ends that, and tells how many runs there were and which failed. */
async function keepRunning(pki: TestPki, port: number) {
  const failures: AgentRequestError[] = []
  let runs = 0
  let isOver = false
  const fleet = Array.from({ length: AGENTS }, async (_, index) => {
    const certname = `agent${index}.example.com`
    const { chain, key } = await pki.authority.issue({ certname })
    const server = { host: '127.0.0.1', port, servername: 'puppet', ca: pki.authority.bundle }
    while (!isOver) {
      const { failure } = await runAgent({ ...server, identity: { cert: chain, key }, certname, files: 2 })
      runs++
      if (failure) failures.push(failure)
    }
  })
  return async () => {
    isOver = true
    await Promise.all(fleet)
    return { runs, failures }
  }
}

const serves = (container: Container) => container.line(line => line.includes('"msg":"serving"'))
const isAsked = (container: Container) => container.line(line => line.includes('"msg":"request"'))

t.test(
  'two behind HAProxy, which asks /readyz, are replaced one after the other, and no agent notices',
  { skip: unlessHaproxy },
  async t => {
    const { pki, mounts } = await startSite(t, 'drainDelay: 2s, drainTimeout: 25s')
    const start = async (port: number, generation: number) => {
      const env = { PUPPET_LB_LISTEN_PORT: String(port), PUPPET_LB_ADMIN_PORT: String(port + 1) }
      const container = startContainer(t, `puppet-lb-test-rolling-${port}-${generation}`, { mounts, env })
      await serves(container)
      return container
    }
    const ports = [PORT_A, PORT_B]
    const before = await Promise.all(ports.map(port => start(port, 1)))
    const front = await startHaproxy(t, [
      'mode tcp',
      'balance roundrobin',
      'option redispatch',
      'option httpchk GET /readyz',
      ...ports.map(
        port => `server s${port} 127.0.0.1:${port} check port ${port + 1} inter 200ms rise 1 fall 1`
      )
    ])
    const stop = await keepRunning(pki, front.port)
    await Promise.all(before.map(isAsked))
    for (const [index, port] of ports.entries()) {
      t.equal(await before[index]?.stop(), 0)
      // HAProxy gives it agents again, so the other one may go.
      await isAsked(await start(port, 2))
    }
    const { runs, failures } = await stop()
    t.ok(runs >= AGENTS, `${runs} runs`)
    t.same(failures, [])
  }
)

t.test('on the network of the host a second one takes over, by a shared directory', async t => {
  const { pki, mounts } = await startSite(
    t,
    `port: ${PORT_TAKEN}, drainDelay: 1h`,
    'admin: { socket: /run/puppet-lb/admin.sock }'
  )
  const options = {
    mounts,
    volumes: { [await createVolume(t)]: '/run/puppet-lb' },
    env: { PUPPET_LB_ADMIN_PORT: String(PORT_TAKEN + 1) }
  }
  const command = ['serve', '--config', '/etc/puppet-lb/puppet-lb.yaml', '--takeover']
  const first = startContainer(t, 'puppet-lb-test-first', { ...options, command })
  await serves(first)
  const stop = await keepRunning(pki, PORT_TAKEN)
  await isAsked(first)
  const second = startContainer(t, 'puppet-lb-test-second', { ...options, command })
  await isAsked(second)
  t.equal(await first.ended, 0, 'the first one ends what it has, and goes by itself')
  const { runs, failures } = await stop()
  t.ok(runs >= AGENTS)
  t.same(failures, [])
})
