import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { agentVersion, bootstrapAgent, createAgent, managedFile, runAgent } from './support/agent.ts'
import { generation } from './support/debian.ts'
import { caMaster, compileMasters, type MasterLayout } from './support/layout.ts'
import { accessLogOf, askMaster } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { operate, startProxy } from './support/proxy.ts'

/** Puppet Server closes an idle connection after 30 s; an agent that waits for that has stalled. */
const STALL_MS = 30_000

t.teardown((await startProxy({ name: 'bootstrap' })).end)

// Puppet's own key length, and a first run that has everything to fetch.
const agent = createAgent({ certname: 'web-1.example.test', role: 'webserver', keyLength: 4096 })

t.test(`this is Puppet ${generation}, servers and agent`, async t => {
  for (const master of [caMaster, ...compileMasters]) {
    const { headers } = await askMaster(master, '/puppet/v3/node/nobody?environment=production')
    t.match(headers['x-puppet-version'], new RegExp(`^${generation}\\.`), master.name)
  }
  t.match(await agentVersion(), new RegExp(`^${generation}\\.`))
})

t.test('a machine without a certificate gets one, and its first catalog, in one run', async t => {
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'changes were made', { output })
  t.match(output, /Creating a new SSL certificate request/)
  t.match(output, /Downloaded certificate for web-1/)
})

t.test(
  'every request of the bootstrap went to the CA master, and none of it to a compile master',
  async t => {
    const asked = accessLogOf(caMaster).filter(line => line.includes('web-1.example.test'))
    t.match(asked, [
      /^200 "PUT \/puppet-ca\/v1\/certificate_request\/web-1/,
      /^200 "GET \/puppet-ca\/v1\/certificate\/web-1/
    ])
    t.equal(asked.length, 2, 'a catalog or a report is not for the CA master')
    for (const master of compileMasters) {
      t.same(
        accessLogOf(master).filter(line => line.includes('/puppet-ca/')),
        []
      )
    }
  }
)

t.test(
  'the master believes the balancer who the agent is, extensions of its certificate included',
  async t => {
    t.equal(
      managedFile(agent, 'identity'),
      'certname=web-1.example.test role=webserver authenticated=remote\n'
    )
  }
)

t.test('facts that came by pluginsync reach the master', async t => {
  t.equal(managedFile(agent, 'facts'), 'custom=from-pluginsync external=from-pluginfacts\n')
})

t.test('files of a module arrive, single and as a directory', async t => {
  t.equal(managedFile(agent, 'motd'), 'Served by one of several masters.\n')
  t.equal(managedFile(agent, 'tree/first'), 'first\n')
  t.equal(managedFile(agent, 'tree/second file'), 'second, with a space in its name\n')
  t.equal(managedFile(agent, 'tree/deep/third'), 'third\n')
})

t.test('a second run finds nothing to do', async t => {
  const { status, output } = await runAgent(agent)
  t.equal(status, 0, 'as it should', { output })
})

t.test('each run sent one report, and the compile master that took it has stored it', async t => {
  t.same(reportsOf(caMaster), { taken: 0, stored: 0 }, 'none went to the CA master')
  const reports = compileMasters.map(reportsOf)
  t.equal(
    reports.reduce((sum, { taken }) => sum + taken, 0),
    2,
    JSON.stringify(reports)
  )
  // A report's file is named by its minute, so that two on one master may be one file.
  for (const { taken, stored } of reports) t.equal(stored > 0, taken > 0)
})

// Straight to Debian's Puppet Server the same command takes 30 s and more: over TLS 1.3 Java sends its session
// ticket after the first answer, which Ruby takes for the end of the connection, and waits for it.
t.test('getting a certificate does not stall between request and download', async t => {
  const started = performance.now()
  const { status, output } = await bootstrapAgent(createAgent({ certname: 'web-2.example.test' }))
  const tookMs = performance.now() - started
  t.equal(status, 0, 'as it should', { output })
  t.ok(tookMs < STALL_MS, `${Math.round(tookMs)} ms`)
})

t.test('operators see what the agent is, and that a run of it failed, by its own report', async t => {
  const said = { environment: 'production', version: new RegExp(`^${generation}\\.`), reported: true }
  t.match(await lastRun(), { ...said, failure: null, failedRuns: 0 })
  // A directory that nobody can make.
  const { status, output } = await runAgent({ ...agent, root: '/proc/nowhere' })
  t.equal(status, 4, 'resources failed', { output })
  t.match(await lastRun(), { ...said, failure: 'report', failures: 0, failedRuns: 1 })
})

async function lastRun(): Promise<unknown> {
  return JSON.parse(await operate('agents', '--json', '--search', agent.certname)).agents[0]
}

function reportsOf(master: MasterLayout) {
  const taken = accessLogOf(master).filter(line =>
    line.startsWith(`200 "PUT /puppet/v3/report/${agent.certname}?`)
  )
  const directory = join(masterDir(master), 'var/reports', agent.certname)
  return { taken: taken.length, stored: existsSync(directory) ? readdirSync(directory).length : 0 }
}
