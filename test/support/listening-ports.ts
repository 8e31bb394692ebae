import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** TCP ports on which a process of this machine listens, from Linux' /proc. */
export function listeningPorts(pid: number): readonly number[] {
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
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16))
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
