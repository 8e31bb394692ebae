import type { MessagePort } from 'node:worker_threads'
import type { Runtime } from '../model/runtime.ts'
import { createLineQueue, type LostLines } from './line-queue.ts'
import { createLogPace } from './log-pace.ts'
import type { LogBatch } from './log-relay.ts'
import { type LogTarget, openLogFile, openStandardOutput } from './log-target.ts'
import { createLogWriter, type LogWriter } from './log-writer.ts'

/** Lines that wait for a reader or a disk, in characters: some 20,000 lines of the access log. */
const QUEUE_LENGTH = 4 * 1024 * 1024
/** Below it a thread may send more, and lost lines are told of: room for both is left. */
const ROOM_LENGTH = QUEUE_LENGTH / 2
/** What a logger writes its lines to. */
export interface LogDestination {
  /** Takes one line, with its line feed. Never throws, never waits. */
  readonly write: (line: string) => void
  /** Calls back once all is handed on, or after a second. */
  readonly flush: (done: () => void) => void
}

/** What the log's output has to tell about itself. */
export interface LogEvents {
  /** Lines were lost, and there is room to say so now. */
  readonly onLost: (lost: LostLines) => void
  /** Writing begins to fail, or the file cannot be opened anew: the system's code. `file`: left out for standard output. */
  readonly onFault: (fault: LogFault, code: string, file?: string) => void
}

export const logFaults = ['write', 'reopen'] as const
export type LogFault = (typeof logFaults)[number]

/**
 * Where the whole process logs to: this thread by itself, worker threads through `take`. One writer only, so lines
 * stay whole on every kind of target, and one place reopens a file. A target that takes nothing costs no more than the
 * queue: what comes then is dropped and counted.
 */
export interface LogOutput extends LogDestination {
  /** Takes what a worker thread sends through this port. */
  readonly take: (port: MessagePort) => void
  /**
   * Opens the file that is to take the log, `undefined` for standard output; throws the system's error. Nothing changes
   * before `commit`; the one in use already is left alone.
   */
  readonly prepare: (file: string | undefined) => PreparedOutput
  /** Opens the file anew, after it was renamed. If that fails the old one stays in use. */
  readonly reopen: () => void
  readonly totalLost: () => number
  /** How often writing began to fail, or the file could not be opened anew. */
  readonly faults: (fault: LogFault) => number
  /** What keeps it from being written, or opened anew, now: the system's code. `undefined`: nothing does. */
  readonly fault: () => string | undefined
  readonly tell: (events: LogEvents) => void
  /** At the end of the process: writes what can be written without waiting. */
  readonly writeLast: () => void
}

export interface PreparedOutput {
  readonly commit: () => void
  readonly cancel: () => void
}

/** `file`: an absolute path, opened at once; throws the system's error. Standard output is opened when it is needed. */
export function createLogOutput(
  file: string | undefined,
  { wallClock, schedule }: Pick<Runtime, 'wallClock' | 'schedule'>
): LogOutput {
  const queue = createLineQueue(QUEUE_LENGTH, wallClock)
  const faults: Record<LogFault, number> = { write: 0, reopen: 0 }
  /** Those that last. */
  const lasting = new Map<LogFault, string>()
  const waitForRoom = new Set<MessagePort>()
  let events: LogEvents = { onLost: () => {}, onFault: () => {} }
  let current = file
  let writer: LogWriter | undefined = file === undefined ? undefined : writerTo(openLogFile(file))
  const pace = createLogPace({
    schedule,
    length: queue.length,
    isIdle: () => queue.length() === 0 && (writer === undefined || writer.isIdle()),
    go: writeNow
  })

  function writerTo(target: LogTarget): LogWriter {
    return createLogWriter(target, { queue, schedule, onProgress, onFault: code => fault('write', code) })
  }

  function fault(kind: LogFault, code: string): void {
    faults[kind]++
    lasting.set(kind, code)
    events.onFault(kind, code, current)
  }

  function onProgress(): void {
    lasting.delete('write')
    if (queue.length() <= ROOM_LENGTH) {
      for (const port of waitForRoom) port.postMessage('room')
      waitForRoom.clear()
      const lost = queue.takeLost()
      if (lost) events.onLost(lost)
    }
    pace.look()
  }

  /** Standard output is opened when there is something for it. */
  function opened(): LogWriter | undefined {
    if (queue.length() > 0) writer ??= writerTo(openStandardOutput())
    return writer
  }

  function writeNow(): void {
    opened()?.write()
  }

  function add(text: string): void {
    queue.add(text)
    pace.lineUp()
  }

  function goTo(target: LogTarget): void {
    if (writer) writer.switchTo(target)
    else writer = writerTo(target)
  }

  return {
    write: add,
    flush: pace.flush,
    take(port) {
      port.on('message', ({ text, lost }: LogBatch) => {
        if (lost) queue.lose(lost.lines, lost.sinceMs)
        if (text === '') return
        add(text)
        if (queue.length() <= ROOM_LENGTH) port.postMessage('room')
        else waitForRoom.add(port)
      })
      port.on('close', () => waitForRoom.delete(port))
      port.unref()
    },
    prepare(file) {
      if (file === current) return { commit: () => {}, cancel: () => {} }
      const target = file === undefined ? openStandardOutput() : openLogFile(file)
      return {
        commit() {
          current = file
          lasting.delete('reopen')
          goTo(target)
        },
        cancel: target.close
      }
    },
    reopen() {
      if (current === undefined) return
      try {
        goTo(openLogFile(current))
        lasting.delete('reopen')
      } catch (error) {
        fault('reopen', (error as NodeJS.ErrnoException).code ?? 'unknown')
      }
    },
    totalLost: queue.totalLost,
    faults: kind => faults[kind],
    fault: () => lasting.get('write') ?? lasting.get('reopen'),
    tell(listener) {
      events = listener
    },
    writeLast: () => opened()?.writeLast()
  }
}
