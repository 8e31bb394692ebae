import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { DemoOptions } from '../../src/commands/demo.ts'

const run = promisify(execFile)
const module = new URL('../../src/commands/demo.ts', import.meta.url)
const runtimeModule = new URL('../support/fast-runtime.ts', import.meta.url)

/** Why a test of what curl is told is skipped; `false` when it is not. */
export const withoutCurl = spawnSync('curl', ['--version']).status !== 0 && 'there is no curl'

/** The demonstration as a process. */
export interface Demo {
  readonly process: ChildProcess
  readonly stderr: Readable
  readonly directory: string
  /** Resolves with the first printed line, from now or earlier, that matches. */
  readonly line: (pattern: RegExp) => Promise<string>
  readonly printed: readonly string[]
}

/** Starts it as a process. `times`: so many times as fast do agents and the tour live. */
export function startDemo(
  t: Test,
  options: Pick<DemoOptions, 'host' | 'port' | 'agents' | 'tour'>,
  times = 1
): Demo {
  const directory = t.testdir({})
  const settings = JSON.stringify({ adminPort: 0, directory, ...options })
  const script = `
    import { demo } from '${module.href}'
    import { fastRuntime } from '${runtimeModule.href}'
    process.exitCode = await demo({ ...${settings}, runtime: fastRuntime(${times}) })
  `
  const entry = join(directory, 'entry.mjs')
  writeFileSync(entry, script)
  const child = spawn(process.execPath, [entry], { cwd: directory })
  t.teardown(() => child.kill('SIGKILL'))
  const printed: string[] = []
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void }>()
  createInterface(child.stdout).on('line', line => {
    printed.push(line)
    for (const waiter of waiting) if (waiter.pattern.test(line)) waiter.resolve(line)
  })
  const line = (pattern: RegExp) => {
    const { promise, resolve } = Promise.withResolvers<string>()
    waiting.add({ pattern, resolve })
    const earlier = printed.find(each => pattern.test(each))
    if (earlier !== undefined) resolve(earlier)
    return promise
  }
  return { process: child, stderr: child.stderr, directory, line, printed }
}

/** The commands of the guide, as somebody copies them. */
export function commandsOf({ printed }: Demo): readonly string[] {
  const guide = printed.slice(0, printed.indexOf('Ctrl-C ends it.')).join('\n')
  return guide.replace(/ \\\n +/g, ' ').match(/(?<=^ {2})\S.*$/gm) ?? []
}

/** Runs a curl command as it was printed; the status of its answer. */
export async function statusOf(command: string, cwd: string): Promise<string> {
  const quiet = command.replace('curl', "curl -s -o answer -w '%{http_code}'")
  return (await run('sh', ['-c', quiet], { cwd })).stdout
}

/** Runs a command of puppet-lb as it was printed, where neither it nor its Node is on the PATH; what it said. */
export async function wordsOf(command: string, cwd: string): Promise<string> {
  return (await run('sh', ['-c', command], { cwd, env: { PATH: '/usr/bin:/bin' } })).stdout
}
