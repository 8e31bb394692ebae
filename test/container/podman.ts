import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What a test needs of tap. */
interface Teardown {
  readonly teardown: (task: () => unknown) => void
}

/** What a finished command left. */
export interface Finished {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** How to start a container, beside what every container here gets. */
export interface ContainerOptions {
  /** Host directory to container directory; read-only. */
  readonly mounts?: Readonly<Record<string, string>>
  /** The same, and the user of the image may write there. */
  readonly volumes?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Replaces the image's command; its entry point stays. */
  readonly command?: readonly string[]
  /** Replaces the image's entry point. */
  readonly entrypoint?: readonly string[]
}

/** A container that runs. */
export interface Container {
  /** Resolves with the first line of standard output that `isWanted`; rejects, with all output, when it ends before. */
  readonly line: (isWanted: (line: string) => boolean) => Promise<string>
  /** Its first process, as this machine numbers it. */
  readonly pid: () => Promise<number>
  /** Runs the image's own health check; true when it passes. */
  readonly isHealthy: () => Promise<boolean>
  /** Signals its first process from outside, so that SIGSTOP works too. */
  readonly kill: (signal: NodeJS.Signals) => Promise<void>
  /** Resolves with its exit status once it has ended, whoever ended it. */
  readonly ended: Promise<number>
  /** Stops it as an orchestrator does: the image's signal, then SIGKILL. Resolves with its exit status. */
  readonly stop: () => Promise<number>
}

/** The image under test; `test/container/run` builds it and says its name. */
export function imageName(): string {
  const image = process.env.TEST_IMAGE
  if (!image) throw new Error('TEST_IMAGE is not set: start these tests with npm run test:container')
  return image
}

/** Runs podman and resolves whatever its exit status is. */
export async function podman(...args: readonly string[]): Promise<Finished> {
  // Its warnings about systemd are about timers for health checks, which are asked for by hand here.
  const child = run('podman', ['--log-level', 'fatal', ...args], { maxBuffer: 16 * 1024 * 1024 })
  try {
    return { status: 0, ...(await child) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, stdout, stderr }
  }
}

/** Runs a container to its end. */
export function runToEnd(options: ContainerOptions): Promise<Finished> {
  return podman(...runArguments(options))
}

/** Starts a container and removes it with the test. */
export function startContainer(t: Teardown, name: string, options: ContainerOptions): Container {
  const child = spawn('podman', ['--log-level', 'fatal', ...runArguments(options, name)], {
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const closed = once(child, 'close').then(([status]) => status as number)
  const output = collect(child)
  t.teardown(async () => {
    await podman('rm', '--force', '--ignore', '--time', '0', name)
    await closed
  })
  const pid = async () => Number((await podman('inspect', '--format', '{{.State.Pid}}', name)).stdout)

  return {
    line: isWanted => output.first(isWanted),
    pid,
    isHealthy: async () => (await podman('healthcheck', 'run', name)).status === 0,
    kill: async signal => void process.kill(await pid(), signal),
    ended: closed,
    stop: async () => {
      await podman('stop', '--time', '30', name)
      return closed
    }
  }
}

/** The hardest set-up an operator may choose: nothing writable, no capability, no way to gain one. */
function runArguments(
  { mounts = {}, volumes = {}, env = {}, command = [], entrypoint }: ContainerOptions,
  name?: string
): string[] {
  return [
    'run',
    '--rm',
    ...['--network', 'host', '--read-only', '--read-only-tmpfs=false', '--cap-drop', 'all'],
    ...['--security-opt', 'no-new-privileges', '--health-interval', 'disable'],
    ...(name ? ['--name', name] : []),
    ...Object.entries(mounts).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
    ...Object.entries(volumes).flatMap(([from, to]) => ['--volume', `${from}:${to}`]),
    ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(entrypoint ? ['--entrypoint', JSON.stringify(entrypoint)] : []),
    imageName(),
    ...command
  ]
}

function collect(child: ChildProcess) {
  const lines: string[] = []
  const errors: string[] = []
  const listeners = new Set<() => void>()
  let hasEnded = false
  const changed = () => {
    for (const listener of listeners) listener()
  }
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(line)
      changed()
    })
  }
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  child.on('close', () => {
    hasEnded = true
    changed()
  })

  return {
    first: (isWanted: (line: string) => boolean) =>
      new Promise<string>((resolve, reject) => {
        const look = () => {
          const found = lines.find(isWanted)
          if (found === undefined && !hasEnded) return
          listeners.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`the container ended: ${[...lines, ...errors].join('\n')}`))
        }
        listeners.add(look)
        look()
      })
  }
}
