import { write, writeSync } from 'node:fs'
import type { Runtime } from '../model/runtime.ts'
import type { LineQueue } from './line-queue.ts'
import type { LogTarget } from './log-target.ts'

/** What is handed to the system at once. */
const CHUNK_BYTES = 64 * 1024
/** A full pipe is tried again soon: its reader is most often a moment late. */
const FULL_AGAIN_MS = { first: 2, last: 128 } as const
/** A full disk or a closed pipe mends slowly or never. */
const FAULT_AGAIN_MS = { first: 100, last: 5_000 } as const
const LINE_FEED = 0x0a

export interface LogWriterDeps {
  readonly queue: LineQueue
  readonly schedule: Runtime['schedule']
  /** Told after each write that got somewhere. */
  readonly onProgress: () => void
  /** Told once when writing begins to fail, with the system's code; a pipe that is merely full is no failure. */
  readonly onFault: (code: string) => void
}

/** Takes lines from a queue to a target, in order, and goes on trying whatever the target says. */
export interface LogWriter {
  /** Writes what waits, unless a write is under way or waits to be tried again. */
  readonly write: () => void
  /** True when nothing waits and nothing is under way. */
  readonly isIdle: () => boolean
  /** Goes on with another target, after the write under way; the old one is closed. */
  readonly switchTo: (target: LogTarget) => void
  /** At the end of the process: writes what a target takes without waiting. */
  readonly writeLast: () => void
}

export function createLogWriter(first: LogTarget, deps: LogWriterDeps): LogWriter {
  const { queue, schedule } = deps
  let target = first
  /** Where to go once the write under way is over. */
  let next: LogTarget | undefined
  let chunk = Buffer.alloc(0)
  let written = 0
  let state: 'idle' | 'writing' | 'waiting' = 'idle'
  let cancelRetry = () => {}
  let againMs = 0
  let isFaulty = false

  function hasChunk(): boolean {
    if (written === chunk.length) {
      chunk = Buffer.from(queue.take(CHUNK_BYTES))
      written = 0
    }
    return chunk.length > 0
  }

  function run(): void {
    while (state === 'idle' && hasChunk()) {
      state = 'writing'
      if (target.mayWait) write(target.fd, chunk, written, chunk.length - written, null, later)
      else now()
    }
  }

  function now(): void {
    try {
      settle(writeSync(target.fd, chunk, written))
    } catch (error) {
      fail(error as NodeJS.ErrnoException)
    }
  }

  function later(error: NodeJS.ErrnoException | null, count: number): void {
    if (error) fail(error)
    else settle(count)
    run()
  }

  function settle(count: number): void {
    written += count
    againMs = 0
    isFaulty = false
    state = 'idle'
    if (next) change(next)
    deps.onProgress()
  }

  function fail({ code = 'unknown' }: Pick<NodeJS.ErrnoException, 'code'>): void {
    const isFull = code === 'EAGAIN'
    if (!isFull && !isFaulty) deps.onFault(code)
    isFaulty ||= !isFull
    state = 'waiting'
    const { first, last } = isFull ? FULL_AGAIN_MS : FAULT_AGAIN_MS
    againMs = Math.min(Math.max(first, 2 * againMs), last)
    cancelRetry = schedule(againMs, retry)
    if (next) change(next)
  }

  function retry(): void {
    state = 'idle'
    run()
  }

  function change(to: LogTarget): void {
    cancelRetry()
    next = undefined
    forgetTornLine()
    target.close()
    target = to
    state = 'idle'
    againMs = 0
  }

  /** The begin of a line that is in the old target: its rest makes no sense in the new one. */
  function forgetTornLine(): void {
    if (written === 0 || written === chunk.length || chunk[written - 1] === LINE_FEED) return
    written = chunk.indexOf(LINE_FEED, written) + 1
    queue.lose(1)
  }

  return {
    write: run,
    isIdle: () => state === 'idle' && written === chunk.length && queue.length() === 0,
    switchTo(to) {
      next?.close()
      next = to
      if (state === 'writing') return
      change(to)
      run()
    },
    writeLast() {
      // What the pool has in hand it ends by itself.
      if (state === 'writing') return
      try {
        while (hasChunk()) written += writeSync(target.fd, chunk, written)
      } catch {
        // Nobody is left to tell.
      }
    }
  }
}
