import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { AggregatorRegistry, Registry } from 'prom-client'
import { isExposed } from './admin/auth.ts'
import { startAdmin } from './admin/server.ts'
import { grantedDescriptors } from './config/granted-descriptors.ts'
import { summaryOf } from './config/summary.ts'
import { type ControlPlane, createControlPlane } from './control/control-plane.ts'
import { createEventLog } from './control/event-log.ts'
import type { AskDns } from './control/sources/resolver.ts'
import { createReporting, metricFacts } from './control/status.ts'
import { startPlane } from './data/plane.ts'
import { descriptorBudget, descriptorWarning } from './model/descriptors.ts'
import type { EventLog } from './model/event.ts'
import { type Runtime, systemRuntime } from './model/runtime.ts'
import type { Config } from './model/settings.ts'
import type { ReloadReport, Status } from './model/status.ts'
import { createLog, tellOfOutput } from './telemetry/log.ts'
import { createLogOutput, type LogOutput } from './telemetry/log-output.ts'
import { createControlMetrics } from './telemetry/metrics.ts'

/** A balancer that serves. */
export interface App {
  readonly port: number
  readonly adminPort: number
  /** For raw TCP, in the order of `listen.tcp`. */
  readonly tcpPorts: readonly number[]
  /** Takes the configuration anew, as `load` reads it. Never rejects: what went wrong is in the report. */
  readonly reload: () => Promise<ReloadReport>
  readonly status: () => Status
  /**
   * Stops accepting, lets running requests end within `listen.drainTimeout`, then closes everything. Resolves
   * with the number of requests that had to be cut.
   */
  readonly drain: () => Promise<number>
  /** Closes everything at once. */
  readonly stop: () => Promise<void>
}

export interface AppOptions {
  readonly runtime?: Runtime
  readonly log?: Logger
  /** Where `log` and the worker threads write to. */
  readonly logOutput?: LogOutput
  /** Reads the configuration again for a reload. Throws a ConfigError. Without it a reload finds nothing changed. */
  readonly load?: () => Config
  /** Answers what DNS is asked; real name servers and the system do otherwise. */
  readonly dns?: AskDns
}

/** What the process is about, for `/readyz`. */
type Phase = 'starting' | 'serving' | 'draining'

/**
 * Composes both planes and starts them: the admin listener first, so that `/readyz` can say what is waited for,
 * then one probe of every master, then the agents' listener. Rejects when a listener cannot have its address.
 */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  const { runtime = systemRuntime, load = () => config } = options
  const { level, file } = config.settings.log
  const { logOutput = createLogOutput(file?.path, runtime) } = options
  const { log = createLog(level, logOutput) } = options
  tellOfOutput(log, logOutput)
  const events = createEventLog(runtime.wallClock)
  let phase: Phase = 'starting'
  const descriptors = grantedDescriptors()
  const control = await createControlPlane({
    config,
    load,
    runtime,
    log,
    logOutput,
    events,
    descriptors,
    dns: options.dns,
    entry: new URL('./data/worker.ts', import.meta.url),
    startHere: (start, port) => startPlane(start, port, runtime, log)
  })
  const notReady = () => whyNotReady(phase, control)
  const reporting = createReporting(control, { version: packageVersion(), notReady })
  const reload = () => {
    // Before the file is judged: a log that was rotated goes on whatever that says.
    logOutput.reopen()
    return control.reload.now()
  }
  const admin = await openAdmin(config, control, {
    ...reporting,
    notReady,
    reload,
    metrics: metricFacts(control, logOutput, runtime.wallClock),
    events
  })
  for (const warning of config.warnings) log.warn(warning)
  const scarcity = descriptorWarning(
    descriptorBudget(descriptors, config.boot, config.settings),
    config.settings
  )
  if (scarcity !== undefined) log.warn(scarcity)
  if (isExposed(config.boot.admin) && config.boot.admin.token === undefined) log.warn(exposed)

  async function close(): Promise<void> {
    phase = 'draining'
    await control.stop()
    await admin.close()
  }

  async function drain(): Promise<number> {
    phase = 'draining'
    const { drainTimeoutMs } = control.reload.config().settings.listen
    log.info({ timeoutMs: drainTimeoutMs }, 'draining: accepting no more connections')
    const cut = await control.planes.drain(drainTimeoutMs)
    if (cut > 0) log.warn({ cut }, 'requests were cut at the end of the drain timeout')
    await close()
    log.info('stopped')
    return cut
  }

  try {
    const port = await control.start()
    phase = 'serving'
    const { host, workers } = config.boot.listen
    const tcpPorts = control.planes.tcpPorts()
    log.info(
      { host, port, ...(tcpPorts.length > 0 && { tcpPorts }), adminPort: admin.port, workers },
      'serving'
    )
    return { port, adminPort: admin.port, tcpPorts, reload, status: reporting.status, drain, stop: close }
  } catch (error) {
    await close()
    throw error
  }
}

const exposed =
  'the admin listener can be reached from other machines and has no token: it answers /healthz, /readyz and ' +
  '/metrics only. Set admin.token, or bind it to 127.0.0.1'

function openAdmin(
  config: Config,
  control: ControlPlane,
  {
    metrics,
    ...rest
  }: ReturnType<typeof createReporting> & {
    readonly notReady: () => string | undefined
    readonly reload: App['reload']
    readonly metrics: ReturnType<typeof metricFacts>
    readonly events: EventLog
  }
) {
  const registry = new Registry()
  const { attempted, crlRefused } = createControlMetrics(registry, metrics)
  control.revocations.onRefusal(crlRefused)
  attempted(true)
  control.reload.onAttempt(attempted)
  return startAdmin({
    admin: config.boot.admin,
    hostname: hostname(),
    async metrics() {
      const traffic = AggregatorRegistry.aggregate((await control.planes.metrics()) as object[][])
      return `${await registry.metrics()}${await traffic.metrics()}`
    },
    why: control.planes.why,
    operate: control.operate,
    ...rest,
    settings: () => summaryOf(control.reload.config())
  })
}

function whyNotReady(phase: Phase, { planes, sources, supervisor }: ControlPlane): string | undefined {
  const { masters, ca, tiers } = supervisor.snapshot()
  const unknown = sources
    .unknown()
    .map(({ name, cause }) => `; nothing is known of ${name}: ${cause}`)
    .join('')
  if (phase === 'starting') {
    const asked = [...masters.filter(({ mode }) => mode !== 'maint'), ca]
    const isProbed = asked.every(({ id }) => supervisor.stateOf(id) !== 'unknown')
    return isProbed
      ? 'waiting for the workers to load'
      : `waiting for the first probe of every master${unknown}`
  }
  if (phase === 'draining') return 'stopping'
  if (planes.listening() === 0) return 'no worker listens'
  return tiers.length === 0 ? `no master can serve${unknown}` : undefined
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
