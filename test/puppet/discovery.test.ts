import t from 'tap'
import { startNameServer, unlessNamed } from '../support/name-server.ts'
import { compiledBy, createAgent, createEnrolledAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { caMaster, type MasterLayout, plainMaster, tlsMaster } from './support/layout.ts'
import { shortName, startProxy, stateOf } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

const domain = 'example.test'
const DEADLINE_MS = 60_000

/** Named by DNS, and not there: a list of which the last record goes is kept as it was. */
const deadMaster: MasterLayout = { ...tlsMaster, name: 'compile-9.example.test', host: '127.0.18.19' }

const service = (name: string, { port, name: host }: MasterLayout) =>
  `_${name}._tcp.${domain}. 1 IN SRV 0 1 ${port} ${host}.`
const nameOf = ({ name, port }: MasterLayout) => `${name}:${port}`

t.test('masters and the CA are found by DNS, and follow it', { skip: unlessNamed }, async t => {
  const nameServer = await startNameServer(t, {
    [domain]: [
      service('x-puppet', tlsMaster),
      service('x-puppet', deadMaster),
      service('x-puppet-ca', caMaster),
      ...[tlsMaster, deadMaster, caMaster].map(({ name, host }) => `${name}. IN A ${host}`)
    ]
  })
  const proxy = await startProxy({
    name: 'srv',
    masters: [plainMaster],
    srv: { domain, server: nameServer.address }
  })
  t.teardown(proxy.end)
  t.ok(await reaches(async () => (await stateOf(nameOf(tlsMaster))) === 'up', DEADLINE_MS), 'found and up')

  const fleet = ['fleet-0.example.test', 'fleet-1.example.test', 'fleet-2.example.test']
  const agents = await inWaves(fleet, 3, certname => createEnrolledAgent({ certname }))
  const runAll = async () => {
    for (const { status, output } of await inWaves(agents, 3, agent => runAgent(agent, 2)))
      t.ok([0, 2].includes(status), `ended with ${status}`, { output })
    return new Set(agents.map(compiledBy))
  }

  t.test('an agent enrols with the CA that DNS names, and runs', async t => {
    const { status, output } = await runAgent(createAgent({ certname: 'by-srv.example.test' }))
    t.equal(status, 2, 'ended with 2', { output })
  })

  t.test('runs go to masters of DNS and of the file', async t => {
    t.same(await runAll(), new Set([tlsMaster.name, plainMaster.name]))
  })

  t.test('a record that is gone in the middle of runs costs none of them', async t => {
    const runs = runAll()
    nameServer.update(domain, `delete ${service('x-puppet', tlsMaster).replace(' 1 IN', '')}`)
    await runs
    t.ok(await reaches(async () => (await stateOf(nameOf(tlsMaster))) === undefined, DEADLINE_MS), 'it left')
    t.same(await runAll(), new Set([plainMaster.name]))
    nameServer.update(domain, `add ${service('x-puppet', tlsMaster)}`)
    t.ok(await reaches(async () => (await stateOf(nameOf(tlsMaster))) === 'up', DEADLINE_MS), 'and is back')
    t.equal(await stateOf(shortName(plainMaster)), 'up')
  })
})
