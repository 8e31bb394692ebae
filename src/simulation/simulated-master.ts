import { systemRuntime } from '../model/runtime.ts'
import type { CaService } from './ca-service.ts'
import { createDice } from './dice.ts'
import { createFailures, type Failure, type FailureScope } from './failures.ts'
import { createGate } from './gate.ts'
import { createJrubyPool } from './jruby-pool.ts'
import { createMasterListener } from './master-listener.ts'
import type { SimulatedMasterOptions } from './master-options.ts'
import { createPipeline } from './master-pipeline.ts'
import { createMasterServices, type MasterState } from './master-services.ts'
import { createOverload } from './queue-limit.ts'
import { createRequestLog, type RecordedRequest } from './request-log.ts'
import type { ServiceState } from './status-service.ts'
import { createWaiters } from './waiters.ts'

/** A Puppet Server inside this process, with the strings by which a test pulls it. */
export interface SimulatedMaster {
  readonly name: string
  /** Origin, e.g. `https://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  /** What was asked, oldest first; the newest `keepRequests`. */
  readonly requests: readonly RecordedRequest[]
  /** How many requests came in all. */
  readonly requestCount: number
  /** Requests that have a JRuby. */
  readonly running: number
  /** Requests that wait for one. */
  readonly queued: number
  /** Catalogs that are frozen in their JRuby. */
  readonly held: number
  /** Open connections, with or without a request. */
  readonly connections: number
  /** The CA, where this master is it. */
  readonly ca: CaService | undefined
  /** Resolves as soon as the condition holds; it is asked again after everything that happens here. */
  readonly until: (condition: (master: SimulatedMaster) => boolean) => Promise<void>
  /** Catalogs freeze in their JRuby from now on. */
  readonly hold: () => void
  /** Lets the `count` oldest frozen catalogs go on; without a count ends the hold. */
  readonly release: (count?: number) => void
  /** The next requests fail. */
  readonly failNext: (failure: Failure, scope?: FailureScope) => void
  /**
   * 503 with this `Retry-After` (none if not given) and `Connection: close` to every request that needs a
   * JRuby and whose agent understands it (`X-Puppet-Version` from 5.3.1), until `calm`.
   */
  readonly overload: (retryAfterS?: number) => void
  readonly calm: () => void
  /** What the status service says from now on; all else goes on working. */
  readonly setState: (state: ServiceState) => void
  /** New code: every file changes. */
  readonly deploy: (codeVersion: string) => void
  readonly forgetRequests: () => void
  /** As `kill -9`: listener, connections and running compiles end at once. */
  readonly kill: () => Promise<void>
  /** Stops accepting, lets running requests end, and ends. */
  readonly stop: () => Promise<void>
  /** A new process on the same port, after `kill` or `stop`. Rejects when somebody else has the port. */
  readonly restart: () => Promise<void>
  /** For teardown: ends everything at once, any number of times. */
  readonly close: () => Promise<void>
}

/** Starts a simulated master; resolves once it listens, rejects when its port is taken. */
export async function startSimulatedMaster(options: SimulatedMasterOptions): Promise<SimulatedMaster> {
  const { host = '127.0.0.1', runtime = systemRuntime } = options
  const dice = options.seed === undefined ? runtime.random : createDice(options.seed)
  const waiters = createWaiters()
  const onChange = waiters.wake
  const newProcess = () => ({
    pool: createJrubyPool({ size: options.jrubies ?? 4, runtime, onChange }),
    serviceState: 'running' as const,
    startedAtMs: runtime.now()
  })
  const state: MasterState = { codeVersion: options.codeVersion ?? '1', ...newProcess() }
  const gate = createGate(onChange)
  const failures = createFailures()
  const log = createRequestLog({ keep: options.keepRequests ?? 10_000, runtime, onChange })
  const limit = { maxQueued: options.maxQueued ?? 0, maxRetryDelayS: options.maxRetryDelayS ?? 1800 }
  const overload = createOverload(limit, dice)
  const services = createMasterServices(options, state, runtime)
  const listener = createMasterListener({
    host,
    port: options.port ?? 0,
    tls: options.tls,
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
    serve: createPipeline({
      options,
      services,
      state,
      gate,
      failures,
      log,
      overload,
      runtime,
      dice,
      reset: socket => listener.reset(socket)
    }),
    onChange
  })

  const port = await listener.start()
  const kill = async () => {
    gate.forget()
    Object.assign(state, newProcess())
    await listener.kill()
    onChange()
  }

  const master: SimulatedMaster = {
    name: options.name,
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    port,
    requests: log.requests,
    get requestCount() {
      return log.count()
    },
    get running() {
      return state.pool.borrowed().length
    },
    get queued() {
      return state.pool.waiting().length
    },
    get held() {
      return gate.held()
    },
    get connections() {
      return listener.connections()
    },
    ca: services.ca,
    until: condition => waiters.until(() => condition(master)),
    hold: gate.close,
    release: gate.open,
    failNext: failures.order,
    overload: overload.begin,
    calm: overload.end,
    setState: serviceState => {
      state.serviceState = serviceState
    },
    deploy: codeVersion => {
      state.codeVersion = codeVersion
    },
    forgetRequests: log.forget,
    kill,
    stop: listener.stop,
    restart: async () => {
      Object.assign(state, newProcess())
      await listener.start()
    },
    close: kill
  }
  return Object.freeze(master)
}
