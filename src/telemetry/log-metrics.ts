import { Counter, type Registry } from 'prom-client'
import { type LogOutput, logFaults } from './log-output.ts'

const PREFIX = 'puppet_lb_'

/** What is known of the log at the moment of a scrape. */
export interface LogFacts {
  readonly log: Pick<LogOutput, 'totalLost' | 'faults'>
}

/** What became of the log itself: when it cannot be written, it cannot tell. */
export function createLogMetrics(registry: Registry, { totalLost, faults }: LogFacts['log']): void {
  const registers = [registry]
  new Counter({
    name: `${PREFIX}log_lines_lost_total`,
    help: 'Lines of the log that nobody took in time, in any thread.',
    registers,
    collect() {
      this.reset()
      this.inc(totalLost())
    }
  })
  new Counter({
    name: `${PREFIX}log_faults_total`,
    help: 'Times that the log failed: `write`, writing it began to fail; `reopen`, its file could not be opened anew.',
    labelNames: ['fault'] as const,
    registers,
    collect() {
      this.reset()
      for (const fault of logFaults) this.inc({ fault }, faults(fault))
    }
  })
}
