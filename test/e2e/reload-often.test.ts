import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { seededDice } from '../support/runtime.ts'

const ROUNDS = 10
/** The suite has to be quick: PUPPET_LB_TEST_RELOADS=1000 is the whole of it. */
const RELOADS_A_ROUND = Math.ceil(Number(process.env.PUPPET_LB_TEST_RELOADS ?? 150) / ROUNDS)
const AGENTS = 3
const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href

// Many reloads of a real file, and some hundred agent runs beside them, on a busy machine.
t.setTimeout(300_000)

t.test('hundreds of reloads under load lose nothing and leave nothing behind', async t => {
  const pki = await createTestPki()
  const ca = await startMaster(t, 'ca', 0)
  const servers = await Promise.all(
    ['s1', 's2', 's3', 's4', 's5', 's6'].map((name, index) => startMaster(t, name, 5 + 10 * index))
  )
  const random = seededDice(11)
  const member = (name: string, { url }: SimulatedMaster) => ({
    name,
    url,
    weight: 1 + Math.floor(3 * random())
  })
  const first = servers.slice(0, 3).map((server, index) => member(`m${index}`, server))
  const balancer = await spawnBalancer(
    t,
    pki,
    { ca: ca.url, masters: first, listen: { workers: 2 }, health: { timeout: '1s' }, log: { level: 'info' } },
    // A heap that must be cleaned often: what grows in it grows for good.
    { nodeOptions: ['--import', crashModule, '--max-old-space-size=64', '--max-semi-space-size=2'] }
  )
  const identities = await Promise.all(
    Array.from({ length: AGENTS }, (_, index) =>
      pki.authority.issue({ certname: `agent-${index}.example.com` })
    )
  )

  const failures: unknown[] = []
  let runs = 0
  /** Runs one after the other until the round is over. */
  async function keepRunning(index: number, isOver: () => boolean): Promise<void> {
    const identity = identities[index]
    while (identity && !isOver()) {
      const run = await runAgent({
        host: '127.0.0.1',
        port: balancer.port,
        servername: 'puppet',
        ca: pki.authority.bundle,
        identity: { cert: identity.chain, key: identity.key },
        certname: identity.certname
      })
      runs++
      if (run.exitStatus === 1) failures.push(run.failure)
    }
  }

  /** Three or four of the servers, each under a name it had before, another one's, or a new one. */
  let newNames = 0
  function nextMasters() {
    const shuffled = servers
      .map(server => ({ server, at: random() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, random() < 0.5 ? 3 : 4)
    return shuffled.map(({ server }, index) =>
      member(random() < 0.3 ? `new-${newNames++}` : `m${index}`, server)
    )
  }

  const usage: Usage[] = []
  for (let round = 0; round < ROUNDS; round++) {
    let isOver = false
    const load = identities.map((_, index) => keepRunning(index, () => isOver))
    for (let reload = 0; reload < RELOADS_A_ROUND; reload++) {
      await balancer.rewrite({ masters: nextMasters() })
      const report = await postReload(balancer)
      if (!report.ok) t.same(report, {}, `reload ${reload} of round ${round}`)
    }
    isOver = true
    await Promise.all(load)
    usage.push(await usageOf(balancer))
    // Between rounds nobody is connected: a worker that dies takes no run with it, but all it has learnt.
    await connectAgent(t, pki, balancer.port)
      .ask({ path: '/crash' })
      .catch(() => {})
    await balancer.atLeast(round + 1, { msg: 'a worker thread is replaced' })
  }

  t.same(failures, [], `no run of ${runs} failed`)
  t.ok(runs > 50, `${runs} runs`)
  const metrics = await scrape(balancer.adminPort)
  t.equal(
    metrics.value('puppet_lb_config_reloads_total', { result: 'success' }),
    ROUNDS * RELOADS_A_ROUND + 1
  )
  t.equal(metrics.sum('puppet_lb_in_flight'), 0)
  t.equal(metrics.sum('puppet_lb_requests_total', { code: '503' }), 0)
  t.equal(metrics.sum('puppet_lb_requests_total', { code: '502' }), 0)
  t.comment(`${runs} runs; usage by round: ${JSON.stringify(usage)}`)
  const least = (rounds: readonly Usage[], what: keyof Usage) => Math.min(...rounds.map(each => each[what]))
  const [before, after] = [usage.slice(0, ROUNDS / 2), usage.slice(ROUNDS / 2)]
  // One that each reload left behind would be RELOADS_A_ROUND * ROUNDS / 2; those in use for agents and masters vary.
  for (const [what, spare] of [
    ['descriptors', (RELOADS_A_ROUND * ROUNDS) / 4],
    ['residentMiB', 40]
  ] as const) {
    const [first, then] = [least(before, what), least(after, what)]
    t.ok(then <= first + spare, `${what}: ${first} at least in the first half, ${then} in the second`)
  }
})

function startMaster(
  t: { teardown: (task: () => unknown) => void },
  name: string,
  compileMs: number
): Promise<SimulatedMaster> {
  return startSimulatedMaster({ name, compileMs: () => compileMs, jrubies: 4 }).then(master => {
    t.teardown(() => master.close())
    return master
  })
}

async function postReload({ adminPort }: BalancerProcess): Promise<{ readonly ok: boolean }> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/reload`, {
    method: 'POST',
    headers: { 'x-puppet-lb': '1' }
  })
  return (await answer.json()) as { ok: boolean }
}

interface Usage {
  readonly descriptors: number
  readonly residentMiB: number
}

async function usageOf({ process: { pid } }: BalancerProcess): Promise<Usage> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(status) ?? []
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    residentMiB: Math.round(Number(kib) / 1024)
  }
}
