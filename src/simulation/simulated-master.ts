import { systemRuntime } from '../model/runtime.ts'
import { createGate } from './gate.ts'
import { createJrubyPool } from './jruby-pool.ts'
import { createMasterListener, host } from './master-listener.ts'
import type { SimulatedMasterOptions } from './master-options.ts'
import { createPipeline } from './master-pipeline.ts'
import { createMasterServices, type MasterProcess } from './master-services.ts'
import { createOverload } from './overload.ts'
import { createRequestLog, type RecordedRequest } from './request-log.ts'
import { createWaiters } from './waiters.ts'

/** A Puppet Server inside this process, with the strings by which a test pulls it. */
export interface SimulatedMaster {
  readonly name: string
  /** Origin, e.g. `https://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  /** What was asked, oldest first; the newest 10,000. */
  readonly requests: readonly RecordedRequest[]
  /** How many requests came in all. */
  readonly requestCount: number
  /** Requests that have a JRuby. */
  readonly running: number
  /** Requests that wait for one. */
  readonly queued: number
  /** Catalogs that are frozen in their JRuby. */
  readonly held: number
  /** Resolves as soon as the condition holds; it is asked again after everything that happens here. */
  readonly until: (condition: (master: SimulatedMaster) => boolean) => Promise<void>
  /** Catalogs freeze in their JRuby from now on. */
  readonly hold: () => void
  /** Lets the `count` oldest frozen catalogs go on; without a count ends the hold. */
  readonly release: (count?: number) => void
  /**
   * 503 with this `Retry-After` and `Connection: close` to every request that needs a JRuby and whose agent
   * understands it (`X-Puppet-Version` from 5.3.1), until `calm`.
   */
  readonly overload: (retryAfterS: number) => void
  readonly calm: () => void
  /** As `kill -9`: listener, connections and running compiles end at once. */
  readonly kill: () => Promise<void>
  /** A new process on the same port, after `kill`. Rejects when somebody else has the port. */
  readonly restart: () => Promise<void>
  /** For teardown: ends everything at once, any number of times. */
  readonly close: () => Promise<void>
}

/** Starts a simulated master on a port of loopback that the system chooses; resolves once it listens. */
export async function startSimulatedMaster(options: SimulatedMasterOptions): Promise<SimulatedMaster> {
  const { name, tls, jrubies = 4 } = options
  const waiters = createWaiters()
  const onChange = waiters.wake
  const newProcess = (): MasterProcess => ({
    pool: createJrubyPool({ size: jrubies, runtime: systemRuntime, onChange }),
    startedAtMs: systemRuntime.now()
  })
  let process = newProcess()
  const gate = createGate(onChange)
  const log = createRequestLog(onChange)
  const overload = createOverload()
  const services = createMasterServices(options, () => process)
  const pool = () => process.pool
  const listener = createMasterListener(tls, createPipeline({ options, services, pool, gate, log, overload }))

  const port = await listener.start()
  const kill = async () => {
    gate.forget()
    process = newProcess()
    await listener.kill()
    onChange()
  }

  const master: SimulatedMaster = {
    name,
    url: `${tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    requests: log.requests,
    get requestCount() {
      return log.count()
    },
    get running() {
      return process.pool.borrowed().length
    },
    get queued() {
      return process.pool.waiting().length
    },
    get held() {
      return gate.held()
    },
    until: condition => waiters.until(() => condition(master)),
    hold: gate.close,
    release: gate.open,
    overload: overload.begin,
    calm: overload.end,
    kill,
    restart: async () => void (await listener.start()),
    close: kill
  }
  return Object.freeze(master)
}
