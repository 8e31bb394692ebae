import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { outputOf, type Processes } from '../processes.ts'
import type { PeerSource } from './names.ts'
import type { Wrap } from './programs.ts'

const suite = 'trixie'
const packages = ['haproxy', 'nginx'] as const
const recipe = join(import.meta.dirname, '../../support/debian')
const inDebian = join(import.meta.dirname, 'in-debian')

export interface PeerDebianOptions {
  readonly source: PeerSource
  /** The one directory that peers see. */
  readonly directory: string
  readonly processes: Processes
  /** Tells a human how far it is. */
  readonly say: (line: string) => void
}

/**
 * How peers are started: those installed here as they are; those of Debian 13 in a root of their own, which is made
 * when it is not there yet. Rejects with a sentence when it cannot be made.
 */
export async function findPeers(options: PeerDebianOptions): Promise<Wrap> {
  const { source, directory, say } = options
  if (source === 'installed') return command => command
  const root = join(cacheDirectory(), `peers-${suite}-${recipeHash(readFileSync(recipe))}`)
  if (process.getuid?.() !== 0) {
    throw new Error(
      'HAProxy and nginx of Debian 13 run in a root of their own, which needs root; or use --peers installed'
    )
  }
  if (!existsSync(root)) {
    say(`making a Debian 13 with ${packages.join(' and ')} in ${root}`)
    await make(root, options)
  }
  return ({ command, args }) => ({ command: 'bash', args: [inDebian, root, directory, command, ...args] })
}

/** Changes whenever a root that was made before would not be the same again. */
export function recipeHash(text: Buffer): string {
  return createHash('sha256').update(text).update(packages.join()).digest('hex').slice(0, 12)
}

/** Where test/puppet/run keeps its own. */
function cacheDirectory(): string {
  const { PUPPET_TEST_CACHE, XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env
  return resolve(PUPPET_TEST_CACHE ?? join(XDG_CACHE_HOME, 'puppet-lb'))
}

async function make(root: string, { processes }: PeerDebianOptions): Promise<void> {
  const tools = await outputOf('sh', ['-c', 'command -v debootstrap'])
  if (tools === '') {
    throw new Error(
      'a Debian 13 is made with debootstrap: apt-get install debootstrap debian-archive-keyring'
    )
  }
  const { child, died } = await processes.start({ command: 'bash', args: [recipe, suite, root, ...packages] })
  // It ends by itself, which is no accident here.
  died.catch(() => {})
  await new Promise<void>(done => child.once('close', () => done()))
  if (child.exitCode !== 0)
    throw new Error(`making a Debian 13 failed; see ${root.replace(/-[^-]*$/, '')}.log`)
}
