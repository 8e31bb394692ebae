import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readSync, watch } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestPki } from './balancer.ts'
import { createLogReader, type LogLines } from './log-lines.ts'

/** `puppet-lb serve` as an operator runs it. */
export interface BalancerProcess extends LogLines {
  readonly process: ChildProcess
  readonly port: number
  readonly adminPort: number
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>
  /** Its configuration file and the directory of it. */
  readonly file: string
  readonly directory: string
  /** Writes the configuration anew, with these groups in place of those it has. It is not told of it. */
  readonly rewrite: (groups: Readonly<Record<string, unknown>>) => Promise<void>
  /** Starts another one from the same file, with these flags. Resolves once it serves. */
  readonly another: (...flags: readonly string[]) => Promise<BalancerProcess>
  /** The same for one that may not come to serve. */
  readonly spawnAnother: (...flags: readonly string[]) => ReturnType<typeof spawnServe>
  /** Everything it has written so far, to whichever of the two. */
  readonly output: () => string
}

type Group = Readonly<Record<string, unknown>>

/** Keys of the configuration file; what is not said gets a default fit for loopback. */
export interface ProcessConfig {
  readonly ca: string
  readonly masters: readonly Group[]
  readonly listen?: Group
  readonly health?: Group
  readonly balance?: Group
  readonly upstream?: Group
  readonly tls?: Group
  readonly log?: Group
  readonly admin?: Group
  readonly access?: Group
  readonly reload?: 'watch' | 'signal'
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Resolves once it serves. */
export async function spawnBalancer(
  t: { teardown: (task: () => unknown) => void },
  pki: TestPki,
  config: ProcessConfig,
  {
    nodeOptions = [],
    files = {},
    env = {},
    descriptors,
    standardOutput
  }: {
    readonly nodeOptions?: readonly string[]
    /** Variables beside those of this process. */
    readonly env?: Readonly<Record<string, string>>
    /** Further files beside the configuration, by name. */
    readonly files?: Readonly<Record<string, string>>
    /** How many file descriptors it gets; default: as many as this process. */
    readonly descriptors?: number
    /** A file that its standard output goes to. Default: a pipe, which is read. */
    readonly standardOutput?: string
  } = {}
): Promise<BalancerProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'puppet-lb-test-'))
  const file = join(directory, 'puppet-lb.yaml')
  const settings = {
    listen: { host: '127.0.0.1', port: 0, workers: 0, ...config.listen },
    tls: { cert: 'server.pem', key: 'server.key', ca: 'ca.pem', ...config.tls },
    ca: { url: config.ca },
    masters: config.masters,
    health: { interval: '1s', timeout: '500ms', rise: 1, fall: 1, ...config.health },
    admin: { port: 0, ...config.admin },
    reload: config.reload ?? 'signal',
    ...(config.balance && { balance: config.balance }),
    ...(config.upstream && { upstream: config.upstream }),
    ...(config.access && { access: config.access }),
    ...(config.log && { log: config.log })
  }
  await Promise.all([
    writeFile(join(directory, 'server.pem'), pki.server.chain),
    writeFile(join(directory, 'server.key'), pki.server.key, { mode: 0o600 }),
    writeFile(join(directory, 'ca.pem'), pki.authority.bundle),
    ...Object.entries(files).map(([name, text]) => writeFile(join(directory, name), text)),
    // JSON is YAML.
    writeFile(file, JSON.stringify(settings))
  ])
  t.teardown(() => rm(directory, { recursive: true }))
  const place = { file, directory, rewrite }

  async function rewrite(groups: Readonly<Record<string, unknown>>): Promise<void> {
    // Renamed over the old one, so that nobody reads half a file.
    await writeFile(`${file}.new`, JSON.stringify({ ...settings, ...groups }))
    await rename(`${file}.new`, file)
  }

  return serveFrom(t, place, [], { nodeOptions, env, descriptors, standardOutput })
}

/** What of a process is the same for the next one. */
type Place = Pick<BalancerProcess, 'file' | 'directory' | 'rewrite'>

interface Surroundings {
  readonly nodeOptions?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly descriptors?: number | undefined
  readonly standardOutput?: string | undefined
}

async function serveFrom(
  t: { teardown: (task: () => unknown) => void },
  place: Place,
  flags: readonly string[],
  surroundings: Surroundings
): Promise<BalancerProcess> {
  const { child, reader, exit, output } = spawnServe(t, place.file, flags, surroundings)
  const ended = exit.then(code => Promise.reject(new Error(`ended with ${code} before it served`)))
  const { port, adminPort } = await Promise.race([reader.line({ msg: 'serving' }), ended])
  return {
    ...reader,
    ...place,
    process: child,
    port: Number(port),
    adminPort: Number(adminPort),
    exit,
    output,
    another: (...more) => serveFrom(t, place, more, surroundings),
    spawnAnother: (...more) => spawnServe(t, place.file, more, surroundings)
  }
}

function spawnServe(
  t: { teardown: (task: () => unknown) => void },
  file: string,
  flags: readonly string[],
  { nodeOptions = [], env = {}, descriptors, standardOutput }: Surroundings
) {
  const command = [process.execPath, ...nodeOptions, main, 'serve', '--config', file, ...flags]
  const limited = descriptors === undefined ? '' : `ulimit -n ${descriptors}; `
  const sink = standardOutput === undefined ? 'pipe' : openSync(standardOutput, 'a')
  const child = spawn('bash', ['-c', `${limited}exec "$@"`, 'bash', ...command], {
    stdio: ['ignore', sink, 'pipe'],
    // What tests go by is no key of a configuration.
    env: Object.fromEntries(
      Object.entries({ ...process.env, ...env }).filter(([name]) => !name.startsWith('PUPPET_LB_TEST_'))
    )
  })
  const reader = createLogReader()
  let output = ''
  const read = (text: string) => {
    output += text
    reader.read(text)
  }
  child.stdout?.setEncoding('utf8').on('data', read)
  if (typeof sink === 'number') closeSync(sink)
  if (standardOutput !== undefined) t.teardown(follow(standardOutput, read))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (flags.length === 0) process.stderr.write(text)
  })
  const exit = once(child, 'close').then(([code, signal]): number | string => code ?? signal)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return { child, reader, exit, output: () => output }
}

/** Reads on in a file whenever something is written to it. Returns what ends that. */
function follow(file: string, read: (text: string) => void): () => void {
  const descriptor = openSync(file, 'r')
  const buffer = Buffer.alloc(64 * 1024)
  const watcher = watch(file, readOn)
  function readOn(): void {
    for (let bytes = 1; bytes > 0; ) {
      bytes = readSync(descriptor, buffer)
      // All that tests wait for is ASCII.
      if (bytes > 0) read(buffer.toString('latin1', 0, bytes))
    }
  }
  readOn()
  return () => {
    watcher.close()
    closeSync(descriptor)
  }
}
