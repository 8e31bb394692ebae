import { isOut, type Master, type MasterState, takesNewRuns } from '../model/master.ts'
import type { Outcome } from '../model/messages.ts'
import { type Pooled, sharePool } from '../model/pool.ts'
import { type Snapshot, tiersOf } from '../model/snapshot.ts'
import type { MasterWatch } from './master-watch/master-watch.ts'
import { createPoolNumbers } from './pool-numbers.ts'
import type { Membership } from './roster.ts'
import { poolSnapshots, servingOf } from './serving.ts'

/** A master that answers this many times `fall` probes too late is down however busy it is, if another is quicker. */
const SLOW_ROUNDS = 4
/** Slow probes take no more masters out once fewer than this share of them would be up: it is a herd then. */
const PANIC_SHARE = 0.5

export interface SupervisorOptions {
  readonly membership: () => Membership
  /** What the configuration names as masters, members or not. Left out: nothing. */
  readonly named?: () => readonly Pooled[]
  /** Makes a watch of a master; it asks `isExcused` about slow probes and tells `changed`. */
  readonly watch: (
    master: Master,
    judge: {
      readonly isExcused: (watch: MasterWatch) => boolean
      readonly changed: () => void
    }
  ) => MasterWatch
  readonly fall: () => number
  /** Whether all JRubies of a master are known to be busy: then a slow probe says nothing. */
  readonly isFull: (id: number) => boolean
  /** Whether requests are under way at a master. */
  readonly isBusy: (master: Master) => boolean
  /** Called before a master that was down, or was still making its JRubies, is given work again. */
  readonly returned: (master: Master) => void
  /** Called with one in maintenance that says nothing any more, before it is published. */
  readonly abandoned: (master: Master) => void
  /** Called with every new snapshot. */
  readonly publish: (snapshot: Snapshot) => void
}

/** Decides who may be given work: joins what is known of each member, and alone makes snapshots. */
export interface Supervisor {
  /**
   * Watches masters from now on. Resolves once each was probed once, whatever came of it. One that is watched already is
   * watched anew; what was known of it counts until it was probed.
   */
  readonly watch: (masters: readonly Master[]) => Promise<void>
  readonly unwatch: (id: number) => void
  /**
   * Watches one no more that goes into maintenance. If it has something to do it is asked a last time: when nothing comes
   * from it, nobody waits for it.
   */
  readonly part: (id: number) => void
  readonly watchOf: (id: number) => MasterWatch | undefined
  readonly stateOf: (id: number) => MasterState
  readonly report: (outcome: Outcome) => void
  /** Makes the snapshot of what is known by now. It counts as published. */
  readonly compose: () => Snapshot
  /** Publishes a new snapshot; nothing happens before the first `open`. */
  readonly refresh: () => void
  /** From now on every change is published. */
  readonly open: () => void
  readonly snapshot: () => Snapshot
  readonly stop: () => void
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { membership } = options
  const watches = new Map<number, MasterWatch>()
  /** Watches that will take another one's place once they have probed. */
  const successors = new Set<MasterWatch>()
  const lastStates = new Map<number, MasterState>()
  const poolNumbers = createPoolNumbers()
  const { masters, ca } = membership()
  let snapshot: Snapshot = Object.freeze({
    version: 0,
    ca,
    isCaUp: true,
    masters,
    tiers: [],
    finishing: [],
    doubted: []
  })
  let isOpen = false
  /** Those in maintenance from which nothing came when they went there, and what was seen of them. */
  const abandoned = new Map<number, string>()

  const watchOf = (id: number) => watches.get(id)
  const stateOf = (id: number): MasterState => watchOf(id)?.state() ?? 'unknown'

  /** A probe that a busy master leaves unanswered is no proof against it, unless that goes on and on. */
  function isExcused(watch: MasterWatch): boolean {
    const { masters, ca } = membership()
    const own = masters.find(({ id }) => id === watch.id)
    // Only those that can take its work say anything about it; about the CA all of them do.
    const others = masters
      .filter(each => each.id !== watch.id && each.mode === 'active' && (!own || sharePool(each, own)))
      .flatMap(({ id }) => watchOf(id) ?? [])
    const othersUp = others.filter(other => !isOut(other.state()))
    const isHerd = watch.id !== ca.id && othersUp.length < PANIC_SHARE * (others.length + 1)
    if (watch.slowProbes() <= SLOW_ROUNDS * options.fall()) return isHerd || options.isFull(watch.id)
    // It may well be frozen; but with nobody quicker to take its work, that would be no better off elsewhere.
    return isHerd && othersUp.every(other => other.slowProbes() > 0)
  }

  function tellReturns(members: readonly Master[]): void {
    for (const master of members) {
      const last = lastStates.get(master.id)
      const state = stateOf(master.id)
      if ((last === 'down' || last === 'warming' || last === 'silent') && state === 'up')
        options.returned(master)
      lastStates.set(master.id, state)
    }
  }

  function compose(): Snapshot {
    const { masters, ca } = membership()
    tellReturns(masters)
    const active = masters.filter(takesNewRuns)
    const known = { stateOf, accepts: (id: number) => watchOf(id)?.accepts() ?? false }
    const pools = poolSnapshots(masters, active, poolNumbers, known, options.named?.())
    const serving = pools
      ? [...new Set(pools.flatMap(({ tiers }) => tiers.flat()))]
      : servingOf(active, known)
    // Where nobody is better, what is at a busy master is best left there.
    const isGivenUp = (master: Master) => watchOf(master.id)?.isMute() === true && !serving.includes(master)
    // In maintenance a master has nothing, though it may be probed already that is about to come back.
    const working = masters.filter(({ mode }) => mode !== 'maint')
    snapshot = Object.freeze({
      version: snapshot.version + 1,
      ca,
      isCaUp: stateOf(ca.id) !== 'down' && stateOf(ca.id) !== 'silent',
      masters,
      tiers: tiersOf(serving),
      pools,
      finishing: working.filter(master => !takesNewRuns(master) && stateOf(master.id) === 'up'),
      // A guess again: a run whose files can still come from there need not mix them with another master's.
      doubted: working.filter(({ id }) => stateOf(id) === 'ejected' && watchOf(id)?.load?.isWarm()),
      silent: masters.filter(isGivenUp).map(({ id }) => id),
      abandoned: masters.filter(({ id, mode }) => mode === 'maint' && abandoned.has(id)).map(({ id }) => id),
      causes: causesOf([...masters, ca])
    })
    return snapshot
  }

  /** Why masters are not up. */
  function causesOf(members: readonly Master[]): ReadonlyMap<number, string> {
    const causes = members.flatMap(({ id }): [number, string][] => {
      const cause = watchOf(id)?.cause() ?? abandoned.get(id)
      return cause ? [[id, cause]] : []
    })
    return new Map(causes)
  }

  function refresh(): void {
    if (isOpen) options.publish(compose())
  }

  /** The one before it is asked until the new one has something to say. */
  async function start(watch: MasterWatch): Promise<void> {
    const { id } = watch
    abandoned.delete(id)
    if (!watches.has(id)) watches.set(id, watch)
    else successors.add(watch)
    await watch.start()
    if (!successors.delete(watch)) return
    watches.get(id)?.stop()
    watches.set(id, watch)
    lastStates.delete(id)
  }

  function unwatch(id: number): void {
    watches.get(id)?.stop()
    watches.delete(id)
    lastStates.delete(id)
    abandoned.delete(id)
  }

  async function part(master: Master): Promise<void> {
    const { id } = master
    const watch = watchOf(id)
    if (!watch) return
    const [isFull, isMute] = [options.isFull(id), watch.isMute()]
    unwatch(id)
    if (!options.isBusy(master)) return
    // One that is merely full is slow, and not to be given up for that.
    const cause = isMute ? watch.cause() : await watch.lastLook(isFull)
    if (cause === null || watches.has(id)) return
    abandoned.set(id, cause)
    options.abandoned(master)
    refresh()
  }

  return {
    async watch(masters) {
      const added = masters.map(master => options.watch(master, { isExcused, changed: refresh }))
      await Promise.all(added.map(start))
    },
    unwatch,
    part(id) {
      const master = membership().masters.find(each => each.id === id)
      if (master) void part(master)
    },
    watchOf,
    stateOf,
    report({ masterId, cause }) {
      // A fault of the CA has no other place to go; it is not ejected.
      if (isOpen && masterId !== membership().ca.id) watches.get(masterId)?.connectFailed(cause)
    },
    compose,
    refresh,
    open() {
      isOpen = true
    },
    snapshot: () => snapshot,
    stop() {
      isOpen = false
      for (const watch of [...watches.values(), ...successors]) watch.stop()
    }
  }
}
