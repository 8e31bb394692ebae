import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { AgentRequestError } from '../../src/simulation/agent-request-error.ts'
import { runAgent } from '../../src/simulation/simulated-agent.ts'
import { type SimulatedMaster, startSimulatedMaster } from '../../src/simulation/simulated-master.ts'
import { createTestPki } from './balancer.ts'
import { type BalancerProcess, spawnBalancer } from './balancer-process.ts'
import { type Knocks, keepKnocking } from './knocks.ts'

export interface TakeoverLoad {
  readonly agents: number
  /** Of each agent, between two runs. */
  readonly pauseMs: number
  readonly takeovers: number
  /** JRubies of each of the two masters. */
  readonly jrubies: number
  readonly compileMs: number
  /** How many hands connect all the time, beside the agents. */
  readonly hands: number
  /** Whether three others start before the first takeover, and do not get to serve. */
  readonly failsFirst: boolean
}

/** What came of takeovers under load. */
export interface TakeoverFigures {
  readonly runs: number
  /** That agents opened, or tried to. */
  readonly connections: number
  readonly failures: readonly AgentRequestError[]
  /** What became of connects, those of agents apart. */
  readonly knocks: Knocks
  /** Longest time in which a master had more requests than JRubies. */
  readonly overcommittedMs: number
  /** Exit codes, before the first takeover: with a bad file, with another port, and killed half-way. */
  readonly failedStarts: readonly (number | string)[]
  /** Exit codes of those that were taken over from. */
  readonly exits: readonly (number | string)[]
}

/** Agents run again and again while one process takes over from the other, again and again. */
export async function loadTakeovers(
  t: { teardown: (task: () => unknown) => void },
  { agents, pauseMs, takeovers, jrubies, compileMs, hands, failsFirst }: TakeoverLoad
): Promise<TakeoverFigures> {
  const pki = await createTestPki()
  const masters = await Promise.all(
    ['m1', 'm2'].map(name =>
      startSimulatedMaster({ name, jrubies, compileMs: () => compileMs, codeVersion: name, lightMs: () => 2 })
    )
  )
  for (const master of masters) t.teardown(master.close)
  const watches = masters.map(master => watchOvercommit(master, jrubies))
  const ca = await startSimulatedMaster({ name: 'ca' })
  t.teardown(ca.close)
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: masters.map(({ name, url }) => ({ name, url })),
    listen: { workers: 2, drainTimeout: '20s' },
    // A machine that is busy with the agents must not pass for masters that are away: then runs do move.
    health: { interval: '1s', timeout: '900ms', fall: 20 },
    admin: { port: 0, socket: join(tmpdir(), `.plb-${randomBytes(4).toString('hex')}`) },
    log: { level: 'info', access: false }
  })
  const identities = await Promise.all(
    Array.from({ length: agents }, (_, index) =>
      pki.authority.issue({ certname: `agent${index}.example.com` })
    )
  )
  const figures = { runs: 0, connections: 0, failures: [] as AgentRequestError[] }
  const over = new AbortController()
  const pause = (ms: number) => setTimeout(ms, undefined, over).catch(() => {})
  const fleet = identities.map(async ({ chain, key }, index) => {
    await pause((pauseMs * index) / agents)
    while (!over.signal.aborted) {
      const run = await runAgent({
        host: '127.0.0.1',
        port: balancer.port,
        servername: 'puppet',
        ca: pki.authority.bundle,
        identity: { cert: chain, key },
        certname: `agent${index}.example.com`,
        files: 3
      })
      figures.runs++
      figures.connections += run.connections
      if (run.failure) figures.failures.push(run.failure)
      if (pauseMs > 0) await pause(pauseMs)
    }
  })
  const stopKnocking = await keepKnocking(balancer.port, hands)
  const failedStarts = failsFirst ? await failToTakeOver(balancer) : []
  const exits: Promise<number | string>[] = []
  let current: BalancerProcess = balancer
  for (let takeover = 0; takeover < takeovers; takeover++) {
    const next = await current.another('--takeover')
    exits.push(current.exit)
    current = next
    await new Promise<void>(resolve => void systemRuntime.schedule(200, resolve))
  }
  over.abort()
  const knocks = await stopKnocking()
  await Promise.all(fleet)
  return {
    ...figures,
    knocks,
    failedStarts,
    exits: await Promise.all(exits),
    overcommittedMs: Math.max(...watches.map(watch => watch()))
  }
}

/** Resolves when the one that runs is alone again after three that did not get to serve. */
async function failToTakeOver(balancer: BalancerProcess): Promise<readonly (number | string)[]> {
  await balancer.rewrite({ balance: { policy: 'none' } })
  const bad = await balancer.spawnAnother('--takeover').exit
  await balancer.rewrite({ listen: { host: '127.0.0.1', port: 1, workers: 2 } })
  const misfit = balancer.spawnAnother('--takeover')
  await misfit.reader.line({
    level: 'warn',
    msg: 'this process does not take over and ends; whoever runs serves on'
  })
  await balancer.rewrite({})
  const dying = balancer.spawnAnother('--takeover')
  await balancer.line({ pid: dying.child.pid })
  dying.child.kill('SIGKILL')
  const said = `process ${dying.child.pid}, which was about to take over, has ended: this one serves on`
  await balancer.line({ msg: said })
  return [bad, await misfit.exit, await dying.exit]
}

/** Looks at a master after everything that happens there; the result tells the longest time it had too much. */
function watchOvercommit(master: SimulatedMaster, jrubies: number): () => number {
  let sinceMs: number | undefined
  let longestMs = 0
  const look = () => {
    const nowMs = systemRuntime.now()
    if (sinceMs !== undefined) longestMs = Math.max(longestMs, nowMs - sinceMs)
    if (master.running + master.queued <= jrubies) sinceMs = undefined
    else sinceMs ??= nowMs
    return false
  }
  void master.until(look)
  return () => longestMs
}
