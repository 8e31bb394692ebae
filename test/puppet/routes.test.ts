import { cpSync } from 'node:fs'
import t from 'tap'
import { compiledBy, createAgent, createEnrolledAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { plainMaster, scratch, tlsMaster } from './support/layout.ts'
import { operate, shortName, startProxy } from './support/proxy.ts'

/** Lines of the log are on their way for a moment. */
const LOG_DEADLINE_MS = 30_000
const [central, siteB] = [plainMaster, tlsMaster].map(shortName) as [string, string]
const proxy = await startProxy({
  name: 'routes',
  pools: { [central]: ['default', 'reports'], [siteB]: ['site-b'] },
  routes: [
    '{ class: report, pool: reports }',
    '{ extension: { pp_datacenter: b }, pool: site-b, otherwise: default }',
    '{ environment: canary, pool: site-b }'
  ]
})
t.teardown(proxy.end)

/** Its first run gets it its certificate, by a request that has what its `csr_attributes.yaml` says. */
const inB = createAgent({ certname: 'in-b.example.test', datacenter: 'b' })
const inC = await createEnrolledAgent({ certname: 'in-c.example.test', datacenter: 'c' })

const environments = scratch('code/environments')
cpSync(`${environments}/production`, `${environments}/canary`, { recursive: true })
const inCanary = await createEnrolledAgent({
  certname: 'in-canary.example.test',
  settings: { environment: 'canary' }
})

/** The masters that the access log names for an agent, by the class of its requests. */
function mastersOf(certname: string): Readonly<Record<string, readonly string[]>> {
  const lines = proxy
    .log()
    .split('\n')
    .filter(line => line.includes(`"certname":"${certname}"`) && line.includes('"msg":"request"'))
    .map(line => JSON.parse(line) as { readonly class: string; readonly master: string })
  const byClass = Map.groupBy(lines, each => each.class)
  return Object.fromEntries(
    [...byClass].map(([name, of]) => [name, [...new Set(of.map(({ master }) => master))].toSorted()])
  )
}

t.test(
  'agents run on the masters that the extension of their certificate, or their environment, leads to',
  async t => {
    for (const [agent, master] of [
      [inB, tlsMaster],
      [inC, plainMaster],
      [inCanary, tlsMaster]
    ] as const) {
      const { status, output } = await runAgent(agent)
      t.equal(status, 2, 'changes were made', { output })
      t.equal(compiledBy(agent), master.name)
      const isReported = async () => 'report' in mastersOf(agent.certname)
      t.ok(await reaches(isReported, LOG_DEADLINE_MS), 'it reports')
      const { catalog, light, report } = mastersOf(agent.certname)
      t.same([catalog, light], [[shortName(master)], [shortName(master)]])
      t.same(report, [central], 'and their reports go where all reports go')
    }
  }
)

t.test('while a pool is away the other one serves, and afterwards it does again', async t => {
  await operate('maint', siteB)
  t.ok([0, 2].includes((await runAgent(inB)).status))
  t.equal(compiledBy(inB), plainMaster.name)
  await operate('undrain', siteB)
  t.ok([0, 2].includes((await runAgent(inB)).status))
  t.equal(compiledBy(inB), tlsMaster.name)
})
