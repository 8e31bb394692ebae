import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { fleetAgentNames } from './fleet-material.ts'
import type { FleetOrder, FleetReply, RunRecord } from './fleet-messages.ts'
import { type PlannedRun, planRuns } from './fleet-plan.ts'
import { type FleetAgent, performRun } from './fleet-run.ts'
import { agentContext, materialIn } from './material.ts'

const NANOS = 1e6
const TIMER_MS = 10

// A process of its own, so that its work counts for nobody. Its argument is the directory of certificates.
takeOrders(process.argv[2] as string)

function takeOrders(directory: string): void {
  const material = materialIn(directory)
  // A context is made when a run begins: thousands at a time would take much memory.
  const agents = fleetAgentNames.map(certname => ({
    certname,
    context: () => agentContext(material, certname)
  }))
  const reply = (message: FleetReply) => process.send?.(message)
  process.on('message', (order: FleetOrder) => {
    perform(order, agents).then(reply, error => reply({ type: 'failed', message: String(error) }))
  })
  process.on('disconnect', () => process.exit())
  reply({ type: 'ready' })
}

/** Begins every run when its time has come, however those before it go: agents know nothing of each other. */
async function perform(
  { ports, load, agents: count = fleetAgentNames.length, limitMs }: FleetOrder,
  agents: readonly FleetAgent[]
): Promise<FleetReply> {
  const idle = agents.slice(0, count)
  const over = new AbortController()
  const limit = setTimeout(() => over.abort(), limitMs)
  const lag = monitorEventLoopDelay({ resolution: TIMER_MS })
  lag.enable()
  const startMs = performance.now()
  const running: Promise<RunRecord>[] = []
  const portOf = ({ dice }: PlannedRun) => ports[Math.floor(dice * ports.length)] as number
  const options = { compression: load.compression, signal: over.signal }
  for (const planned of planRuns(load)) {
    const leftMs = startMs + planned.atMs - performance.now()
    if (leftMs >= 1) await wait(leftMs)
    const agent = idle.shift()
    if (!agent) throw new Error(`more than ${count} runs at a time: the proxy cannot keep up`)
    running.push(performRun(portOf(planned), agent, planned, options).finally(() => idle.push(agent)))
  }
  const runs = await Promise.all(running)
  clearTimeout(limit)
  lag.disable()
  const timerLag99Ms = Math.max(0, lag.percentile(99) / NANOS - TIMER_MS)
  return { type: 'done', runs, timerLag99Ms, elapsedMs: performance.now() - startMs }
}
