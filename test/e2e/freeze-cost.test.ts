import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startMasterProcess } from '../support/master-process.ts'

/**
 * A freeze of six seconds, with probes ten times as often as by default. The real thing is PUPPET_LB_TEST_FREEZE_SECONDS=60,
 * with probes as by default.
 */
const SECONDS = Number(process.env.PUPPET_LB_TEST_FREEZE_SECONDS ?? 6)
const isWhole = SECONDS >= 60
const INTERVAL_MS = isWhole ? 5_000 : 500
/** What a freeze may cost a run: 20 s of a minute. The suite's is so short that a busy machine has a larger share. */
const MOST_MS = isWhole ? 20_000 : 3_000
const AGENTS = 6
/** Each request but a catalog takes so long, so that some are at the master when it freezes. */
const LIGHT_MS = 200

t.setTimeout(300_000)
const pki = await createTestPki()
const tls = { cert: pki.server.chain, key: pki.server.key }

// Without TLS is for who asks for a longer one.
for (const isSecure of process.env.PUPPET_LB_TEST_FREEZE_SECONDS === undefined ? [true] : [true, false]) {
  t.test(`a freeze costs no run much, over ${isSecure ? 'TLS' : 'plain HTTP'}`, async t => {
    const options = isSecure ? { tls } : {}
    const [first, second] = await Promise.all([
      startMasterProcess(t, { name: 'first', ...options, lightMs: LIGHT_MS, jrubies: AGENTS }),
      startSimulatedMaster({ name: 'second', ...options, lightMs: () => LIGHT_MS, jrubies: AGENTS })
    ])
    t.teardown(second.close)
    const masters = [first, second].map(({ name, url }) => ({ name, url }))
    const health = { intervalMs: INTERVAL_MS, timeoutMs: 0.6 * INTERVAL_MS, rise: 2, fall: 3 }
    const app = await startBalancer(t, testConfig(pki, { ca: second.url, masters }, { health }))
    const runs: { readonly sinceMs: number; readonly ms: number; readonly failed: string | undefined }[] = []
    /** So many runs have ended that one is known to be usual. */
    const warm = Promise.withResolvers<void>()
    let isOver = false
    const looping = Array.from({ length: AGENTS }, async (_, index) => {
      const certname = `agent-${index}.example.com`
      const { chain, key } = await pki.authority.issue({ certname })
      while (!isOver) {
        const sinceMs = performance.now()
        const { failure } = await runAgent({
          ...{ host: '127.0.0.1', port: app.port, servername: 'puppet', ca: pki.authority.bundle },
          ...{ identity: { cert: chain, key }, certname, version: '8.10.0', files: 1 }
        })
        runs.push({ sinceMs, ms: performance.now() - sinceMs, failed: failure?.path })
        if (runs.length === 2 * AGENTS) warm.resolve()
      }
    })
    await warm.promise
    const usualMs = median(runs.map(({ ms }) => ms))
    const reports = async () => (await first.requests()).filter(each => each.includes('/report/')).length
    const before = await reports()
    // One is there when it freezes.
    while ((await reports()) === before);
    first.freeze()
    const frozenMs = performance.now()
    await delay(1_000 * SECONDS)
    first.thaw()
    isOver = true
    await Promise.all(looping)

    const met = runs.filter(({ sinceMs, ms }) => sinceMs + ms > frozenMs)
    const costs = met.map(({ ms }) => Math.round(ms - usualMs)).toSorted((a, b) => b - a)
    const isReport = (path: string | undefined) => path?.startsWith('/puppet/v3/report/')
    const lost = met.filter(({ failed }) => isReport(failed)).length
    t.comment(
      `a freeze of ${SECONDS} s, probes every ${INTERVAL_MS / 1_000} s: of ${met.length} runs of ${Math.round(usualMs)} ms ` +
        `those that met it first cost ${costs.slice(0, AGENTS).join(', ')} ms more; the agents of ${lost} log a report as lost`
    )
    t.ok((costs[0] ?? 0) < MOST_MS, `at most ${costs[0]} ms`)
    // A report that is not answered is a line in the agent's log; its run ends as it would have.
    t.same(
      met.filter(({ failed }) => failed !== undefined && !isReport(failed)),
      [],
      'no run fails'
    )
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
