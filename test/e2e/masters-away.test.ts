import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { probeRounds } from '../support/probe-rounds.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const health = { intervalMs: 5_000, timeoutMs: 3_000, rise: 1, fall: 2 }
const AWAY_MS = 40_000

async function startScene(t: Test) {
  const start = async (options: Parameters<typeof startSimulatedMaster>[0]) => {
    const master = await startSimulatedMaster(options)
    t.teardown(() => master.close())
    return master
  }
  const ca = await start({ name: 'ca-master', ca: pki.authority })
  const masters = await Promise.all(['m1', 'm2'].map(name => start({ name })))
  const topology = { ca: ca.url, masters: masters.map(({ name, url }) => ({ name, url })) }
  const runtime = probeRounds({ intervalMs: health.intervalMs, count: 3 })
  const { log, ...logged } = captureLog()
  const app = await startBalancer(t, testConfig(pki, topology, { health }), { runtime, log })
  const run = async (version: string) => {
    const certname = `agent-${version}.example.com`
    const { chain, key } = await pki.authority.issue({ certname })
    return runAgent({
      host: '127.0.0.1',
      port: app.port,
      servername: 'puppet',
      ca: pki.authority.bundle,
      identity: { cert: chain, key },
      certname,
      version,
      files: 3,
      runtime
    })
  }
  return { app, masters, runtime, run, logged }
}

/** Kills them at once, and starts them anew on their ports when they were away for long enough. */
async function takeAway(
  masters: readonly SimulatedMaster[],
  rounds: () => Promise<void>,
  awayMs: number
): Promise<void> {
  await Promise.all(masters.map(master => master.kill()))
  for (let ms = 0; ms < awayMs; ms += health.intervalMs) await rounds()
  await Promise.all(masters.map(master => master.restart()))
}

/** A run whose masters go away while they compile its catalog, and what it came to. */
async function runWithout(
  { masters, runtime, run }: Awaited<ReturnType<typeof startScene>>,
  { version, awayMs }: { readonly version: string; readonly awayMs: number }
) {
  let isOver = false
  for (const master of masters) master.hold()
  const running = run(version).finally(() => {
    isOver = true
  })
  await Promise.race(masters.map(master => master.until(({ held }) => held === 1)))
  const gone = takeAway(masters, () => runtime.round(), awayMs)
  // The compile died with its master; its catalog is asked again, and then the files.
  for (const master of masters) master.release()
  await gone
  while (!isOver) await runtime.round()
  const reports = masters.flatMap(({ requests }) =>
    requests.filter(({ url, status }) => url.includes('/report/') && status === 200)
  )
  return { ...(await running), reports: reports.length }
}

for (const { version, isSentAway } of [
  { version: '3.8.7', isSentAway: false },
  { version: '4.10.12', isSentAway: false },
  { version: '5.2.0', isSentAway: false },
  { version: '5.5.22', isSentAway: false },
  { version: '6.13.0', isSentAway: false },
  { version: '6.14.0', isSentAway: false },
  { version: '7.23.0', isSentAway: false },
  { version: '7.26.0', isSentAway: true },
  { version: '8.1.0', isSentAway: false },
  { version: '8.10.0', isSentAway: true },
  { version: 'none', isSentAway: false }
]) {
  t.test(`a run of ${version} ends well though all masters are away for 40 s in its middle`, async t => {
    const scene = await startScene(t)
    const { app, logged } = scene
    const { exitStatus, failure, reports } = await runWithout(scene, { version, awayMs: AWAY_MS })
    t.same([exitStatus, failure, reports], [2, undefined, 1])

    const metrics = await scrape(app.adminPort)
    t.equal(metrics.sum('puppet_lb_queue_depth'), 0)
    t.equal(metrics.sum('puppet_lb_in_flight'), 0)
    t.equal(
      metrics.sum('puppet_lb_shed_total') > 0,
      isSentAway,
      'who comes back often enough was sent away, nobody else'
    )
    const refused = logged.lines.filter(({ msg, status }) => msg === 'request' && status === 503)
    t.equal(refused.length > 0, isSentAway)
    if (!isSentAway) {
      const [catalog] = logged.lines.filter(line => line.msg === 'request' && line.class === 'catalog')
      t.match(catalog, { status: 200, end: 'complete' })
      t.ok(Number(catalog?.queueMs) >= AWAY_MS - health.intervalMs, `it waited for ${catalog?.queueMs} ms`)
      t.ok(metrics.sum('puppet_lb_queue_seconds_sum', { class: 'catalog' }) >= 35)
    }
  })
}

/** Longer than a catalog is waited for here, and than ten returns lasted that were told 5 to 30 s. */
const LONG_MS = 480_000

for (const version of ['5.5.22', '6.13.0'])
  t.test(`a run of ${version}, which comes back ten times at most, outlasts eight minutes`, async t => {
    const scene = await startScene(t)
    const { exitStatus, failure, reports } = await runWithout(scene, { version, awayMs: LONG_MS })
    t.same([exitStatus, failure, reports], [2, undefined, 1])
    const metrics = await scrape(scene.app.adminPort)
    const sentAway = metrics.sum('puppet_lb_shed_total')
    t.ok(sentAway >= 1 && sentAway <= 5, `told to come back ${sentAway} times`)
  })
