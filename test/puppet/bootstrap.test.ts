import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bootstrapAgent, createAgent, managedFile, runAgent } from './support/agent.ts'
import { allMasters, caMaster, compileMasters } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { startProxy } from './support/proxy.ts'

/** Puppet Server closes an idle connection after 30 s; an agent that waits for that has stalled. */
const STALL_MS = 30_000

t.teardown(await startProxy({ name: 'bootstrap' }))

// Puppet's own key length, and a first run that has everything to fetch: the machine of the issue.
const agent = createAgent({ certname: 'web-1.example.test', role: 'webserver', keyLength: 4096 })

t.test('a machine without a certificate gets one, and its first catalog, in one run', async t => {
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, output)
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
  t.equal(status, 0, output)
})

t.test('each run left one report on one of the compile masters', async t => {
  const counts = allMasters.map(reportsOf)
  t.equal(counts[0], 0, 'none on the CA master')
  t.equal(
    counts.reduce((sum, count) => sum + count),
    2,
    counts.join(' + ')
  )
})

// Straight to Debian's Puppet Server the same command takes 30 s and more: over TLS 1.3 Java sends its session
// ticket after the first answer, which Ruby takes for the end of the connection, and waits for it.
t.test('getting a certificate does not stall between request and download', async t => {
  const started = performance.now()
  const { status, output } = await bootstrapAgent(createAgent({ certname: 'web-2.example.test' }))
  const tookMs = performance.now() - started
  t.equal(status, 0, output)
  t.ok(tookMs < STALL_MS, `${Math.round(tookMs)} ms`)
})

function reportsOf(master: (typeof allMasters)[number]): number {
  const directory = join(masterDir(master), 'var/reports', agent.certname)
  return existsSync(directory) ? readdirSync(directory).length : 0
}
