import { spawnSync } from 'node:child_process'
import t from 'tap'

const logModule = new URL('../../src/telemetry/log.ts', import.meta.url).href

const thread = (count: number) => `
  import { parentPort } from 'node:worker_threads'
  import { createLog, flushLog } from '${logModule}'
  const log = createLog('info')
  for (let number = 0; number < ${count}; number++) log.info({ number, text: '${'x'.repeat(200)}' }, 'line')
  await flushLog(log)
  parentPort.postMessage('flushed')`

for (const count of [1, 20, 100]) {
  t.test(`none of ${count} lines is lost when their thread ends right after the log is flushed`, async t => {
    const url = `data:text/javascript,${encodeURIComponent(thread(count))}`
    const main = `
      const { Worker } = require('node:worker_threads')
      const worker = new Worker(new URL('${url.replaceAll("'", '%27')}'))
      worker.once('message', () => worker.terminate())`
    const { stdout } = spawnSync(process.execPath, ['-e', main], { encoding: 'utf8' })
    const lines = stdout.split('\n').slice(0, -1)
    t.same(
      lines.map(line => (JSON.parse(line) as { number: number }).number),
      Array.from({ length: count }, (_, number) => number)
    )
  })
}
