import { fileURLToPath } from 'node:url'
import { type App, startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import { startDemoAgents } from '../demo/demo-agents.ts'
import { writeDemoConfig } from '../demo/demo-config.ts'
import { demoGuide } from '../demo/demo-guide.ts'
import { type DemoMasters, startDemoMasters } from '../demo/demo-masters.ts'
import { prepareMaterial } from '../demo/demo-material.ts'
import { isPortTaken } from '../demo/port-check.ts'
import { createRunTally } from '../demo/run-tally.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import { createLog, flushLog } from '../telemetry/log.ts'
import { untilSignalled } from './signals.ts'

/** Where the demonstration serves and keeps its certificates. */
export interface DemoOptions {
  /** Default 8140; 0 lets the system choose. */
  readonly port?: number
  /** Default 9140; 0 lets the system choose. */
  readonly adminPort?: number
  /** Default: `certs-dev` beside `src`. */
  readonly directory?: string
}

const summaryMs = 30_000

/**
 * Serves in front of simulated masters, with throwaway certificates and simulated agents, and says what to try,
 * until Ctrl-C. Exit code: 0 after that, 2 when an address is taken or the directory cannot be written.
 */
export async function demo(options: DemoOptions = {}): Promise<number> {
  const {
    port = 8140,
    adminPort = 9140,
    directory = fileURLToPath(new URL('../../certs-dev', import.meta.url))
  } = options
  const interrupted = untilSignalled(systemRuntime.now)
  let masters: DemoMasters | undefined
  try {
    const material = await prepareMaterial(directory, systemRuntime.wallClock)
    masters = await startDemoMasters(material)
    const configFile = writeDemoConfig(material, masters, { port, adminPort })
    const config = loadConfig(configFile, {})
    await refuseTakenPorts(config)
    const log = createLog(config.settings.log.level)
    const app = await startApp(config, { log })
    const guide = { material, configFile, port: app.port, adminPort: app.adminPort }
    say(demoGuide({ ...guide, pid: process.pid, cwd: process.cwd() }))
    await play(app, masters, interrupted)
    await flushLog(log)
    return 0
  } catch (error) {
    process.stderr.write(`puppet-lb demo cannot start: ${(error as Error).message}\n`)
    return 2
  } finally {
    await masters?.close()
  }
}

/** Agents run and the largest master dies when asked to, until the interruption; then everything ends in order. */
async function play(app: App, masters: DemoMasters, interrupted: Promise<void>): Promise<void> {
  const tally = createRunTally(say)
  const agents = startDemoAgents(app.port, systemRuntime, {
    run: tally.add,
    failure: (certname, error) => say(`${certname}: cannot enrol: ${error.message}`)
  })
  const stopSummaries = everyWhile(summaryMs, () => {
    const line = tally.summary()
    if (line) say(line)
  })
  const stopSwitching = switchLargestMaster(masters)
  await interrupted
  say('\nStopping.')
  stopSummaries()
  stopSwitching()
  await agents.stop()
  await app.drain()
}

function switchLargestMaster({ compile }: DemoMasters): () => void {
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

async function refuseTakenPorts({ boot: { listen, admin } }: Config): Promise<void> {
  for (const [{ host, port }, flag] of [
    [listen, '--port'],
    [admin, '--admin-port']
  ] as const) {
    if (!(await isPortTaken(host, port))) continue
    throw new Error(
      `port ${port} is taken; stop what listens there, or choose another: npm start -- ${flag} N`
    )
  }
}

function everyWhile(intervalMs: number, task: () => void): () => void {
  let cancel = () => {}
  const again = () => {
    cancel = systemRuntime.schedule(intervalMs, () => {
      task()
      again()
    })
  }
  again()
  return () => cancel()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
