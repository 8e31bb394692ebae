import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildOptions, Order } from './master-child.ts'

/** A simulated master in a process of its own. */
export interface MasterProcess {
  readonly name: string
  readonly url: string
  /** SIGSTOP: the system still takes connections for it, and nobody answers. */
  readonly freeze: () => void
  /** SIGCONT. */
  readonly thaw: () => void
  /** Catalogs freeze in their JRuby from now on. */
  readonly hold: () => Promise<void>
  readonly release: () => Promise<void>
  /** Resolves once so many catalogs are frozen in their JRuby. */
  readonly untilHeld: (count: number) => Promise<void>
  /** Resolves once something was asked whose URL holds these words. */
  readonly untilRequested: (words: string) => Promise<void>
  /** Method and URL of everything it was asked but its health. */
  readonly requests: () => Promise<readonly string[]>
}

export async function startMasterProcess(
  t: { teardown: (task: () => unknown) => void },
  options: ChildOptions
): Promise<MasterProcess> {
  const child = fork(fileURLToPath(new URL('master-child.ts', import.meta.url)), { execArgv: [] })
  t.teardown(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  child.send(options)
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  const waiting = new Map<number, (result: unknown) => void>()
  child.on('message', ({ id, result }: { id: number; result: unknown }) => {
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let count = 0
  function tell<Result>(what: Order['what'], arg?: Order['arg']): Promise<Result> {
    const id = count++
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(id, resolve)
    child.send({ id, what, ...(arg !== undefined && { arg }) })
    return promise as Promise<Result>
  }
  return {
    name: options.name,
    url,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    hold: () => tell('hold'),
    release: () => tell('release'),
    untilHeld: held => tell('held', held),
    untilRequested: words => tell('requested', words),
    requests: async () => (await tell<string[]>('requests')).filter(each => !each.includes('/status/v1/'))
  }
}
