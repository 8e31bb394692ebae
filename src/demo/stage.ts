import type { Runtime } from '../model/runtime.ts'
import { createWaiters } from '../simulation/waiters.ts'
import { writeCurlFiles } from './curl-files.ts'
import { startDemoAgents } from './demo-agents.ts'
import { writeDemoConfig } from './demo-config.ts'
import { demoGuide } from './demo-guide.ts'
import { startDemoMasters } from './demo-masters.ts'
import { prepareMaterial, revokedName } from './demo-material.ts'
import { createDemoOperator } from './demo-operator.ts'
import { type DemoPlace, hereOf } from './demo-place.ts'
import { largestOf } from './largest-master.ts'
import { createRunTally } from './run-tally.ts'
import { playTour } from './tour.ts'

/** Everything of the demonstration but the balancer: masters that run, and what leads to them. */
export interface Stage {
  /** The configuration for the balancer in front of the masters, written. */
  readonly configFile: string
  /** What to try once the balancer serves on these ports; `isElsewhere`: commands do not find its admin listener there. */
  readonly guide: (ports: Ports, isElsewhere: boolean) => string
  /** Lets agents run through the balancer on these ports, and tells of them; the result ends that. */
  readonly play: (ports: Ports) => () => Promise<void>
  /** Ends the masters. */
  readonly close: () => Promise<void>
}

interface Ports {
  readonly port: number
  readonly adminPort: number
}

export interface StageOptions {
  readonly runtime: Runtime
  readonly say: (line: string) => void
  readonly agentCount: number
  readonly isTour: boolean
  /** The file that is the command `puppet-lb`. */
  readonly mainFile: string
}

const summaryMs = 30_000

/**
 * Makes or finds the certificates in `directory` and starts the masters. Rejects when the directory cannot be
 * written.
 */
export async function setStage(
  directory: string,
  place: DemoPlace,
  { runtime, say, agentCount, isTour, mainFile }: StageOptions
): Promise<Stage> {
  const material = await prepareMaterial(directory, runtime.wallClock, place.host)
  const masters = await startDemoMasters(material)
  const configFile = writeDemoConfig(material, masters, place)
  const curl = writeCurlFiles(material)
  const host = hereOf(place.host)
  return {
    configFile,
    guide: ({ port, adminPort }, isElsewhere) => {
      const here = { mainFile, nodeFile: process.execPath, pid: process.pid, cwd: process.cwd() }
      const files = { curl, caFile: material.caFile, configFile }
      return demoGuide({
        ...files,
        ...here,
        agentCount,
        host: place.host,
        port,
        adminPort,
        isElsewhere,
        isTour
      })
    },
    play: ({ port, adminPort }) => {
      const ending = new AbortController()
      const { signal } = ending
      const tally = createRunTally(say)
      const waiters = createWaiters()
      const agents = startDemoAgents({ host, port }, agentCount, runtime, {
        run: (certname, run) => {
          tally.add(certname, run)
          waiters.wake()
        },
        failure: (certname, error) => say(`${certname}: cannot enrol: ${error.message}`)
      })
      const stopSummaries = every(summaryMs, runtime, () => {
        const line = tally.summary()
        if (line) say(line)
      })
      const largest = largestOf(masters, say)
      const stopToggling = onUsr2(() => {
        largest.toggle().catch((error: Error) => say(`${largest.name}: ${error.message}`))
      })
      if (isTour) {
        playTour({
          ...{ runtime, signal, say, largest, revoked: revokedName },
          operator: createDemoOperator({ material, host, port, adminPort, runtime, signal }),
          drained: masters.compile.at(-2)?.master.name ?? largest.name,
          agents: {
            areServed: () => waiters.until(() => tally.served() >= agentCount),
            isRefused: certname => waiters.until(() => tally.isRefused(certname)),
            isServedAgain: certname => waiters.until(() => !tally.isRefused(certname))
          }
        }).catch((error: Error) => {
          if (!signal.aborted) say(`The tour ends here: ${error.message}`)
        })
      }
      return async () => {
        ending.abort()
        stopSummaries()
        stopToggling()
        await agents.stop()
      }
    },
    close: masters.close
  }
}

function onUsr2(task: () => void): () => void {
  process.on('SIGUSR2', task)
  return () => process.off('SIGUSR2', task)
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
