import { readFileSync } from 'node:fs'

/** How many file descriptors the system grants this process; Infinity where that cannot be known. */
export function grantedDescriptors(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    // Only Linux tells.
    return Number.POSITIVE_INFINITY
  }
}
