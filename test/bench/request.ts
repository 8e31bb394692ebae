import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { publishCpu } from './cpu-results.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { findPeers } from './peers/debian.ts'
import { versionsOf } from './peers/programs.ts'
import { createProcesses } from './processes.ts'
import type { Measured } from './report.ts'
import { readResults } from './results.ts'
import { compare, type SessionOptions, WrongProxy } from './session.ts'

// CPU time per request and per agent run of puppet-lb, as ratios to HAProxy and nginx in the same run.
// Exit code: 0 measured, 1 wrong arguments or a proxy that does not do the job, 2 it could not be run.
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${usage}`)
    return 1
  }
  if (options.help) {
    process.stdout.write(usage)
    return 0
  }
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-bench-'))
  const processes = createProcesses()
  const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
  interrupted.catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt(new Error(`stopped by ${signal}`)))
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const measured = options.from
      ? readResults(options.from, isMeasured)
      : await Promise.race([measure(options, { directory, processes, say }), interrupted])
    process.stdout.write(publishCpu(measured, options.out ?? join(import.meta.dirname, 'out')))
    return 0
  } catch (error) {
    process.stderr.write(`The benchmark failed: ${(error as Error).message}\n`)
    return error instanceof WrongProxy ? 1 : 2
  } finally {
    await processes.stopAll()
    if (options.keep) say(`configurations and logs are in ${directory}`)
    else rmSync(directory, { recursive: true, force: true })
  }
}

async function measure(
  options: Options,
  stage: Omit<SessionOptions, 'options' | 'wrap'>
): Promise<readonly Measured[]> {
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
