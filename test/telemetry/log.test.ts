import { spawnSync } from 'node:child_process'
import t from 'tap'

const module = (name: string) => new URL(`../../src/${name}.ts`, import.meta.url).href

const thread = (count: number) => `
  import { parentPort, workerData } from 'node:worker_threads'
  import { createLog, flushLog } from '${module('telemetry/log')}'
  import { createLogRelay } from '${module('telemetry/log-relay')}'
  import { systemRuntime } from '${module('model/runtime')}'
  const log = createLog('info', createLogRelay(workerData, systemRuntime))
  for (let number = 0; number < ${count}; number++) log.info({ number, text: '${'x'.repeat(200)}' }, 'line')
  await flushLog(log)
  parentPort.postMessage('flushed')`

for (const count of [1, 20, 100]) {
  t.test(`none of ${count} lines is lost when their thread ends right after the log is flushed`, async t => {
    const url = `data:text/javascript,${encodeURIComponent(thread(count))}`
    const main = `
      import { MessageChannel, Worker } from 'node:worker_threads'
      import { createLogOutput } from '${module('telemetry/log-output')}'
      import { systemRuntime } from '${module('model/runtime')}'
      const output = createLogOutput(undefined, systemRuntime)
      process.on('exit', output.writeLast)
      const { port1, port2 } = new MessageChannel()
      output.take(port1)
      const worker = new Worker(new URL('${url.replaceAll("'", '%27')}'), { workerData: port2, transferList: [port2] })
      worker.once('message', () => worker.terminate())`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', main], { encoding: 'utf8' })
    const lines = stdout.split('\n').slice(0, -1)
    t.same(
      lines.map(line => (JSON.parse(line) as { number: number }).number),
      Array.from({ length: count }, (_, number) => number)
    )
  })
}
