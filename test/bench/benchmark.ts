import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createProcesses, type Processes } from './processes.ts'

/** Where a benchmark measures, and with what. */
export interface Stage {
  /** Of this run alone; it goes when the run is over. */
  readonly directory: string
  readonly processes: Processes
  readonly say: (line: string) => void
}

/**
 * Runs one benchmark from its command line to its exit code: 0 measured, 1 wrong arguments, 2 it could not be run.
 *
 * @param options as parsed, or a sentence on what is wrong with them
 * @param measure resolves with what goes to the standard output; SIGINT and SIGTERM end it
 */
export async function runBenchmark<Options extends { readonly help: boolean; readonly keep?: boolean }>(
  options: Options | string,
  { usage, measure }: { usage: string; measure: (options: Options, stage: Stage) => Promise<string> }
): Promise<0 | 1 | 2> {
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
    process.stdout.write(await Promise.race([measure(options, { directory, processes, say }), interrupted]))
    return 0
  } catch (error) {
    say(`The benchmark failed: ${(error as Error).message}`)
    return 2
  } finally {
    await processes.stopAll()
    if (options.keep) say(`configurations and logs are in ${directory}`)
    else rmSync(directory, { recursive: true, force: true })
  }
}
