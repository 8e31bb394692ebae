import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'

const FILE = '/proc/sys/net/ipv4/tcp_migrate_req'

/**
 * Tells what becomes of connects that wait to be accepted when one of several listeners on a port closes: with
 * `net.ipv4.tcp_migrate_req` another one has them, otherwise the system resets them. It is the host's to set, or the
 * container's own: nobody wants a program to change it unasked.
 */
export function tellMigration(log: Pick<Logger, 'info'>): void {
  const value = read()
  if (value === undefined) return
  log.info(
    { 'net.ipv4.tcp_migrate_req': value },
    value === 0
      ? 'connects that wait at a worker that dies are reset, and now and then one at a takeover; ' +
          'net.ipv4.tcp_migrate_req=1 gives them to others'
      : 'connects that wait at a worker that ends are given to others'
  )
}

/** `undefined` where the system has no such setting, or does not show it. */
function read(): number | undefined {
  try {
    return Number(readFileSync(FILE, 'utf8'))
  } catch {
    return undefined
  }
}
