import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AttackMaterial } from './material.ts'
import type { MastersReady } from './messages.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const READY_MS = 30_000

/** How a balancer is started, where it matters. */
export interface BalancerOptions {
  /** Descriptors it is granted. Default: as many as the system grants. */
  readonly nofile?: number
  /** Where its log goes: into a file, into a pipe that is read, that nobody reads or whose reader goes, or onto a full disk. */
  readonly log?: 'file' | 'read' | 'unread' | 'closed' | 'full'
  readonly nodeOptions?: readonly string[]
  /** Groups of its configuration in place of the usual ones. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** `puppet-lb serve` in a process of its own, as people run it. */
export interface Balancer {
  readonly pid: number
  readonly port: number
  readonly adminPort: number
  /** What its configuration file says. */
  readonly settings: ReturnType<typeof settingsOf>
  /** Nobody reads the pipe of its log, until `readLog`. */
  readonly stallLog: () => void
  readonly readLog: () => void
  /** Resident memory now, in MiB; 0 when it has ended. */
  readonly residentMiB: () => number
  readonly stop: () => Promise<void>
}

/** Resolves once it is ready. Rejects when that takes too long. */
export async function startBalancer(
  directory: string,
  { authority, server }: AttackMaterial,
  { ca, masters }: MastersReady,
  { nofile, log = 'file', nodeOptions = [], settings: groups }: BalancerOptions = {}
): Promise<Balancer> {
  const [port, adminPort] = await Promise.all([freePort(), freePort()])
  const file = join(directory, 'puppet-lb.yaml')
  const settings = settingsOf({ ca, masters }, { port, adminPort }, groups)
  await Promise.all([
    writeFile(join(directory, 'server.pem'), server.chain),
    writeFile(join(directory, 'server.key'), server.key, { mode: 0o600 }),
    writeFile(join(directory, 'ca.pem'), authority.bundle),
    writeFile(join(directory, 'crl.pem'), await authority.crl()),
    writeFile(file, JSON.stringify(settings))
  ])
  const output =
    log === 'unread' || log === 'read' || log === 'closed'
      ? 'pipe'
      : openSync(log === 'full' ? '/dev/full' : join(directory, 'log.jsonl'), 'a')
  const limit = nofile === undefined ? '' : `ulimit -n ${nofile} && `
  const command = `${limit}exec "$0" "$@"`
  const args = [
    '-c',
    command,
    process.execPath,
    ...nodeOptions,
    '--disable-sigusr1',
    main,
    'serve',
    '--config',
    file
  ]
  const child = spawn('bash', args, { stdio: ['ignore', output, 'inherit'] })
  if (typeof output === 'number') closeSync(output)
  const ended = once(child, 'exit')
  if (log === 'read') child.stdout?.resume()
  await untilReady(adminPort, child)
  if (log === 'closed') child.stdout?.destroy()
  return {
    pid: child.pid as number,
    port,
    adminPort,
    settings,
    stallLog: () => child.stdout?.pause(),
    readLog: () => child.stdout?.resume(),
    residentMiB: () => residentMiB(child.pid),
    async stop() {
      child.kill('SIGKILL')
      await ended
    }
  }
}

function settingsOf(
  { ca, masters }: MastersReady,
  { port, adminPort }: { readonly port: number; readonly adminPort: number },
  { tls, ...groups }: Readonly<Record<string, unknown>> = {}
) {
  return {
    listen: { host: '127.0.0.1', port, workers: 2 },
    tls: {
      cert: 'server.pem',
      key: 'server.key',
      ca: 'ca.pem',
      crl: { file: 'crl.pem' },
      ...(tls as Readonly<Record<string, unknown>>)
    },
    ca: { url: ca },
    masters: masters.map((url, index) => ({ name: `m${index + 1}`, url })),
    admin: { port: adminPort },
    ...groups
  }
}

async function untilReady(adminPort: number, child: ChildProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_MS
  while (performance.now() < deadlineMs && child.exitCode === null) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  child.kill('SIGKILL')
  throw new Error('the balancer did not become ready')
}

/** A port that nobody has right now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return port
}

function residentMiB(pid: number | undefined): number {
  try {
    const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kib) / 1024)
  } catch {
    return 0
  }
}
