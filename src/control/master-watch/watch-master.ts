import type { Logger } from 'pino'
import type { EventLog } from '../../model/event.ts'
import type { Master } from '../../model/master.ts'
import type { Runtime } from '../../model/runtime.ts'
import type { Settings } from '../../model/settings.ts'
import { jrubyMetricsPath, parseJRubyMetrics } from '../../puppet/jruby-metrics.ts'
import type { SlotTable } from '../../shared/slots/types.ts'
import { createRoute } from '../../upstream/route.ts'
import { inquire, NoAnswer } from './inquiry.ts'
import { createJRubyLoad } from './jruby-load.ts'
import { createMasterWatch, type MasterWatch } from './master-watch.ts'
import { type BadProbe, probe } from './probe.ts'

export interface WatchMasterOptions {
  /** As it is when it is first watched. */
  readonly first: Master
  /** As the roster has it by now; `undefined` for one that is about to join. */
  readonly member: () => Master | undefined
  /** Those in force for it. */
  readonly settings: () => Pick<Settings, 'health' | 'upstream'>
  readonly slots: Pick<SlotTable, 'taken' | 'ghosts'>
  readonly isExcused: (watch: MasterWatch) => boolean
  readonly changed: () => void
  /** Called with every bad probe. */
  readonly failed: (master: Master, probe: BadProbe) => void
  readonly ghostsDone: (leftBeforeMs: number) => void
  readonly runtime: Runtime
  readonly log: Logger
  readonly events: Pick<EventLog, 'add'>
}

/** Watches one master by its probes and its JRuby numbers. */
export function watchMaster(options: WatchMasterOptions): MasterWatch {
  const { first, settings, slots, isExcused, changed, runtime, log, events } = options
  const { seat } = first
  const master = () => options.member() ?? first
  const route = createRoute(() => master().addresses)
  const asked = (path: string) => ({
    origin: first.url,
    path,
    timeoutMs: settings().health.timeoutMs,
    upstream: settings().upstream,
    route,
    runtime
  })
  const load =
    first.name === 'ca'
      ? undefined
      : createJRubyLoad({
          intervalMs: () => settings().health.intervalMs,
          configured: () => master().capacity,
          ask: () =>
            inquire(asked(jrubyMetricsPath)).then(
              ({ status, body }) => (status === 200 ? parseJRubyMetrics(body) : undefined),
              error => (error instanceof NoAnswer && error.isOwnFault ? 'not-asked' : undefined)
            ),
          taken: () => slots.taken(seat),
          ghosts: () => slots.ghosts(seat),
          runtime,
          changed,
          ghostsDone: options.ghostsDone
        })
  return createMasterWatch({
    isExcused,
    changed,
    master,
    health: () => settings().health,
    probe: () => probe(asked(settings().health.path)),
    load,
    failed: bad => options.failed(master(), bad),
    runtime,
    log,
    events
  })
}
