import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { Terminal } from './terminal.ts'

/** How often a log is told how far it is. */
const LOG_MS = 10_000
const FROM_THE_START = '\r\x1b[K'

/** How far a command is that waits. */
export interface Progress {
  /** Says it: on a terminal in one line that is written over, else on standard error, now and then, when it is news. */
  readonly show: (text: string) => void
  /** Takes the line away, for what is to stay. */
  readonly clear: () => void
}

export function createProgress({
  out,
  err,
  isInteractive = false,
  runtime = systemRuntime
}: Pick<Terminal, 'out' | 'err' | 'isInteractive'> & {
  readonly runtime?: Pick<Runtime, 'wallClock'>
}): Progress {
  const beganMs = runtime.wallClock()
  let said = ''
  let saidMs = beganMs
  let isShown = false
  return {
    show(text) {
      const nowMs = runtime.wallClock()
      if (isInteractive) {
        out(`${FROM_THE_START}${text} (${Math.round((nowMs - beganMs) / 1000)} s)`)
        isShown = true
      } else if (text !== said && nowMs - saidMs >= LOG_MS) {
        err(`${text}\n`)
        said = text
        saidMs = nowMs
      }
    },
    clear() {
      if (isShown) out(FROM_THE_START)
      isShown = false
    }
  }
}
