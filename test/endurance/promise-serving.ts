import type { Proposal } from '../../src/control/roster.ts'
import { isOut, type Master, type MasterState, takesNewRuns } from '../../src/model/master.ts'
import type { SeatMask } from '../../src/model/seat-mask.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import type { SlotClaim } from '../../src/shared/slots/types.ts'
import { seatsIn } from './masks.ts'
import type { World } from './promises.ts'
import type { Worker } from './worker.ts'

/** From a fault to the state that shows it and back: three probes, and what a worker may be late. */
const SETTLED_MS = 45_000
/** The longest pause between two rounds, some times over: a repeat has to be paid for. */
const PAUSED_MS = 60_000

/** The longest time over which masters are compared, and what a request may last that began before. */
const REMEMBERED_MS = 400_000

/** Who can serve does, nobody waits for one who cannot, and a guess takes no more than half of them. */
export function promiseServing({ control, agents, workers, machineOf, breaks, now }: World) {
  const since = new Map<number, { readonly as: string; readonly ms: number }>()
  const states = new Map<number, ReadonlyMap<number, MasterState>>()

  function published({ version, masters, tiers }: Snapshot): void {
    const { supervisor } = control()
    states.set(version, new Map(masters.map(({ id }) => [id, supervisor.stateOf(id)])))
    states.delete(version - 2_000)
    if (tiers.length > 0) return
    const healthy = masters.find(master => takesNewRuns(master) && supervisor.stateOf(master.id) === 'up')
    if (healthy) breaks(`${healthy.name} is up and active, and nobody is eligible`)
  }

  /** Nobody waits for one that the worker knows to be out. */
  function lookAtMask(worker: Worker, mask: SeatMask): void {
    const { masters, version } = worker.snapshot()
    const known = states.get(version)
    const isHelpless = masters.every(
      each => !takesNewRuns(each) || !['up', 'ejected'].includes(known?.get(each.id) ?? '')
    )
    for (const seat of seatsIn(mask)) {
      const master = masters.find(each => each.seat === seat)
      const state = known?.get(master?.id ?? -1) ?? 'unknown'
      if (!master || master.mode === 'maint')
        breaks(`a mask holds ${master?.name ?? 'a vacant seat'} in maint`)
      else if (state === 'silent' || (isOut(state) && !isHelpless))
        breaks(`a mask holds ${master.name}, which is ${state}`)
    }
  }

  /** A worker tells the slot table whom a request may have. */
  function masked(worker: Worker, { claimant }: SlotClaim, mask: SeatMask): void {
    lookAtMask(worker, mask)
    const certname = agents().nameOf(claimant)
    for (const seat of seatsIn(mask)) {
      const master = worker.snapshot().masters.find(each => each.seat === seat)
      if (master && !takesNewRuns(master) && worker.pinOf(certname) !== master.id)
        breaks(`a mask holds ${master.name}, which is ${master.mode}, for one that is not pinned there`)
    }
    if (seatsIn(mask).length === 0 && agents().comesBack(certname))
      breaks('one that comes back waits for nobody')
  }

  function lookAtWaiting(worker: Worker): void {
    for (const entry of worker.waiting.values()) {
      lookAtMask(worker, entry.mask)
      const isIdle = seatsIn(entry.mask).length === 0 && worker.isServing()
      entry.idleSinceMs = isIdle ? (entry.idleSinceMs ?? now()) : undefined
      if (now() - (entry.idleSinceMs ?? now()) > PAUSED_MS)
        breaks('somebody waits for nobody while others serve')
    }
  }

  function lookAtHealthy(): void {
    const { roster, supervisor } = control()
    const isSettled = (ms: number | undefined) => ms !== undefined && now() - ms > SETTLED_MS
    for (const master of roster.current().masters.filter(takesNewRuns)) {
      const machine = machineOf(master)
      if (!machine || machine.flaps) continue
      if (!isSettled(machine.wellSinceMs) || !isSettled(since.get(master.id)?.ms)) continue
      const state = supervisor.stateOf(master.id)
      if (isOut(state)) breaks(`${master.name} has been well for long and is ${state}`)
      for (const worker of workers())
        if (!worker.isServing()) breaks(`a worker knows nobody, not even ${master.name}`)
    }
  }

  /** Longer than anything that it did before is remembered. */
  const isWellForLong = (master: Master) => {
    const wellMs = machineOf(master)?.wellSinceMs ?? Number.POSITIVE_INFINITY
    return now() - Math.max(wellMs, since.get(master.id)?.ms ?? Number.POSITIVE_INFINITY) > REMEMBERED_MS
  }

  function ejected(master: Master): void {
    const { roster, supervisor } = control()
    if (isWellForLong(master)) breaks(`${master.name} is out on a guess and has been well for long`)
    const active = roster.current().masters.filter(takesNewRuns)
    const out = active.filter(({ id }) => supervisor.watchOf(id)?.isOutlier()).length
    if (out > active.length / 2) breaks(`${out} of ${active.length} are out on a guess`)
  }

  return {
    ...{ published, masked, ejected },
    adopting({ masters }: Proposal) {
      for (const { id, mode, weight, addresses } of masters) {
        const as = JSON.stringify([mode, weight > 0, addresses])
        if (since.get(id)?.as !== as) since.set(id, { as, ms: now() })
      }
    },
    inspect() {
      for (const worker of workers()) lookAtWaiting(worker)
      lookAtHealthy()
    }
  }
}
