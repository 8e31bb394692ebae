import { Counter, type Registry } from 'prom-client'
import { type LogOutput, logFaults } from './log-output.ts'

export interface LogFacts {
  readonly log: Pick<LogOutput, 'totalLost' | 'faults'>
}

/** What became of the log itself: when it cannot be written, it cannot tell. */
export function createLogMetrics(registry: Registry, { log: { totalLost, faults } }: LogFacts): void {
  const registers = [registry]
  new Counter({
    name: 'puppet_lb_log_lines_lost_total',
    help: 'Lines of the log that nobody took in time, in any thread.',
    registers,
    collect() {
      this.reset()
      this.inc(totalLost())
    }
  })
  new Counter({
    name: 'puppet_lb_log_faults_total',
    help: 'Times that writing the log began to fail, or its file could not be opened anew.',
    labelNames: ['fault'] as const,
    registers,
    collect() {
      this.reset()
      for (const fault of logFaults) this.inc({ fault }, faults(fault))
    }
  })
}
