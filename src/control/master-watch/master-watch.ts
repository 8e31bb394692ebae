import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Master, MasterState } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { HealthSettings } from '../../model/settings.ts'
import { afterConnects, afterResults, createEjection } from './ejection.ts'
import { createHealth } from './health.ts'
import type { JRubyLoad } from './jruby-load.ts'
import { type BadProbe, isLate, type ProbeManner, type ProbeResult } from './probe.ts'

/** Up to this share of the interval is added or taken away, so that probes of many masters do not march in step. */
const JITTER = 0.1
/** A probe that failed for want of something of our own is made again after this time, if that is sooner. */
const OWN_FAULT_AGAIN_MS = 1_000
/** Every so many probes one is made on a new connection: a kept one hides that nobody accepts any more. */
const FRESH_EVERY = 3

/** One master, watched for as long as it is a member: probes, ejections and its own numbers, joined to one state. */
export interface MasterWatch {
  readonly id: number
  /** Resolves once it was probed once, whatever came of it. */
  readonly start: () => Promise<void>
  readonly state: () => MasterState
  /** Why it is not up; null while it is. */
  readonly cause: () => string | null
  /** Its last probe was answered well, or at least taken and then too late. */
  readonly accepts: () => boolean
  /** Probes in a row that it took and did not answer in time. */
  readonly slowProbes: () => number
  /**
   * No word comes from it, or it was well, is down for probes that it did not answer in time, and has answered nothing
   * else since the first of these: who waits for it waits in vain. So is one that is frozen while what it had sent before is
   * still on its way to an agent that reads slowly: something comes from it then, and tells nothing.
   */
  readonly isMute: () => boolean
  /** `undefined` for the CA, whose JRubies are nobody's business here. */
  readonly load: JRubyLoad | undefined
  /** A connect to it failed: ejects it for a while, unless it is out already or has done well often enough since. */
  readonly connectFailed: (cause: string) => void
  /** It fails more than other masters do: ejects it for longer. `cause` is a sentence without its subject. */
  readonly ejectAsOutlier: (fault: Exclude<EjectionFault, 'connects'>, cause: string) => void
  /** Whether it is out for that. */
  readonly isOutlier: () => boolean
  /**
   * Asks it once more, after `stop`. Resolves with what is seen of one from which nothing is to be hoped for, else with
   * null. `isFull`: its JRubies are all busy, so that it is slow says nothing.
   */
  readonly lastLook: (isFull: boolean) => Promise<string | null>
  readonly stop: () => void
}

/** What a master is ejected for: connects that fail, or catalogs or any requests that it fails more than others do. */
export type EjectionFault = 'connects' | 'catalogs' | 'requests'

export interface MasterWatchOptions {
  /** As it is by now: weight, capacity and mode may change while it is watched. */
  readonly master: () => Master
  readonly health: () => HealthSettings
  readonly probe: (manner: ProbeManner) => Promise<ProbeResult>
  readonly load: JRubyLoad | undefined
  /** Whether a probe that was taken and not answered in time says nothing, since the master is busy. */
  readonly isExcused: (watch: MasterWatch) => boolean
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
  /** Called with every bad probe, whether it counts or not. */
  readonly failed: (probe: BadProbe) => void
  /** Requests it has answered, and catalogs it has given, until now. May wrap around at 32 bits. */
  readonly successes: (of: 'answered' | 'given') => number
  /** Called with every ejection. */
  readonly ejected: (fault: EjectionFault) => void
  /** Called when what `state` or `accepts` tell has changed. */
  readonly changed: () => void
}

export function createMasterWatch(options: MasterWatchOptions): MasterWatch {
  const { master, runtime, load, log, events } = options
  const health = createHealth(options.health)
  const forConnects = createEjection(afterConnects, runtime.random)
  const asOutlier = createEjection(afterResults, runtime.random)
  const { id } = master()
  let slowProbes = 0
  /** Probes in a row that got no answer in time, those included for which it took no connection or did not shake hands. */
  let lateProbes = 0
  /** What it had answered before these. */
  let answeredBefore = 0
  /** Probes since the last one on a new connection; the first one is on such anyway. */
  let sinceFresh = 0
  let hasBeenHealthy = false
  let isSilent = false
  let isLastGood = true
  let accepts = false
  let probeCause = 'was not asked yet'
  let ejectedFor = ''
  let stopped = false
  let cancel = () => {}

  function state(): MasterState {
    if (isSilent) return 'silent'
    const says = health.state()
    if (says !== 'up') return says
    if (isEjected()) return 'ejected'
    return (load?.isWarm() ?? true) ? 'up' : 'warming'
  }

  const isEjected = () => forConnects.isEjected(runtime.now()) || asOutlier.isEjected(runtime.now())

  /** `undefined`: it stays, or was out already. */
  function eject(fault: EjectionFault, cause: string, durationMs: number | undefined): void {
    if (durationMs === undefined) return
    const { name } = master()
    ejectedFor = cause
    log.warn({ master: name, cause, ejectedMs: Math.round(durationMs) }, 'master is ejected')
    events.add({ kind: 'master-ejected', text: `${name} is ejected: ${cause}`, master: name })
    options.ejected(fault)
    options.changed()
    runtime.schedule(durationMs, () => {
      if (!stopped) options.changed()
    })
  }

  /** Takes a probe that says something about the master. */
  function take(result: ProbeResult): void {
    const before = shown()
    hasBeenHealthy ||= result.healthy
    const wasSilent = isSilent
    // One that nobody ever heard may only be too busy: to a balancer that starts into a herd all of them look like that.
    isSilent = !result.healthy && result.isSilent === true && hasBeenHealthy
    accepts = result.healthy || (result.isSlow && !isSilent)
    slowProbes = !result.healthy && result.isSlow && !isSilent ? slowProbes + 1 : 0
    lateProbes = !result.healthy && (result.isSlow || isLate(result.kind)) ? lateProbes + 1 : 0
    if (lateProbes === 1) answeredBefore = options.successes('answered')
    if (!result.healthy) probeCause = result.cause
    const isExcused = slowProbes > 0 && health.state() === 'up' && options.isExcused(watch)
    const isNews = !isExcused && health.record(result.healthy, isSilent)
    if (isNews && result.healthy) {
      forConnects.clear()
      asOutlier.clear()
    }
    if (isSilent && !wasSilent) tellSilence()
    else if (isNews) tellHealth(result)
    if (isNews || before !== shown()) options.changed()
  }

  /** What others see of it while it is not up. */
  function shown(): string {
    const now = state()
    return now === 'down' || now === 'silent' ? `${now} ${accepts} ${probeCause}` : ''
  }

  function tellSilence(): void {
    const { name } = master()
    log.warn({ master: name, state: 'silent', cause: probeCause }, 'master is silent')
    events.add({ kind: 'master-silent', text: `${name} is silent: ${probeCause}`, master: name })
  }

  function tellHealth(result: ProbeResult): void {
    const { name } = master()
    if (result.healthy) {
      log.info({ master: name, state: 'up' }, 'master is up')
      events.add({ kind: 'master-up', text: `${name} is up`, master: name })
    } else {
      log.warn({ master: name, state: 'down', cause: result.cause }, 'master is down')
      events.add({ kind: 'master-down', text: `${name} is down: ${result.cause}`, master: name })
    }
  }

  async function check(): Promise<void> {
    const isFresh = !isLastGood || sinceFresh >= FRESH_EVERY - 1
    const result = await options.probe({ isFresh, isTrusted: health.state() === 'up' })
    if (stopped) return
    isLastGood = result.healthy
    sinceFresh = isFresh ? 0 : sinceFresh + 1
    if (!result.healthy) options.failed(result)
    const isOwnFault = !result.healthy && result.isOwnFault
    if (isOwnFault) {
      if (health.state() === 'unknown') probeCause = `could not be asked: ${result.cause}`
    } else take(result)
    const { intervalMs } = options.health()
    const pauseMs = isOwnFault ? Math.min(intervalMs, OWN_FAULT_AGAIN_MS) : intervalMs
    const delayMs = pauseMs * (1 + JITTER * (2 * runtime.random() - 1))
    cancel = runtime.schedule(delayMs, () => void check())
  }

  function isMute(): boolean {
    if (isSilent) return true
    const isDown = hasBeenHealthy && health.state() === 'down'
    return isDown && lateProbes > 0 && options.successes('answered') === answeredBefore
  }

  async function lastLook(isFull: boolean): Promise<string | null> {
    const result = await options.probe({ isFresh: true, isTrusted: false })
    if (result.healthy) return null
    options.failed(result)
    // One that shook hands and is slow for the first time may be busy with anything.
    const isHung = result.isSlow && slowProbes > 0 && !isFull
    return result.isSilent || result.kind === 'unreachable' || isHung ? result.cause : null
  }

  function causeOf(current: MasterState): string | null {
    switch (current) {
      case 'up':
        return null
      case 'ejected':
        return ejectedFor
      case 'warming':
        return 'none of its JRubies is made yet'
      default:
        return probeCause
    }
  }

  const watch: MasterWatch = {
    id,
    async start() {
      await Promise.all([check(), load?.start()])
    },
    state,
    cause: () => causeOf(state()),
    accepts: () => accepts,
    slowProbes: () => slowProbes,
    isMute,
    load,
    connectFailed(cause) {
      // Out for longer by what it does, it has nothing to add.
      if (stopped || isEjected()) return
      const durationMs = forConnects.fail(runtime.now(), options.successes('answered'))
      eject('connects', `a connect failed: ${cause}`, durationMs)
    },
    ejectAsOutlier(fault, cause) {
      if (!stopped) eject(fault, cause, asOutlier.eject(runtime.now(), options.successes('given')))
    },
    isOutlier: () => asOutlier.isEjected(runtime.now()),
    lastLook,
    stop() {
      stopped = true
      cancel()
      load?.stop()
    }
  }
  return watch
}
