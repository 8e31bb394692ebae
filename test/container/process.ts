import { readdir, readFile, readlink, stat } from 'node:fs/promises'

/** What the kernel says of a running process. */
export interface ProcessFacts {
  /** Program and arguments. */
  readonly command: readonly string[]
  /** Its number in each process namespace, this machine's first. */
  readonly ids: readonly string[]
  /** Real, effective, saved and file system user. */
  readonly users: readonly string[]
  readonly groups: readonly string[]
  /** Bits, hexadecimal. */
  readonly capabilities: string
  readonly mayGainPrivileges: boolean
  readonly isRootReadOnly: boolean
  /** Files, as it names them, that it holds open for writing; pipes, sockets and devices are none. */
  readonly filesOpenForWriting: readonly string[]
}

/** Reads it from `/proc`, which takes root for a process of somebody else. */
export async function inspectProcess(pid: number): Promise<ProcessFacts> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  return {
    command: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1),
    ids: field('NSpid').split('\t'),
    users: field('Uid').split('\t'),
    groups: field('Gid').split('\t'),
    capabilities: field('CapEff'),
    mayGainPrivileges: field('NoNewPrivs') !== '1',
    isRootReadOnly: / \/ \S+ ro,/.test(await readFile(`/proc/${pid}/mounts`, 'utf8')),
    filesOpenForWriting: await filesOpenForWriting(pid)
  }
}

async function filesOpenForWriting(pid: number): Promise<readonly string[]> {
  const found: string[] = []
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    const file = `/proc/${pid}/fd/${descriptor}`
    const flags = /^flags:\s*([0-7]+)$/m.exec(
      await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8')
    )?.[1]
    const isForWriting = (Number.parseInt(flags ?? '0', 8) & 0b11) !== 0
    if (isForWriting && (await stat(file)).isFile()) found.push(await readlink(file))
  }
  return found
}
