import { cpus } from 'node:os'
import { join } from 'node:path'
import { runBenchmark, type Stage } from './benchmark.ts'
import { publishCpu } from './cpu-results.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { findPeers } from './peers/debian.ts'
import { versionsOf } from './peers/programs.ts'
import type { Measured } from './report.ts'
import { readResults } from './results.ts'
import { compare } from './session.ts'

// CPU time per request and per agent run of puppet-lb, as ratios to HAProxy and nginx in the same run.
process.exitCode = await runBenchmark(parseOptions(process.argv.slice(2)), {
  usage,
  async measure(options, stage) {
    const measured = options.from ? readResults(options.from, isMeasured) : await measureHere(options, stage)
    return publishCpu(measured, options.out ?? join(import.meta.dirname, 'out'))
  }
})

async function measureHere(options: Options, stage: Stage): Promise<readonly Measured[]> {
  if (process.platform !== 'linux') throw new Error('CPU time is read as Linux tells it')
  const wrap = await findPeers({ ...stage, source: options.peers })
  const versions = await versionsOf(options.proxies, wrap)
  const { measured, handshake } = await compare({ ...stage, wrap, options })
  const { key, threads, logs } = options
  const machine = `${cpus().length} × ${cpus()[0]?.model}`
  return measured.map(each => ({ ...each, key, threads, logs, handshake, machine, versions }))
}

function isMeasured({ figure, rounds, versions }: Partial<Measured>): boolean {
  return figure !== undefined && rounds !== undefined && versions !== undefined
}
