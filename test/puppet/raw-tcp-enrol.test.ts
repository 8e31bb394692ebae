import t from 'tap'
import { compiledBy, createAgent, managedFile, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { caMaster, plainMaster, ports, tlsMaster } from './support/layout.ts'
import { accessLogOf, restartMaster } from './support/master.ts'
import { shortName, startProxy } from './support/proxy.ts'

const LOG_DEADLINE_MS = 30_000

/** A whole site of before behind one port: the CA compiles as well, and looks at certificates itself. */
await restartMaster(caMaster, false)
t.teardown(() => restartMaster(caMaster, true))
const proxy = await startProxy({
  name: 'raw-tcp-enrol',
  // Who gets raw TCP gets no HTTP, so somebody else has the name of the CA here. Nobody asks for certificates there.
  ca: tlsMaster,
  masters: [plainMaster, caMaster],
  pools: { [shortName(caMaster)]: ['tcp'] },
  tcpPool: 'tcp'
})
t.teardown(proxy.end)

t.test('an agent that knows one port, of raw TCP, gets its certificate and its catalog there', async t => {
  const settings = { serverport: String(ports.tcp) }
  const agent = createAgent({ certname: 'raw-all.example.test', role: 'kiosk', settings })
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'changes were made', { output })
  t.match(output, /Downloaded certificate for raw-all/)
  t.equal(managedFile(agent, 'identity'), 'certname=raw-all.example.test role=kiosk authenticated=remote\n')
  t.equal(compiledBy(agent), caMaster.name)
  const told = new RegExp(`"port":${ports.tcp},"master":"${shortName(caMaster)}".*"msg":"connection"`)
  t.ok(await reaches(async () => told.test(proxy.log()), LOG_DEADLINE_MS))
  const asked = accessLogOf(caMaster).filter(line => line.includes('raw-all.example.test'))
  for (const what of [
    'PUT /puppet-ca/v1/certificate_request',
    'POST /puppet/v3/catalog',
    'PUT /puppet/v3/report'
  ])
    t.ok(
      asked.some(line => line.startsWith(`200 "${what}/`)),
      what
    )
  t.notMatch(proxy.log(), /"msg":"request".*raw-all/, 'none of it was HTTP to the balancer')
})
