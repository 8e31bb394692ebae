import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLogReader, type LogLines } from './log-lines.ts'

/** `puppet-lb serve` as a container starts it: told everything by its environment. */
export interface EnrollingProcess extends LogLines {
  /** Resolves with its ports once it serves; rejects with its errors when it ends before. */
  readonly serving: () => Promise<{ readonly port: number; readonly adminPort: number }>
  /** Resolves once it has said something that matches. */
  readonly says: (what: RegExp) => Promise<void>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly exit: Promise<number | string>
  /** What it wrote to standard error so far. */
  readonly errors: () => string
}

/** The least that a container is told, and the names that agents use. */
export const enrolVariables = ({
  url,
  name,
  fingerprint,
  altNames
}: {
  readonly url: string
  readonly name: string
  readonly fingerprint: string
  readonly altNames: readonly string[]
}) => ({
  PUPPET_LB_CA_URL: url,
  PUPPET_LB_ENROLL_NAME: name,
  PUPPET_LB_ENROLL_CA_FINGERPRINT: fingerprint,
  PUPPET_LB_ENROLL_ALT_NAMES: altNames.join(',')
})

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Starts it in a directory that holds no configuration file. */
export function spawnEnrolling(
  t: { teardown: (task: () => unknown) => void },
  directory: string,
  variables: Readonly<Record<string, string>>
): EnrollingProcess {
  const child = spawn(process.execPath, [main, 'serve', '--config', join(directory, 'puppet-lb.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      PUPPET_LB_LISTEN_HOST: '127.0.0.1',
      PUPPET_LB_LISTEN_PORT: '0',
      PUPPET_LB_LISTEN_WORKERS: '0',
      PUPPET_LB_ADMIN_PORT: '0',
      ...variables
    }
  })
  const reader = createLogReader()
  child.stdout.setEncoding('utf8').on('data', reader.read)
  let output = ''
  async function says(what: RegExp): Promise<void> {
    while (!what.test(output)) await once(child.stdout, 'data')
  }
  child.stdout.on('data', (text: string) => {
    output += text
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const exit = once(child, 'close').then(([code, signal]): number | string => code ?? signal)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  async function serving() {
    const ended = exit.then(code => Promise.reject(new Error(`it ended with ${code}: ${errors}`)))
    const { port, adminPort } = await Promise.race([reader.line({ msg: 'serving' }), ended])
    return { port: Number(port), adminPort: Number(adminPort) }
  }
  return { ...reader, serving, says, signal: signal => void child.kill(signal), exit, errors: () => errors }
}
