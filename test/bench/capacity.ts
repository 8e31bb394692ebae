import { runBenchmark } from './benchmark.ts'
import { capacityUsage, parseCapacityOptions } from './capacity-options.ts'
import { reportOf } from './capacity-report.ts'
import { measureCapacity } from './capacity-session.ts'

// Whether puppet-lb tells how much of its masters is used, and when they are full, on real sockets.
process.exitCode = await runBenchmark(parseCapacityOptions(process.argv.slice(2)), {
  usage: capacityUsage,
  measure: async (options, stage) => reportOf(options, await measureCapacity(options, stage))
})
