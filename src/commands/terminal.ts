import type { Runtime } from '../model/runtime.ts'
import { systemRuntime } from '../model/runtime.ts'

/** What the command line talks to; a test gives its own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** Whether a person watches: what was drawn may then be drawn over. Default: no. */
  readonly isInteractive?: boolean
  /** Default: the system's. */
  readonly runtime?: Pick<Runtime, 'schedule' | 'wallClock'>
}

/** The standard streams of this process. */
export const processTerminal: Terminal = Object.freeze({
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
  env: process.env,
  isInteractive: process.stdout.isTTY === true,
  runtime: systemRuntime
})
