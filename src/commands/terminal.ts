import type { Runtime } from '../model/runtime.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Window } from './screen.ts'

/** What the command line talks to; a test gives its own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** Whether a person watches: what was drawn may then be drawn over. Default: no. */
  readonly isInteractive?: boolean
  /** What it has room for. */
  readonly window?: () => Window
  /** Default: the system's. */
  readonly runtime?: Pick<Runtime, 'schedule' | 'wallClock'>
}

/** 128 + the number of SIGPIPE. */
const SIGPIPE_EXIT_CODE = 141

/** The standard streams of this process. */
export const processTerminal: Terminal = Object.freeze({
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
  env: process.env,
  isInteractive: process.stdout.isTTY === true,
  window: () => process.stdout,
  runtime: systemRuntime
})

/**
 * Ends the process, with the code that shells expect, once nobody reads its output any more: Node ignores the signal
 * that would, and would show the error as a defect.
 */
export function endWithReader(output: NodeJS.WritableStream = process.stdout): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(SIGPIPE_EXIT_CODE)
  })
}

/**
 * For a command that serves: nobody who reads what it says, or stops reading it, may end it. Its log has a way of its
 * own to the same descriptor.
 */
export function outliveReaders(
  outputs: readonly NodeJS.WritableStream[] = [process.stdout, process.stderr]
): void {
  for (const output of outputs) output.on('error', () => {})
}

/** For a command that waits: the timers of a runtime do not keep the process alive, an open port does. */
export function stayAlive(): () => void {
  const { port1 } = new MessageChannel()
  port1.ref()
  return () => port1.close()
}
