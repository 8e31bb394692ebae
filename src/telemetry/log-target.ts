import { close, constants, fstatSync, openSync } from 'node:fs'

/** An open descriptor that takes the log. */
export interface LogTarget {
  readonly fd: number
  /** A write may wait for a disk, so it must not be made in a thread that serves. Any other write returns at once. */
  readonly mayWait: boolean
  readonly close: () => void
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants
/** A pipe without a reader, or with one that stops, is no reason to wait either. */
const APPEND = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY
/** The access log says which agent was where: nothing for everybody. */
const FILE_MODE = 0o640

/** Opens a file at its end and makes it if need be. Throws the system's error. */
export function openLogFile(path: string): LogTarget {
  return targetOf(openSync(path, APPEND | O_CREAT, FILE_MODE))
}

/**
 * Standard output, such that a reader that stops holds up nobody. A blocking write would hold one of Node's four pool
 * threads as long as the reader likes, and the end of the process with it.
 */
export function openStandardOutput(fd = 1): LogTarget {
  const kept = { fd, mayWait: false, close: () => {} }
  if (fstatSync(fd).isFile()) return { ...kept, mayWait: true }
  try {
    // Opened anew, so that "do not wait" is for us alone and not for who else has this pipe or terminal.
    return targetOf(openSync(`/proc/self/fd/${fd}`, APPEND))
  } catch {
    // A socket, another user's pipe, no /proc. Node makes pipes and sockets so that they do not wait, if asked for.
    if (fd === 1) void process.stdout
    return { ...kept, mayWait: process.stdout.isTTY === true }
  }
}

function targetOf(fd: number): LogTarget {
  // What the end of a descriptor says of writes before comes too late to do anything about.
  return { fd, mayWait: fstatSync(fd).isFile(), close: () => close(fd, () => {}) }
}
