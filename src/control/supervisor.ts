import type { Logger } from 'pino'
import type { Outcome } from '../model/messages.ts'
import type { Runtime } from '../model/runtime.ts'
import type { HealthConfig } from '../model/settings.ts'
import { type Master, type MasterState, type Snapshot, tiersOf } from '../model/snapshot.ts'
import { createEjection } from './master-watch/ejection.ts'
import { createHealth } from './master-watch/health.ts'
import type { ProbeResult } from './master-watch/probe.ts'

/** Up to this share of the interval is added or taken away, so that probes of many masters do not march in step. */
const JITTER = 0.1

export interface SupervisorOptions {
  readonly masters: readonly Master[]
  readonly ca: Master
  readonly health: HealthConfig
  readonly probe: (master: Master) => Promise<ProbeResult>
  /** Whether all its JRubies are known to be busy: then a slow probe says nothing. */
  readonly isFull: (master: Master) => boolean
  /** Whether it has a JRuby made at all; one that has not is `warming`. */
  readonly isWarm: (master: Master) => boolean
  /** Called before a master that was down, or was still making its JRubies, is given work again. */
  readonly returned: (master: Master) => void
  readonly runtime: Runtime
  readonly log: Logger
  /** Called with every new snapshot, the first one included. */
  readonly publish: (snapshot: Snapshot) => void
}

/** A master that answers this many times `fall` probes too late is down however busy it is, if another is quicker. */
const PATIENCE = 4
/** Slow probes take no more masters out once fewer than this share of them would be up: it is a herd then. */
const PANIC_SHARE = 0.5

/** Decides who may be given work: joins probes and reported outcomes, and alone writes snapshots. */
export interface Supervisor {
  /** Resolves once every master was probed once, whatever came of it. */
  readonly start: () => Promise<void>
  readonly report: (outcome: Outcome) => void
  /** Publishes anew, since `isWarm` says something else. */
  readonly refresh: () => void
  readonly stateOf: (master: Master) => MasterState
  readonly snapshot: () => Snapshot
  readonly stop: () => void
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { masters, ca, health, runtime, log } = options
  const watched = [...masters, ca].map(master => ({
    master,
    health: createHealth(health),
    ejection: createEjection(runtime.random),
    slowProbes: 0,
    /** Its last probe was answered well, or at least taken and then too late. */
    accepts: false,
    lastState: 'unknown' as MasterState,
    cancel: () => {}
  }))
  type Watched = (typeof watched)[number]
  const byIndex = new Map(watched.map(one => [one.master.index, one]))
  let snapshot: Snapshot = Object.freeze({ version: 0, ca, masters, tiers: [], finishing: [] })
  let started = false
  let stopped = false

  function stateOf(master: Master): MasterState {
    const one = byIndex.get(master.index)
    if (!one) return 'unknown'
    const state = one.health.state()
    if (state !== 'up') return state
    if (one.ejection.isEjected(runtime.now())) return 'ejected'
    return options.isWarm(master) ? 'up' : 'warming'
  }

  /** A probe that a busy master leaves unanswered is no proof against it, unless that goes on and on. */
  function isExcused(one: Watched, result: ProbeResult): boolean {
    const isSlow = !result.healthy && result.isSlow
    one.slowProbes = isSlow ? one.slowProbes + 1 : 0
    if (!isSlow || one.health.state() !== 'up') return false
    const othersUp = watched.filter(
      other => other !== one && other.master !== ca && other.health.state() === 'up'
    )
    const isHerd = one.master !== ca && othersUp.length < PANIC_SHARE * masters.length
    if (one.slowProbes <= PATIENCE * health.fall) return isHerd || options.isFull(one.master)
    // It may well be frozen; but with nobody quicker to take its work, that would be no better off elsewhere.
    return isHerd && othersUp.every(other => other.slowProbes > 0)
  }

  function publish(): void {
    if (!started || stopped) return
    for (const one of watched) {
      const state = stateOf(one.master)
      const wasAway = one.lastState === 'down' || one.lastState === 'warming'
      if (wasAway && state === 'up' && one.master !== ca) options.returned(one.master)
      one.lastState = state
    }
    const serving = tiersOf(masters, master => stateOf(master) === 'up')
    // An ejection is a guess: when it would leave nobody, masters that answer their probes serve all the same. So do
    // those that take connections, though too slow: a balancer that starts into a herd finds all of them so.
    const ejected = () => tiersOf(masters, master => stateOf(master) === 'ejected')
    const accepting = () => tiersOf(masters, ({ index }) => byIndex.get(index)?.accepts ?? false)
    const tiers = [() => serving, ejected, accepting].map(each => each()).find(each => each.length > 0) ?? []
    // A guess again: a run whose files can still come from there need not mix them with another master's.
    const finishing = masters.filter(master => stateOf(master) === 'ejected' && options.isWarm(master))
    snapshot = Object.freeze({ version: snapshot.version + 1, ca, masters, tiers, finishing })
    options.publish(snapshot)
  }

  async function check(one: Watched): Promise<void> {
    const accepted = one.accepts
    const result = await options.probe(one.master)
    if (stopped) return
    one.accepts = result.healthy || result.isSlow
    if (!isExcused(one, result) && one.health.record(result.healthy)) {
      const state = one.health.state()
      if (state === 'up') one.ejection.clear()
      const fields = { master: one.master.name, state, ...(!result.healthy && { cause: result.cause }) }
      if (result.healthy) log.info(fields, 'master is up')
      else log.warn(fields, 'master is down')
      publish()
    } else if (accepted !== one.accepts && one.health.state() === 'down') publish()
    const delayMs = health.intervalMs * (1 + JITTER * (2 * runtime.random() - 1))
    one.cancel = runtime.schedule(delayMs, () => void check(one))
  }

  return {
    async start() {
      await Promise.all(watched.map(check))
      started = true
      publish()
    },
    report(outcome) {
      const one = byIndex.get(outcome.masterIndex)
      if (!one || stopped || one.master === ca) return
      const durationMs = one.ejection.fail(runtime.now())
      if (durationMs === undefined) return
      log.warn(
        { master: one.master.name, cause: outcome.cause, ejectedMs: Math.round(durationMs) },
        'master is ejected'
      )
      publish()
      runtime.schedule(durationMs, publish)
    },
    refresh: publish,
    stateOf,
    snapshot: () => snapshot,
    stop() {
      stopped = true
      for (const one of watched) one.cancel()
    }
  }
}
