import { readFileSync } from 'node:fs'
import type { MachineFacts } from '../facts.ts'

/** Reads what the kernel tells under /proc. */
export function readMachine(): MachineFacts {
  const [from, to] = numbersIn('net/ipv4/ip_local_port_range')
  return {
    somaxconn: numbersIn('net/core/somaxconn')[0],
    migrates: numbersIn('net/ipv4/tcp_migrate_req')[0],
    localPorts: from === undefined || to === undefined ? undefined : to - from + 1
  }
}

/** None where the system has no such setting, or does not show it. */
function numbersIn(setting: string): readonly number[] {
  try {
    return readFileSync(`/proc/sys/${setting}`, 'utf8').trim().split(/\s+/).map(Number)
  } catch {
    return []
  }
}
