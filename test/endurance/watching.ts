import type { Logger } from 'pino'
import { createJRubyLoad } from '../../src/control/master-watch/jruby-load.ts'
import { createMasterWatch, type EjectionFault } from '../../src/control/master-watch/master-watch.ts'
import { NoAnswer } from '../../src/control/master-watch/no-answer.ts'
import { probe } from '../../src/control/master-watch/probe.ts'
import type { Roster } from '../../src/control/roster.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../src/control/supervisor.ts'
import type { EventLog } from '../../src/model/event.ts'
import { type Master, seatOf } from '../../src/model/master.ts'
import type { Order } from '../../src/model/messages.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Settings } from '../../src/model/settings.ts'
import { jrubyMetricsPath, parseJRubyMetrics } from '../../src/puppet/jruby-metrics.ts'
import type { SharedTables } from '../../src/shared/memory.ts'
import type { Machine } from './machines.ts'

export interface WatchingDeps {
  readonly memory: SharedTables
  readonly roster: Roster
  readonly settings: () => Settings
  readonly publish: SupervisorOptions['publish']
  readonly tell: (order: Order) => void
  readonly ejected: (master: Master, fault: EjectionFault) => void
  /** Who answers at the addresses of a master; `undefined` for nobody. */
  readonly machineOf: (master: Master) => Machine | undefined
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: EventLog
}

/** The supervisor and its watches as the program has them (`supervise-masters`, `watch-master`), without sockets. */
export function superviseMachines(deps: WatchingDeps): Supervisor {
  const { memory, roster, settings, machineOf, runtime, log, events } = deps
  const { slots, results, arrivals } = memory
  const memberOf = (id: number) => {
    const { masters, ca } = roster.current()
    return ca.id === id ? ca : masters.find(master => master.id === id)
  }
  const supervisor: Supervisor = createSupervisor({
    membership: roster.current,
    fall: () => settings().health.fall,
    isFull(id) {
      const load = supervisor.watchOf(id)?.load
      return load !== undefined && (load.isFull() || slots.taken(seatOf(id)) >= load.capacity())
    },
    isBusy: ({ seat }) => memory.board.inFlight(seat) > 0,
    abandoned: ({ id }) => deps.tell({ type: 'ghosts-done', masterId: id, leftBeforeMs: deps.runtime.now() }),
    returned: ({ seat }) => void slots.startSlowly(seat),
    publish: deps.publish,
    watch(first, judge) {
      const { id, seat } = first
      const master = () => memberOf(id) ?? first
      const ask = async (path: string, isFresh = false) => {
        const machine = machineOf(master())
        if (machine) return machine.ask(path, isFresh, settings().health.timeoutMs, () => arrivals.add(seat))
        const error = Object.assign(new Error('no address'), { code: 'ENOTFOUND' })
        throw new NoAnswer(error, { isLate: false, isTaken: false, isConnected: false })
      }
      return createMasterWatch({
        ...judge,
        master,
        health: () => settings().health,
        probe: manner =>
          probe(manner, {
            line: { ask },
            path: settings().health.path,
            isSecure: true,
            arrivals: () => arrivals.count(seat),
            hint: async () => undefined
          }),
        load:
          first.name === 'ca'
            ? undefined
            : createJRubyLoad({
                intervalMs: () => settings().health.intervalMs,
                configured: () => master().capacity,
                ask: () =>
                  ask(jrubyMetricsPath).then(
                    ({ body }) => parseJRubyMetrics(body),
                    () => undefined
                  ),
                taken: () => slots.taken(seat),
                ghosts: () => slots.ghosts(seat),
                isCounted: () => true,
                runtime,
                changed: judge.changed,
                ghostsDone: leftBeforeMs => deps.tell({ type: 'ghosts-done', masterId: id, leftBeforeMs })
              }),
        failed() {},
        successes: of => results.total(seat, of),
        ejected: fault => deps.ejected(master(), fault),
        runtime,
        log,
        events
      })
    }
  })
  return supervisor
}
