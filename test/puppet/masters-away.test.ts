import { cpSync, existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  bootstrapAgent,
  compiledBy,
  createAgent,
  createEnrolledAgent,
  runAgent,
  runAsService
} from './support/agent.ts'
import { type Run, reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import {
  allMasters,
  caMaster,
  compileMasters,
  type MasterLayout,
  plainMaster,
  scratch,
  tlsMaster
} from './support/layout.ts'
import { accessLogOf, compilesOn, endMaster, masterReady, startMaster } from './support/master.ts'
import { admin, askProxy, startProxy } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

/** Beside the time that a master takes to start. */
const AWAY_MS = 40_000
const AGENTS = 10
/** An agent's own work is 2 s of CPU; five at once keep two cores busy without starving anybody. */
const AT_ONCE = 5
const COMPILE_SECONDS = 4
const LONG_COMPILE_SECONDS = 10
const COMPILING_DEADLINE_MS = 60_000
/** Agents of 7.23 sleep after a `Retry-After` and then fail, those of 8.10 come back. */
const comesBack = generation === 8

const proxy = await startProxy({ name: 'masters-away', drainTimeout: '5s' })
t.teardown(proxy.end)
const certnames = Array.from({ length: AGENTS }, (_, i) => `fleet-${i}.example.test`)
const agents = await inWaves(certnames, 2, certname => createEnrolledAgent({ certname }))
const compiling = await createEnrolledAgent({ certname: 'compiling.example.test' })
const refreshing = await createEnrolledAgent({
  certname: 'refreshing.example.test',
  settings: { ca_refresh_interval: '1s', crl_refresh_interval: '1s' }
})
/** Its catalogs name no file of a master, which nobody can serve when all are gone. */
const alone = scratch('code/environments/alone')
cpSync(scratch('code/environments/production'), alone, { recursive: true })
writeFileSync(
  `${alone}/manifests/site.pp`,
  "if $facts['probe_pause'] { probe::pause(Integer($facts['probe_pause'])) }\nnotify { 'all there is': }\n"
)
const cached = await createEnrolledAgent({
  certname: 'cached.example.test',
  settings: { usecacheonfailure: 'true', environment: 'alone' }
})
const beginning = await createEnrolledAgent({ certname: 'beginning.example.test' })

t.test('a compile master dies in the middle of compiles, and no run notices', async t => {
  const runs = inWaves(agents, AT_ONCE, agent => runAgent(agent, COMPILE_SECONDS))
  t.ok(await compiles(tlsMaster), 'it is compiling when it dies')
  await endMaster(tlsMaster, 'SIGKILL')
  const ends = await runs
  for (const { status, output } of ends) t.ok([0, 2].includes(status), `ended with ${status}`, { output })
  t.equal(ends.length, AGENTS)
  t.ok((await sumOf('puppet_lb_retries_total')) > 0, 'the broken compiles were repeated')
  t.equal(await sumOf('puppet_lb_master_up', 'master="compile-1"'), 0, 'the balancer knows that it is dead')
  t.same(new Set(agents.map(compiledBy)), new Set([plainMaster.name]))
})

t.test('then the CA is away, and an enrolled agent that refreshes what it has of the CA runs', async t => {
  await endMaster(caMaster, 'SIGKILL')
  const { status, output } = await runAgent(refreshing)
  t.equal(status, 2, 'as it should', { output })
  // Facter may have to say something of this machine.
  t.notMatch(output, /^(?:Warning|Error): (?!Facter: )/m, 'without a word about the CA', { output })
  for (const [path, block] of [
    ['/puppet-ca/v1/certificate/ca', 'CERTIFICATE'],
    ['/puppet-ca/v1/certificate_revocation_list/ca', 'X509 CRL']
  ] as const) {
    const { status, body, headers } = await askProxy(path)
    t.equal(status, 200)
    t.match(body, `-----BEGIN ${block}-----`)
    t.match(headers, { 'content-type': /^text\/plain/, 'x-puppet-lb-stale': /^\d+$/ })
  }
})

t.test('then all masters are away for 40 s, and runs and an enrolment end well', async t => {
  const running = runAgent(compiling, LONG_COMPILE_SECONDS)
  t.ok(await compiles(plainMaster), 'it is compiling when it goes')
  await endMaster(plainMaster, 'SIGKILL')
  const begun = runAgent(beginning)
  const late = createAgent({ certname: 'enrolled-late.example.test' })
  let enrolled: Run | undefined
  const enrolling = bootstrapAgent(late).then(run => {
    enrolled = run
    return run
  })
  await delay(AWAY_MS)
  t.equal(enrolled, undefined, 'it waits')
  const { ca, crl, cert } = late.ssl
  t.same([ca, crl, cert].map(existsSync), [true, true, false], 'for its certificate alone')
  for (const master of allMasters) startMaster(master)
  await Promise.all(allMasters.map(masterReady))

  for (const { status, output } of await Promise.all([running, begun]))
    t.ok([0, 2].includes(status), `ended with ${status}`, { output })
  wasTold(t, 'no-master')
  for (const { certname } of [compiling, beginning])
    t.equal(reportsOf(certname), 1, `one report of ${certname}`)
  const { status, output } = await enrolling
  t.equal(status, 0, 'it is enrolled', { output })
  wasTold(t, 'ca-unavailable')
})

t.test(
  'an agent that is told that nobody can serve its catalog ends its run with the cached one',
  async t => {
    const first = await runAsService(cached)
    t.equal(first.status, 2, 'it has one', { output: first.output })
    const running = runAsService(cached, LONG_COMPILE_SECONDS)
    let compiler: MasterLayout | undefined
    const isCompiling = async () => {
      const counts = await Promise.all(compileMasters.map(compilesOn))
      compiler = compileMasters.find((_, index) => counts[index] !== 0)
      return compiler !== undefined
    }
    t.ok(await reaches(isCompiling, COMPILING_DEADLINE_MS), 'its catalog is compiled when all masters go')
    // A catalog that two masters broke off is not tried again.
    for (const master of compileMasters.toSorted(each => (each === compiler ? 1 : -1)))
      await endMaster(master, 'SIGKILL')
    // Whoever waits is told before a stop would cut it, as it is when it has waited for long.
    proxy.signal('SIGTERM')
    const { status, output } = await running
    t.ok([0, 2].includes(status), `ended with ${status}`, { output })
    t.match(output, /Using cached catalog from environment/)
    t.match(output, /Applied catalog/)
    if (!comesBack) t.match(output, /Error 503 on SERVER/i, 'a plain one')
    await proxy.ended()
    for (const master of compileMasters) startMaster(master)
    await Promise.all(compileMasters.map(masterReady))
  }
)

function compiles(master: MasterLayout): Promise<boolean> {
  return reaches(async () => (await compilesOn(master)) > 0, COMPILING_DEADLINE_MS)
}

/** Sum of a metric over all its labels, or over those that a pattern allows. */
async function sumOf(metric: string, labels = '[^}]*'): Promise<number> {
  const { body } = await admin('/metrics')
  return [...body.matchAll(new RegExp(`^${metric}(?:\\{${labels}\\})? (\\S+)$`, 'gm'))]
    .map(([, value]) => Number(value))
    .reduce((sum, value) => sum + value, 0)
}

/** Who comes back was sent away meanwhile, for this reason, and anybody else was not. */
function wasTold(t: Test, reason: string): void {
  const isTold = proxy.log().includes(`"end":"${reason}"`)
  t.equal(isTold, comesBack, `${comesBack ? '' : 'not '}sent away for ${reason}`)
}

/** A master notes a request once it is answered. */
function reportsOf(certname: string): number {
  const line = `200 "PUT /puppet/v3/report/${certname}?`
  return compileMasters.flatMap(accessLogOf).filter(each => each.startsWith(line)).length
}
