import type { Runtime } from '../model/runtime.ts'
import { startDemoAgents } from './demo-agents.ts'
import { type DemoPlace, writeDemoConfig } from './demo-config.ts'
import { demoGuide } from './demo-guide.ts'
import { type DemoMasters, startDemoMasters } from './demo-masters.ts'
import { prepareMaterial } from './demo-material.ts'
import { createRunTally } from './run-tally.ts'

/** Everything of the demonstration but the balancer: masters that run, and what leads to them. */
export interface Stage {
  /** The configuration for the balancer in front of the masters, written. */
  readonly configFile: string
  /** What to try once the balancer serves on these ports. */
  readonly guide: (ports: Ports) => string
  /** Lets agents run through the balancer on this port, and tells of them; the result ends that. */
  readonly play: (port: number) => () => Promise<void>
  /** Ends the masters. */
  readonly close: () => Promise<void>
}

interface Ports {
  readonly port: number
  readonly adminPort: number
}

const summaryMs = 30_000

/**
 * Makes or finds the certificates in `directory` and starts the masters. Rejects when the directory cannot be
 * written.
 */
export async function setStage(
  directory: string,
  place: DemoPlace,
  {
    runtime,
    say,
    agentCount
  }: { readonly runtime: Runtime; readonly say: (line: string) => void; readonly agentCount: number }
): Promise<Stage> {
  const material = await prepareMaterial(directory, runtime.wallClock)
  const masters = await startDemoMasters(material)
  const configFile = writeDemoConfig(material, masters, place)
  return {
    configFile,
    guide: served =>
      demoGuide({ material, configFile, agentCount, ...served, pid: process.pid, cwd: process.cwd() }),
    play: port => {
      const tally = createRunTally(say)
      const agents = startDemoAgents(port, agentCount, runtime, {
        run: tally.add,
        failure: (certname, error) => say(`${certname}: cannot enrol: ${error.message}`)
      })
      const stopSummaries = every(summaryMs, runtime, () => {
        const line = tally.summary()
        if (line) say(line)
      })
      const stopSwitching = switchLargestMaster(masters, say)
      return async () => {
        stopSummaries()
        stopSwitching()
        await agents.stop()
      }
    },
    close: masters.close
  }
}

/** SIGUSR2 kills the largest master, and the next one brings it back. */
function switchLargestMaster({ compile }: DemoMasters, say: (line: string) => void): () => void {
  const largest = compile.at(-1)?.master
  let isDead = false
  const toggle = () => {
    isDead = !isDead
    say(`${largest?.name} ${isDead ? 'is dead' : 'comes back'}`)
    const done = isDead ? largest?.kill() : largest?.restart()
    done?.catch((error: Error) => say(`${largest?.name}: ${error.message}`))
  }
  process.on('SIGUSR2', toggle)
  return () => process.off('SIGUSR2', toggle)
}

function every(intervalMs: number, { schedule }: Runtime, task: () => void): () => void {
  let cancel = () => {}
  const again = () => {
    cancel = schedule(intervalMs, () => {
      task()
      again()
    })
  }
  again()
  return () => cancel()
}
