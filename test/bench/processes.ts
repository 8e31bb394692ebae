import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

/** Debian keeps daemons where only root looks by default. */
const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
const STOP_MS = 5_000
const KEEP_ERRORS = 4_000

export interface StartOptions {
  readonly command: string
  readonly args: readonly string[]
  /** Standard output goes there; nowhere without it. */
  readonly outputFile?: string
  /** A channel for messages, for our own Node processes. */
  readonly channel?: boolean
}

/** A process of the benchmark. */
export interface Started {
  readonly pid: number
  readonly child: ChildProcess
  /** Rejects with what it wrote to standard error when it ends before it is stopped; never resolves. */
  readonly died: Promise<never>
  /** Asks it to end by its pid, then makes it; resolves when it has. */
  readonly stop: () => Promise<void>
}

/** Every process the benchmark started, so that all can be ended, however it ends itself. */
export interface Processes {
  /** Rejects when the command cannot be run, and after `stopAll`. */
  readonly start: (options: StartOptions) => Promise<Started>
  readonly stopAll: () => Promise<void>
}

export function createProcesses(): Processes {
  const running = new Set<Started>()
  let isOver = false
  // The last resort, should this process end without having come to stopAll.
  process.on('exit', () => {
    for (const { child } of running) child.kill('SIGTERM')
  })
  return {
    async start(options) {
      const started = await startProcess(options)
      running.add(started)
      started.child.once('exit', () => running.delete(started))
      if (isOver) {
        await started.stop()
        throw new Error('nothing is started any more')
      }
      return started
    },
    async stopAll() {
      isOver = true
      await Promise.all([...running].map(({ stop }) => stop()))
    }
  }
}

async function startProcess({ command, args, outputFile, channel = false }: StartOptions): Promise<Started> {
  const output = outputFile === undefined ? 'ignore' : openSync(outputFile, 'a')
  const child = spawn(command, args, {
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', output, 'pipe', ...(channel ? (['ipc'] as const) : [])]
  })
  if (typeof output === 'number') closeSync(output)
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', text => {
    errors = (errors + text).slice(-KEEP_ERRORS)
  })
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))

  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  let isStopping = false
  const died = ended.then(() => {
    if (isStopping) return new Promise<never>(() => {})
    throw new Error(`${command} ended by itself: ${errors.trim() || 'it said nothing'}`)
  })
  // Whoever waits for it hears of it; that nobody happens to wait right now is no error.
  died.catch(() => {})
  return {
    pid: child.pid as number,
    child,
    died,
    async stop() {
      isStopping = true
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(impatience)
    }
  }
}

/** What a command prints; rejects when it cannot be run. */
export async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, {
    env: { ...process.env, PATH: searchPath },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => (text += chunk))
  child.stderr.setEncoding('utf8').on('data', chunk => (text += chunk))
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  return text
}
