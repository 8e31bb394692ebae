import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { scratch } from './layout.ts'

const POLL_MS = 100
const END_GRACE_MS = 15_000

/** A command with its own log; its arguments must name the scratch directory, by which clean-up knows it. */
export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly logFile: string
}

/**
 * Starts a process that outlives this one and is noted in `pids/`, so that `test/puppet/run` ends it
 * whatever happens here. Standard output and error go to the log file, appended.
 */
export function start({
  command,
  args,
  cwd,
  env,
  logFile
}: Command): ChildProcess & { readonly pid: number } {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, {
    cwd,
    env: { ...baseEnv(), ...env },
    detached: true,
    stdio: ['ignore', log, log]
  })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) throw new Error(`could not start ${command}`)
  mkdirSync(scratch('pids'), { recursive: true })
  writeFileSync(pidFile(pid), `${command} ${args.join(' ')}\n`)
  child.once('exit', () => rmSync(pidFile(pid), { force: true }))
  child.unref()
  return Object.assign(child, { pid })
}

/** How a command ended: its exit status, or 128 when a signal ended it, and what it printed. */
export interface Run {
  readonly status: number
  readonly output: string
}

/** Runs a command to its end. Its output also stays in its log, behind that of earlier runs. */
export async function run(command: Command): Promise<Run> {
  const before = existsSync(command.logFile) ? statSync(command.logFile).size : 0
  const child = start(command)
  child.ref()
  const [code] = await once(child, 'exit')
  const output = readFileSync(command.logFile).subarray(before).toString()
  return { status: typeof code === 'number' ? code : 128, output }
}

/** Runs a command that must succeed; its output, which otherwise the error carries. */
export async function mustRun(command: Command): Promise<string> {
  const { status, output } = await run(command)
  if (status !== 0) throw new Error(`${command.command} ended with ${status}\n${output}`)
  return output
}

/** Whether a process of this run is alive; zombies and foreign processes under a reused number are not. */
export function isRunning(pid: number): boolean {
  try {
    const about = (what: string) => readFileSync(join('/proc', String(pid), what), 'utf8')
    const command = about('cmdline')
    if (command !== '') return command.includes(scratch())
    // A zombie has none, and neither has a process while it becomes another program. With threads of it left, a zombie has its
    // sockets yet, and takes connections.
    const status = about('status')
    return !(/^State:\s+Z/m.test(status) && /^Threads:\s+[01]$/m.test(status))
  } catch {
    return false
  }
}

/** Sends a signal and waits until the process is gone; a stubborn one is killed. */
export async function end(pid: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (!isRunning(pid)) return
  process.kill(pid, signal)
  const gone = () => Promise.resolve(!isRunning(pid))
  if (!(await reaches(gone, END_GRACE_MS)) && isRunning(pid)) process.kill(pid, 'SIGKILL')
  await reaches(gone, END_GRACE_MS)
  rmSync(pidFile(pid), { force: true })
}

/** Asks an outside process again and again until the answer is yes; false when the time is over. */
export async function reaches(ask: () => Promise<boolean>, deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs
  while (performance.now() < deadline) {
    if (await ask().catch(() => false)) return true
    await delay(POLL_MS)
  }
  return false
}

/** As `reaches`, but of a process of ours: fails with its log, at once when it ends before it says yes. */
export async function serves(
  pid: number,
  logFile: string,
  says: () => Promise<boolean>,
  deadlineMs: number
): Promise<void> {
  await reaches(async () => !isRunning(pid) || (await says()), deadlineMs)
  if (isRunning(pid) && (await says().catch(() => false))) return
  throw new Error(`it does not serve:\n${readFileSync(logFile, 'utf8')}`)
}

const pidFile = (pid: number): string => scratch('pids', String(pid))

/** Nothing of the developer's own Puppet or Ruby set-up reaches the suite. */
const baseEnv = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: scratch('home'),
  LANG: 'C.UTF-8'
})
