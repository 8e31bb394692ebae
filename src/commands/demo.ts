import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startApp } from '../app.ts'
import { loadConfig } from '../config/load.ts'
import type { Stage } from '../demo/stage.ts'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { Boot } from '../model/settings.ts'
import { flushLog } from '../telemetry/log.ts'
import { findAdmin } from './admin-address.ts'
import { openProcessLog } from './process-log.ts'
import { untilSignalled } from './signals.ts'

/** Where the demonstration serves and keeps its certificates. */
export interface DemoOptions {
  /** Address for agents. Default 127.0.0.1: this machine alone. */
  readonly host?: string
  /** Default 8140; 0 lets the system choose. */
  readonly port?: number
  /** Default 9140; 0 lets the system choose. */
  readonly adminPort?: number
  /** How many simulated agents run. Default 5. */
  readonly agents?: number
  /** Default: `certs-dev` beside `src`. */
  readonly directory?: string
  /** Whether all that there is to see is shown, one after the other. Default false. */
  readonly tour?: boolean
  /** What agents and the tour go by. Default: the system's. */
  readonly runtime?: Runtime
}

/**
 * Serves in front of simulated masters, with throwaway certificates and simulated agents, and says what to try,
 * until Ctrl-C. Exit code: 0 after that; 2 when an address is taken, the directory cannot be written, or this is
 * the container image, which has no simulation.
 */
export async function demo(options: DemoOptions = {}): Promise<number> {
  if (!existsSync(new URL('../demo', import.meta.url))) {
    return refuse('the demonstration is not part of the container image; use npm start in a checkout')
  }
  const interrupted = untilSignalled(systemRuntime.now)
  let stage: Stage | undefined
  try {
    stage = await prepare(options)
    const { configFile } = stage
    const load = () => loadConfig(configFile, {}, { lists: 'later' })
    const config = load()
    await refuseTakenPorts(config.boot)
    const { log, logOutput } = openProcessLog(config.settings.log)
    const app = await startApp(config, { log, logOutput, load })
    const usual = await findAdmin({}, process.env)
    say(stage.guide(app, usual.name !== `http://127.0.0.1:${app.adminPort}`))
    const stopPlaying = stage.play(app)
    await interrupted
    say('\nStopping.')
    await stopPlaying()
    await app.drain()
    await flushLog(log)
    return 0
  } catch (error) {
    return refuse((error as Error).message)
  } finally {
    await stage?.close()
  }
}

async function prepare({
  host = '127.0.0.1',
  port = 8140,
  adminPort = 9140,
  agents = 5,
  directory = besideSource,
  tour = false,
  runtime = systemRuntime
}: DemoOptions): Promise<Stage> {
  const { setStage } = await import('../demo/stage.ts')
  const how = { runtime, say, agentCount: agents, isTour: tour, mainFile }
  return setStage(directory, { host, port, adminPort }, how)
}

const mainFile = fileURLToPath(new URL('../main.ts', import.meta.url))
const besideSource = fileURLToPath(new URL('../../certs-dev', import.meta.url))

/** The demonstration shows nothing when another process answers on its ports. */
async function refuseTakenPorts({ listen, admin }: Boot): Promise<void> {
  const { isPortTaken } = await import('../demo/port-check.ts')
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

function refuse(reason: string): number {
  process.stderr.write(`puppet-lb demo cannot start: ${reason}\n`)
  return 2
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
