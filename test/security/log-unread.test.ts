import { once } from 'node:events'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { chatter } from '../support/chatty-agent.ts'
import type { LogLine } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const told = { msg: 'log lines were lost: they could not be written in time' }

async function start(t: Test, workers: number): Promise<BalancerProcess> {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  return spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'm1', url: master.url }],
    listen: { workers }
  })
}

/** More than the queues of all threads hold, over as many connections as it takes for each thread to have some. */
async function overfill(t: Test, balancer: BalancerProcess): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 8 }, () => chatter(t, pki, balancer.port, 1_200)))
  return answers.reduce((sum, each) => sum + each, 0)
}

const lostIn = (lines: readonly LogLine[]) => lines.reduce((sum, line) => sum + Number(line.lines), 0)

for (const workers of [0, 2]) {
  t.test(
    `with ${workers} workers, a log that nobody reads stops nothing, and tells what it lost`,
    async t => {
      const balancer = await start(t, workers)
      const { stdout } = balancer.process
      stdout?.pause()
      const answers = await overfill(t, balancer)
      t.equal(answers, 9_600)
      const { value } = await scrape(balancer.adminPort)
      const lost = value('puppet_lb_log_lines_lost_total') ?? 0
      t.ok(lost > 0, 'what the queue does not hold is lost')

      stdout?.resume()
      await balancer.line(told)
      balancer.process.kill('SIGTERM')
      t.equal(await balancer.exit, 0)
      const notices = balancer.lines.filter(line => line.msg === told.msg)
      const requests = balancer.lines.filter(line => line.msg === 'request')
      t.equal(lostIn(notices) + requests.length, answers, 'every line is there or counted, and none is torn')
      t.match(String(notices[0]?.since), /^\d{4}-\d\d-\d\dT/)
    }
  )
}

t.test('a reader that never comes back does not hold up the end', async t => {
  const balancer = await start(t, 2)
  balancer.process.stdout?.pause()
  await overfill(t, balancer)
  balancer.process.kill('SIGTERM')
  t.same(await once(balancer.process, 'exit'), [0, null])
})
