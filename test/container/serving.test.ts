import t from 'tap'
import type { RecordedRequest } from '../../src/simulation/request-log.ts'
import type { SimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { deploy } from './deployment.ts'
import { inspectProcess } from './process.ts'

// The container shares this machine's network: two ports for each test, from here on.
const firstPort = 18300

t.test('an agent is served by masters outside the container, under its own name', async t => {
  const { port, pki, agent, ca, master } = await deploy(t, firstPort)
  const known = connectAgent(t, pki, port, agent)
  const stranger = connectAgent(t, pki, port)

  const node = await known.ask({ path: '/puppet/v3/node/agent.example.com?environment=production' })
  const bundle = await stranger.ask({ path: '/puppet-ca/v1/certificate/ca' })

  t.equal(node.status, 200)
  t.equal(received(master, '/puppet/v3/node/')?.caller?.certname, 'agent.example.com')
  t.equal(bundle.status, 200)
  t.match(bundle.body, /BEGIN CERTIFICATE/)
  t.equal(received(ca, '/puppet-ca/')?.status, 200)
})

t.test(
  'it runs as process 1 of its own, as user 1000 without a capability, and nothing is written',
  async t => {
    const { container } = await deploy(t, firstPort + 2)
    const { command, ids, ...rights } = await inspectProcess(await container.pid())
    t.same(command.slice(0, 4), ['node', '--disable-sigusr1', '/app/src/main.ts', 'serve'])
    t.equal(ids.at(-1), '1')
    t.same(rights, {
      users: ['1000', '1000', '1000', '1000'],
      groups: ['1000', '1000', '1000', '1000'],
      capabilities: '0000000000000000',
      mayGainPrivileges: false,
      isRootReadOnly: true,
      filesOpenForWriting: []
    })
  }
)

t.test('the health check passes while the process answers and fails while it hangs', async t => {
  const { container } = await deploy(t, firstPort + 4)
  t.equal(await container.isHealthy(), true)
  await container.kill('SIGSTOP')
  t.equal(await container.isHealthy(), false)
  await container.kill('SIGCONT')
  t.equal(await container.isHealthy(), true)
})

t.test('told to stop, it lets a running compile end and exits with status 0', async t => {
  const { container, port, pki, agent, master } = await deploy(t, firstPort + 6)
  const client = connectAgent(t, pki, port, agent)
  master.hold()
  const catalog = client.ask({
    method: 'POST',
    path: '/puppet/v3/catalog/agent.example.com?environment=production',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'environment=production'
  })
  await master.until(({ held }) => held === 1)

  const stopped = container.stop()
  await container.line(line => line.includes('"msg":"draining'))
  master.release()

  t.equal((await catalog).status, 200)
  t.equal(await stopped, 0)
})

/** The request with this beginning, among the probes a master also gets. */
function received(master: SimulatedMaster, beginning: string): RecordedRequest | undefined {
  return master.requests.find(({ url }) => url.startsWith(beginning))
}
