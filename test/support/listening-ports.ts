import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** TCP ports on which a process of this machine listens, from Linux' /proc. */
export function listeningPorts(pid: number): readonly number[] {
  return listeners(pid).map(local => Number.parseInt(local.split(':')[1] ?? '', 16))
}

/** Whether all that a process listens on is 127.0.0.1, so that nobody on another machine reaches it. */
export function listensOnLoopbackOnly(pid: number): boolean {
  return listeners(pid).every(local => local.startsWith('0100007F:'))
}

/** Addresses and ports as the system prints them: hexadecimal, the bytes of an address in the order of the machine. */
function listeners(pid: number): readonly string[] {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).map(fd => inodeOf(`/proc/${pid}/fd/${fd}`)))
  const sockets = ['tcp', 'tcp6'].flatMap(family =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
  )
  return sockets
    .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode))
    .map(([, local = '']) => local)
}

/** `undefined` for what is no socket, or was closed meanwhile. */
function inodeOf(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1]
  } catch {
    return undefined
  }
}

/**
 * Resolves once one of two balancers in this process alone listens on a port; each turn of the loop brings the other one
 * nearer to its end.
 */
export async function untilAlone(port: number): Promise<void> {
  while (listeningPorts(process.pid).filter(each => each === port).length > 1)
    await new Promise(resolve => setImmediate(resolve))
}
