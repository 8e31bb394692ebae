import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { AggregatorRegistry, Registry } from 'prom-client'
import { isExposed } from './admin/auth.ts'
import { type Admin, type AdminOptions, startAdmin } from './admin/server.ts'
import { grantedDescriptors } from './config/granted-descriptors.ts'
import { summaryOf } from './config/summary.ts'
import { type ControlPlane, createControlPlane } from './control/control-plane.ts'
import { createEventLog } from './control/event-log.ts'
import { startInsight } from './control/insight/overview.ts'
import type { AskDns } from './control/sources/resolver.ts'
import { startUnless } from './control/start-unless.ts'
import { createReporting, metricFacts } from './control/status.ts'
import type { Predecessor } from './control/takeover/predecessor.ts'
import { startPlane } from './data/plane.ts'
import { descriptorBudget, descriptorWarning } from './model/descriptors.ts'
import { type Runtime, systemRuntime } from './model/runtime.ts'
import type { Config } from './model/settings.ts'
import { canServe } from './model/snapshot.ts'
import type { ReloadReport, Status } from './model/status.ts'
import { TakenOverError } from './model/takeover.ts'
import { within } from './model/within.ts'
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
  /** Resolves once another process serves in place of this one, which is to drain then. */
  readonly handedOver: Promise<void>
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
  /** The process that this one takes over from. */
  readonly predecessor?: Predecessor | undefined
  /** Ends the start: `startApp` then rejects, once whoever has come in the meantime is served. */
  readonly signal?: AbortSignal | undefined
}

/** What the process is about, for `/readyz`. */
type Phase = 'starting' | 'serving' | 'draining'

/**
 * Composes both planes and starts them: the admin listener first, so that `/readyz` can say what is waited for,
 * then one probe of every master, then the agents' listener. With a predecessor the admin listener comes last: until
 * this process serves, the other one answers operators. Rejects when a listener cannot have its address, or when `signal`
 * says so before it serves.
 */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  const { runtime = systemRuntime, load = () => config, predecessor, signal } = options
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
    predecessor,
    entry: new URL('./data/worker.ts', import.meta.url),
    startHere: (start, port) => startPlane(start, port, runtime, log)
  })
  const notReady = () => whyNotReady(phase, control)
  const facts = { version: packageVersion(), notReady, descriptors, log: logOutput }
  const reporting = createReporting(control, facts)
  const insight = startInsight({
    ...control,
    ...{ runtime, events, status: reporting.status, notReady, hostname: hostname() }
  })
  const reload = () => {
    // Before the file is judged: a log that was rotated goes on whatever that says.
    logOutput.reopen()
    return control.reload.now()
  }
  let admin: Admin | undefined
  let port = 0
  const handingOver = control.takeover.offer({
    refusal: () =>
      phase === 'starting' ? 'This balancer is starting: nobody can take over from it.' : undefined,
    self: () => ({
      version: packageVersion(),
      pid: process.pid,
      listen: { host: config.boot.listen.host, port, tcpPorts: control.planes.tcpPorts() },
      adminPort: admin?.port ?? 0
    }),
    admin: () => admin as Admin
  })
  const operators = {
    ...reporting,
    notReady,
    status: () => ({ ...reporting.status(), work: insight.work(), refused: insight.refused() }),
    overview: insight.overview,
    runtime,
    reload,
    metrics: metricFacts(control, logOutput, runtime.wallClock),
    events,
    ...handingOver
  }
  if (!predecessor) admin = await openAdmin(config, control, operators)
  for (const warning of config.warnings) log.warn(warning)
  const scarcity = descriptorWarning(
    descriptorBudget(descriptors, config.boot, config.settings),
    config.settings
  )
  if (scarcity !== undefined) log.warn(scarcity)
  if (isExposed(config.boot.admin) && config.boot.admin.token === undefined) log.warn(exposed)

  async function close(): Promise<void> {
    phase = 'draining'
    handingOver.stop()
    insight.stop()
    await control.stop()
    await admin?.close()
  }

  async function drain(): Promise<number> {
    phase = 'draining'
    const { drainTimeoutMs, drainDelayMs } = control.reload.config().settings.listen
    if (drainDelayMs > 0 && !handingOver.isReleased()) {
      log.info({ delayMs: drainDelayMs }, 'about to drain: /readyz says so, and connections are accepted yet')
      await new Promise<void>(resolve => void runtime.schedule(drainDelayMs, resolve))
    }
    log.info({ timeoutMs: drainTimeoutMs }, 'draining: accepting no more connections')
    const untilMs = runtime.now() + drainTimeoutMs
    const cut = await control.planes.drain(drainTimeoutMs)
    if (cut > 0) log.warn({ cut }, 'requests were cut at the end of the drain timeout')
    // Where runs of a predecessor stay, its agents learn from the successor, and that one by this process alone.
    if (handingOver.isReleased())
      await within(Math.max(0, untilMs - runtime.now()), control.takeover.alone(), runtime)
    await handingOver.end(cut)
    await close()
    log.info('stopped')
    return cut
  }

  let drained: Promise<number> | undefined
  try {
    port = await startUnless(signal, control)
    // Who is to end takes nothing more from the other process.
    signal?.addEventListener('abort', () => phase === 'starting' && predecessor?.giveUp())
    signal?.throwIfAborted()
    if (predecessor) {
      await control.takeover.finish()
      signal?.throwIfAborted()
      admin = await openAdmin(config, control, { ...operators, takesOver: true })
      predecessor.serving()
    }
    phase = 'serving'
    const { host, workers } = config.boot.listen
    const adminPort = admin?.port ?? 0
    const tcpPorts = control.planes.tcpPorts()
    log.info({ host, port, ...(tcpPorts.length > 0 && { tcpPorts }), adminPort, workers }, 'serving')
    return {
      port,
      adminPort,
      tcpPorts,
      reload,
      status: reporting.status,
      handedOver: handingOver.handedOver,
      drain() {
        drained ??= drain()
        return drained
      },
      stop: close
    }
  } catch (error) {
    // Who came in the meantime is still served; the other process, where there is one, serves all others.
    predecessor?.giveUp()
    if (control.planes.listening() > 0) await control.planes.drain(config.settings.listen.drainTimeoutMs)
    await close()
    throw error
  }
}

const exposed =
  'the admin listener can be reached from other machines and has no token: it answers /healthz, /readyz and ' +
  '/metrics only. Set admin.token, or bind it to 127.0.0.1'

type Operators = ReturnType<typeof createReporting> &
  Pick<
    AdminOptions,
    'status' | 'notReady' | 'overview' | 'runtime' | 'reload' | 'events' | 'handOver' | 'takesOver'
  > & {
    readonly metrics: ReturnType<typeof metricFacts>
    readonly isReleased: () => boolean
  }

function openAdmin(
  config: Config,
  control: ControlPlane,
  { metrics, reload, isReleased, ...rest }: Operators
): Promise<Admin> {
  const registry = new Registry()
  const { attempted, crlRefused } = createControlMetrics(registry, metrics)
  control.revocations.onRefusal(crlRefused)
  attempted(true)
  control.reload.onAttempt(attempted)
  /** What would be changed here now would not be there in the process that takes over. */
  const here =
    <Args extends readonly unknown[], Result>(change: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      if (isReleased()) throw new TakenOverError()
      return change(...args)
    }
  return startAdmin({
    admin: config.boot.admin,
    hostname: hostname(),
    async metrics() {
      const [counted] = await Promise.all([control.planes.metrics(), control.planes.runs()])
      const traffic = AggregatorRegistry.aggregate(counted as object[][])
      return `${await registry.metrics()}${await traffic.metrics()}`
    },
    why: control.planes.why,
    names: control.planes.names,
    async agents(query) {
      await control.planes.runs()
      return control.agents.list(query)
    },
    operate: here(control.operate),
    flush: control.code.flush,
    reload: here(reload),
    ...rest,
    settings: () => summaryOf(control.reload.config())
  })
}

function whyNotReady(
  phase: Phase,
  { planes, sources, supervisor, reload, revocations }: ControlPlane
): string | undefined {
  const snapshot = supervisor.snapshot()
  const { masters, ca } = snapshot
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
  const awaited = revocations.awaited()
  if (awaited) return `the CA has given no revocation list yet, so agents are refused: ${awaited}`
  const { tcp } = reload.config().settings.listen
  return canServe(snapshot, tcp) ? undefined : `no master can serve${unknown}`
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
