import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { jrubyMetricsPath, parseJRubyMetrics } from '../../puppet/jruby-metrics.ts'
import type { Arrivals } from '../../shared/arrivals.ts'
import type { ResultTable } from '../../shared/results.ts'
import type { SlotTable } from '../../shared/slots/types.ts'
import { createRoute } from '../../upstream/route.ts'
import { hintOf } from './hint.ts'
import { createJRubyLoad } from './jruby-load.ts'
import { createLine } from './line.ts'
import { createMasterWatch, type EjectionFault, type MasterWatch } from './master-watch.ts'
import { NoAnswer } from './no-answer.ts'
import { type BadProbe, probe } from './probe.ts'

export interface WatchMasterOptions {
  /** As it is when it is first watched. */
  readonly first: Master
  /** As the roster has it by now; `undefined` for one that is about to join. */
  readonly member: () => Master | undefined
  /** Those in force for it. */
  readonly settings: () => Pick<Settings, 'health' | 'upstream'>
  /** What its probes say first, before any TLS. Default: nothing. */
  readonly preamble?: () => Buffer | undefined
  readonly slots: Pick<SlotTable, 'taken' | 'ghosts'>
  /** JRubies that other processes of this balancer hold, and tell of. */
  readonly heldElsewhere: (master: Master) => number
  /** Whether raw TCP leads to it: then its JRubies are nobody's business here. */
  readonly isRaw: (master: Master) => boolean
  readonly results: Pick<ResultTable, 'total'>
  readonly arrivals: Pick<Arrivals, 'add' | 'count'>
  readonly isExcused: (watch: MasterWatch) => boolean
  readonly changed: () => void
  /** Called with every bad probe. */
  readonly failed: (master: Master, probe: BadProbe) => void
  /** Called with every ejection. */
  readonly ejected: (master: Master, fault: EjectionFault) => void
  /** Called with the end of the certificate that it shows, milliseconds since 1970, at each handshake of a probe. */
  readonly shown?: (master: Master, notAfterMs: number) => void
  readonly ghostsDone: (leftBeforeMs: number) => void
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Watches one master by its probes and its JRuby numbers. */
export function watchMaster(options: WatchMasterOptions): MasterWatch {
  const { first, settings, slots, results, arrivals, isExcused, changed, runtime, log, events } = options
  const { seat } = first
  const master = () => options.member() ?? first
  const upstream = () => settings().upstream
  const route = createRoute(() => master().addresses)
  const line = createLine({
    origin: first.url,
    timeoutMs: () => settings().health.timeoutMs,
    upstream,
    route,
    runtime,
    heard: () => arrivals.add(seat),
    shown: ({ validToDate }) => options.shown?.(master(), validToDate.getTime()),
    preamble: options.preamble
  })
  const load =
    first.name === 'ca'
      ? undefined
      : createJRubyLoad({
          intervalMs: () => settings().health.intervalMs,
          configured: () => master().capacity,
          ask: () =>
            line.ask(jrubyMetricsPath).then(
              ({ status, body }) => (status === 200 ? parseJRubyMetrics(body) : undefined),
              error => (error instanceof NoAnswer && error.isOwnFault ? 'not-asked' : undefined)
            ),
          taken: () => slots.taken(seat) + options.heldElsewhere(master()),
          ghosts: () => slots.ghosts(seat),
          isCounted: () => !options.isRaw(master()),
          runtime,
          changed,
          ghostsDone: options.ghostsDone
        })
  const watch = createMasterWatch({
    isExcused,
    changed,
    master,
    health: () => settings().health,
    probe: manner =>
      probe(manner, {
        line,
        path: settings().health.path,
        isSecure: first.url.startsWith('https:'),
        arrivals: () => arrivals.count(seat),
        hint: () => hintOf(first.url, upstream(), route, runtime, options.preamble)
      }),
    load,
    failed: bad => options.failed(master(), bad),
    successes: of => results.total(seat, of),
    ejected: fault => options.ejected(master(), fault),
    runtime,
    log,
    events
  })
  return {
    ...watch,
    stop() {
      watch.stop()
      line.close()
    }
  }
}
