import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Options, parseOptions, usage } from './options.ts'
import { type ProxyName, proxyNames } from './ports.ts'
import { createProcesses } from './processes.ts'
import { versionOf } from './proxies.ts'
import { summarise, tableOf } from './report.ts'
import { compare, WrongProxy } from './session.ts'

// CPU time per request and per agent run of puppet-lb, as ratios to Debian's HAProxy and nginx in the same run.
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
  const versions = new Map<ProxyName, string>()
  for (const name of options.proxies) {
    const version = await versionOf(name)
    if (version !== undefined) versions.set(name, version)
  }
  if (process.platform !== 'linux' || versions.size < options.proxies.length) {
    process.stderr.write(
      'This benchmark compares with Debian\'s packages "haproxy" and "nginx" on Linux: apt-get install haproxy nginx\n'
    )
    return 2
  }
  return run(options, versions)
}

async function run(options: Options, versions: ReadonlyMap<ProxyName, string>): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-bench-'))
  const processes = createProcesses()
  const { promise: interrupted, reject: interrupt } = Promise.withResolvers<never>()
  interrupted.catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt(new Error(`stopped by ${signal}`)))
  }
  const say = (line: string) => process.stderr.write(`${line}\n`)
  try {
    const { measured, handshake } = await Promise.race([
      compare({ directory, processes, options, say }),
      interrupted
    ])
    const summaries = measured.map(summarise)
    const { rounds, warmUpRequests, warmUpRuns } = options.effort
    const names = proxyNames.filter(name => versions.has(name))
    process.stdout.write(
      [
        `CPU time of each proxy process (one worker thread each), steady state: after ${warmUpRequests} requests`,
        `and ${warmUpRuns} agent runs of warm-up, ${rounds} rounds with the proxies in random order (seed ${options.seed}).`,
        `Meanwhile ${percent(Math.max(...measured.map(each => each.disturbance)))} of the processors went to others; near 0 the ranges are narrow.`,
        `Every agent run is a new connection: ${handshake}, RSA-4096 on both sides.`,
        ...names.map(name => `  ${name} ${versions.get(name)}`),
        '',
        tableOf(summaries),
        ''
      ].join('\n')
    )
    if (options.json !== undefined) {
      const { seed } = options
      const machine = { processor: cpus()[0]?.model, processors: cpus().length }
      const all = { machine, versions: Object.fromEntries(versions), handshake, seed, measured, summaries }
      writeFileSync(options.json, `${JSON.stringify(all, undefined, 2)}\n`)
    }
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

function percent(share: number): string {
  return `${Math.max(0, Math.round(share * 100))} %`
}
