import { fork } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import type { Grown } from './support/log-threads.ts'

/** The queues of three threads, what V8 has not collected yet of as many lines as it makes, and code. */
const MOST_MIB = 120

t.test('what is logged while nobody reads is not kept, however much it is', async t => {
  const child = fork(new URL('./support/log-threads.ts', import.meta.url), {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [{ grown, logged, lost }] = (await once(child, 'message')) as [Grown]
  t.ok(logged > 2 * MOST_MIB && lost > 0)
  t.ok(grown < MOST_MIB, `${Math.round(grown)} MiB more, after ${Math.round(logged)} MiB were logged`)
})
