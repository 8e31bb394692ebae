import type { Logger } from 'pino'
import { AggregatorRegistry, Registry } from 'prom-client'
import { startAdmin } from './admin/server.ts'
import { inquire } from './control/master-watch/inquiry.ts'
import { createLoad } from './control/master-watch/jruby-load.ts'
import { probe } from './control/master-watch/probe.ts'
import { createWorkers } from './control/planes.ts'
import { watchRevocations } from './control/revocation.ts'
import { roomsOf } from './control/rooms.ts'
import { createSupervisor } from './control/supervisor.ts'
import { ranks } from './data/http/wait.ts'
import { startPlane } from './data/plane.ts'
import { type Runtime, systemRuntime } from './model/runtime.ts'
import type { CertificateConfig, Config } from './model/settings.ts'
import { type Master, masterStates } from './model/snapshot.ts'
import { certificatesOf } from './pki/authorities.ts'
import { jrubyMetricsPath, parseJRubyMetrics } from './puppet/jruby-metrics.ts'
import { createBoard } from './shared/board.ts'
import { createPinTable } from './shared/pins.ts'
import { sizesOf } from './shared/sizes.ts'
import { createSlotTable } from './shared/slots/table.ts'
import { createLog } from './telemetry/log.ts'
import { createControlMetrics } from './telemetry/metrics.ts'

/** A balancer that serves. */
export interface App {
  readonly port: number
  readonly adminPort: number
  /**
   * Stops accepting, lets running requests end within `listen.drainTimeout`, then closes everything. Resolves
   * with the number of requests that had to be cut.
   */
  readonly drain: () => Promise<number>
  /** Closes everything at once. */
  readonly stop: () => Promise<void>
}

/**
 * Composes both planes and starts them: the admin listener first, so that `/readyz` can say what is waited for,
 * then one probe of every master, then the agents' listener. Rejects when a listener cannot have its address.
 */
export async function startApp(
  config: Config,
  { runtime = systemRuntime, log = createLog(config.log.level) }: { runtime?: Runtime; log?: Logger } = {}
): Promise<App> {
  const masters = config.masters.map((master, index): Master => Object.freeze({ ...master, index }))
  const ca: Master = Object.freeze({
    name: 'ca',
    url: config.ca.url,
    index: masters.length,
    weight: 1,
    priority: 0
  })
  const sizes = sizesOf(config)
  const board = createBoard({ workers: sizes.workers, masters: masters.length + 1 })
  const slots = createSlotTable(sizes.slots, runtime.now)
  const pins = createPinTable(sizes.pins)
  let phase: 'probing' | 'serving' | 'draining' = 'probing'
  const ask = (master: Master, path: string) =>
    ({
      origin: master.url,
      path,
      timeoutMs: config.health.timeoutMs,
      upstream: config.upstream,
      runtime
    }) as const

  const load = createLoad({
    masters,
    intervalMs: config.health.intervalMs,
    ask: master =>
      inquire(ask(master, jrubyMetricsPath)).then(
        ({ status, body }) => (status === 200 ? parseJRubyMetrics(body) : undefined),
        () => undefined
      ),
    taken: master => slots.taken(master.index),
    ghosts: master => slots.ghosts(master.index),
    runtime,
    changed: () => supervisor.refresh(),
    ghostsDone: (master, leftBeforeMs) =>
      workers.tell({ type: 'ghosts-done', masterIndex: master.index, leftBeforeMs })
  })
  const supervisor = createSupervisor({
    masters,
    ca,
    health: config.health,
    probe: master => probe(ask(master, config.health.path)),
    isFull: master =>
      master !== ca && (load.isFull(master) || slots.taken(master.index) >= load.of(master).capacity),
    isWarm: load.isWarm,
    returned: master => slots.startSlowly(master.index),
    runtime,
    log,
    publish(snapshot) {
      slots.setMasters(roomsOf(snapshot, load))
      workers.tell({ type: 'snapshot', snapshot })
    }
  })
  const revocations = await watchRevocations({
    crl: config.tls.crl,
    caBundle: config.tls.ca,
    runtime,
    log,
    publish: revoked => workers.tell({ type: 'revoked', revoked })
  })
  const workers = createWorkers({
    config,
    tables: { board: board.buffer, slots: slots.buffer, pins: pins.buffer },
    log,
    runtime,
    entry: new URL('./data/worker.ts', import.meta.url),
    startHere: (start, port) => void startPlane(start, port, runtime, log),
    current: () => ({
      snapshot: supervisor.snapshot(),
      revoked: revocations.current()?.revoked ?? new Set()
    }),
    onOutcome: supervisor.report,
    onDeath(worker) {
      board.wipe(worker)
      slots.removeWorker(worker)
    }
  })

  const registry = new Registry()
  const certificates = expiryOf(config)
  const controlMetrics = createControlMetrics(registry, {
    masters: () =>
      [...masters, ca].map(master => ({
        name: master.name,
        state: supervisor.stateOf(master),
        inFlight: board.inFlight(master.index),
        capacity: master === ca ? undefined : load.of(master).capacity
      })),
    queueDepth: () => new Map(ranks.map((rank, index) => [rank, slots.waiting(index)])),
    states: masterStates,
    crl: () => {
      const current = revocations.current()
      return (
        current && {
          ageSeconds: (runtime.wallClock() - current.thisUpdateMs) / 1000,
          nextUpdateSeconds: current.nextUpdateMs === undefined ? undefined : current.nextUpdateMs / 1000
        }
      )
    },
    certificates: () => certificates
  })
  controlMetrics.configReloads.inc({ result: 'success' })

  const admin = await startAdmin({
    host: config.admin.host,
    port: config.admin.port,
    metrics: async () => {
      const traffic = AggregatorRegistry.aggregate((await workers.metrics()) as object[][])
      return `${await registry.metrics()}${await traffic.metrics()}`
    },
    why: workers.why,
    notReady() {
      if (phase === 'probing') return 'waiting for the first probe of every master'
      if (phase === 'draining') return 'stopping'
      if (workers.listening() === 0) return 'no worker listens'
      return supervisor.snapshot().tiers.length === 0 ? 'no master can serve' : undefined
    }
  })

  async function close(): Promise<void> {
    phase = 'draining'
    supervisor.stop()
    load.stop()
    revocations.stop()
    await workers.terminate()
    await admin.close()
  }

  try {
    await Promise.all([supervisor.start(), load.start()])
    const port = await workers.start()
    phase = 'serving'
    log.info(
      { host: config.listen.host, port, adminPort: admin.port, workers: config.listen.workers },
      'serving'
    )
    return {
      port,
      adminPort: admin.port,
      async drain() {
        phase = 'draining'
        log.info({ timeoutMs: config.listen.drainTimeoutMs }, 'draining: accepting no more connections')
        const cut = await workers.drain(config.listen.drainTimeoutMs)
        if (cut > 0) log.warn({ cut }, 'requests were cut at the end of the drain timeout')
        await close()
        log.info('stopped')
        return cut
      },
      stop: close
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** When each certificate in use expires, in seconds since 1970, under the name of its role. */
function expiryOf(config: Config): ReadonlyMap<string, number> {
  const expiry = new Map<string, number>()
  const add = (role: string, pem: string) => {
    const [leaf] = certificatesOf(pem)
    if (leaf) expiry.set(role, leaf.validToDate.getTime() / 1000)
  }
  config.tls.certificates.forEach((each: CertificateConfig, index) => {
    add(index === 0 ? 'server' : `server-${index + 1}`, each.cert)
  })
  certificatesOf(config.tls.ca).forEach((each, index) => {
    add(`ca-${index + 1}`, each.toString())
  })
  if (config.upstream.tls.client) add('upstream-client', config.upstream.tls.client.cert)
  return expiry
}
