import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** As much of a test as HAProxy needs. */
interface Host {
  readonly testdir: (content: Record<string, string>) => string
  readonly teardown: (task: () => unknown) => void
}

/** A reason to skip a test where HAProxy is not installed; else `false`. */
export const unlessHaproxy: string | false = spawnSync('haproxy', ['-v']).error
  ? 'haproxy is not installed'
  : false

/** Runs a command for as long as whoever started it lives, and does not say that it is enough. */
const untilInputEnds = '"$@" & child=$!; exec 2>&- 3>&-; read -r _; kill -KILL $child; wait $child'

/**
 * A real HAProxy with one listener on a port of loopback; `settings` are those of its section `listen`, `bind` apart,
 * which gets these further `words`. It inherits its socket, which listens already: who connects at once is served as soon
 * as it runs.
 */
export async function startHaproxy(
  t: Host,
  settings: readonly string[],
  words = ''
): Promise<{ readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const text = [
    'defaults',
    'timeout connect 5s',
    'timeout client 60s',
    'timeout server 60s',
    'timeout check 30s',
    'listen front',
    `bind fd@3 ${words}`,
    ...settings
  ]
  const directory = t.testdir({ 'haproxy.cfg': `${text.join('\n')}\n` })
  const command = ['haproxy', '-db', '-f', join(directory, 'haproxy.cfg')]
  const haproxy = spawn('sh', ['-c', untilInputEnds, 'sh', ...command], {
    stdio: ['pipe', 'inherit', 'inherit', descriptorOf(server)]
  })
  t.teardown(async () => {
    haproxy.stdin?.end()
    if (haproxy.exitCode === null) await once(haproxy, 'exit')
  })
  await once(haproxy, 'spawn')
  server.close()
  return { port }
}

/** Node's own name for it has no types. */
function descriptorOf(server: Server): number {
  return (server as Server & { readonly _handle: { readonly fd: number } })._handle.fd
}
