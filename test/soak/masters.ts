import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A simulated master in a process of its own, so that it can be frozen. */
export interface SoakMaster {
  readonly name: string
  readonly url: string
  /** Ends its listener and all its connections at once; `restart` brings it back on its port. */
  readonly kill: () => void
  readonly restart: () => void
  /** Stops its process in the middle of whatever it does; `thaw` lets it go on. */
  readonly freeze: () => void
  readonly thaw: () => void
  readonly stop: () => Promise<void>
}

/** What its process is told. */
export type MasterOrder = 'kill' | 'restart'

export async function startMaster(name: string): Promise<SoakMaster> {
  const child = fork(new URL('./master-process.ts', import.meta.url), [name])
  const [url] = (await once(child, 'message')) as [string]
  const order = (what: MasterOrder) => child.send(what)
  return {
    name,
    url,
    kill: () => order('kill'),
    restart: () => order('restart'),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    stop: () => end(child)
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
