import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { PeerName } from './peers/names.ts'
import { programOf, type Wrap } from './peers/programs.ts'
import type { Site } from './peers/site.ts'
import type { Processes, Started } from './processes.ts'

/** A start counts for nothing, and takes long on a busy machine. */
const START_MS = 60_000

/** One of the proxies that are compared. */
export interface Contender {
  readonly name: PeerName
  readonly port: number
  /** Of the process whose CPU time counts, with that of its threads and children. */
  readonly pid: number
  readonly started: Started
}

/** Writes the proxy's configuration, starts it and waits until it takes connections. */
export async function startProxy(
  name: PeerName,
  site: Site,
  { processes, wrap }: { readonly processes: Processes; readonly wrap: Wrap }
): Promise<Contender> {
  const file = join(site.material.directory, `${name}.${site.port}.conf`)
  const { text, command, args } = programOf(name, file, site, wrap)
  writeFileSync(file, text)
  // nginx writes into the file by itself, the others onto their standard output.
  const outputFile = name === 'nginx' ? undefined : site.accessLog
  const started = await processes.start({ command, args, ...(outputFile !== undefined && { outputFile }) })
  await Promise.race([untilListening(site.port), started.died])
  return { name, port: site.port, pid: started.pid, started }
}

/** Resolves once somebody takes connections there; rejects after a minute. */
export async function untilListening(port: number): Promise<void> {
  const giveUpAt = performance.now() + START_MS
  while (!(await accepts(port))) {
    if (performance.now() > giveUpAt) throw new Error(`nothing listens on port ${port} after ${START_MS} ms`)
    await wait(50)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
