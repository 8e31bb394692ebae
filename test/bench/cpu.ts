import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What Linux shows in /proc counts in hundredths of a second on every platform Node runs on (USER_HZ, proc(5)). */
const TICK_MICROS = 10_000

/**
 * CPU time that a process and all its descendants have used so far, all threads, user and system, in microseconds.
 * Linux only; throws ENOENT when the process is gone.
 *
 * Each process is read twice. `stat` counts threads that have ended too, but only in steps of 10 ms; the threads'
 * `schedstat` counts nanoseconds, but only of those alive. Neither counts too much, so the larger one is taken.
 */
export function cpuMicros(pid: number, proc = '/proc'): number {
  const root = join(proc, String(pid))
  const whole = parseStat(readFileSync(join(root, 'stat'), 'utf8'))
  let threads = 0
  let descendants = 0
  for (const thread of readdirSync(join(root, 'task'))) {
    const task = join(root, 'task', thread)
    threads += parseSchedstat(readIfThere(join(task, 'schedstat')))
    for (const child of readIfThere(join(task, 'children')).split(' ')) {
      if (child !== '') descendants += cpuMicros(Number(child), proc)
    }
  }
  return Math.max(whole, threads) + descendants
}

/** CPU time that everything on this machine has used so far, in microseconds, the hypervisor's share included. */
export function machineMicros(proc = '/proc'): number {
  const total = /^cpu +(.+)$/m.exec(readFileSync(join(proc, 'stat'), 'utf8'))?.[1]
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    total?.split(' ').map(Number) ?? []
  return (user + nice + system + irq + softirq + steal) * TICK_MICROS
}

/** utime and stime of a `stat` line together, in microseconds. The name before them may hold spaces and brackets. */
export function parseStat(line: string): number {
  const afterName = line.slice(line.lastIndexOf(')') + 2).split(' ')
  // proc(5) counts from 1 and puts the name second: utime is field 14, stime field 15.
  const ticks = Number(afterName[11]) + Number(afterName[12])
  if (!Number.isFinite(ticks)) throw new Error(`not a stat line: ${line}`)
  return ticks * TICK_MICROS
}

/** Time on a processor by a thread's `schedstat` line, in microseconds; 0 for an empty one. */
export function parseSchedstat(line: string): number {
  const micros = Number(line.split(' ', 1)[0]) / 1000
  return Number.isFinite(micros) ? micros : 0
}

/** Threads end while they are read, and a kernel may be built without these files. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
