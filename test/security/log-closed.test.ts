import { once } from 'node:events'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'a.example.com' })

for (const workers of [0, 2]) {
  t.test(`with ${workers} workers, it serves on when the reader of its log has gone`, async t => {
    const master = await startScriptedMaster(t, (_request, response) => response.end('fine'))
    const ca = await startScriptedMaster(t, (_request, response) => response.end())
    const balancer = await spawnBalancer(t, pki, {
      ca: ca.url,
      masters: [{ name: 'm1', url: master.url }],
      listen: { workers }
    })
    const { stdout, stderr } = balancer.process
    const gone = stdout && once(stdout, 'close')
    stdout?.destroy()
    stderr?.destroy()
    await gone
    const agent = connectAgent(t, pki, balancer.port, identity)
    const { sum } = await untilFaulty(async () => {
      const answer = await agent.ask({ path: '/puppet/v3/node/a.example.com' })
      t.equal(answer.body, 'fine')
      return scrape(balancer.adminPort)
    })
    t.equal(sum('puppet_lb_log_faults_total', { fault: 'write' }), 1, 'it is told of once')
    balancer.process.kill('SIGHUP')
    balancer.process.kill('SIGTERM')
    t.same(await once(balancer.process, 'exit'), [0, null])
  })
}

type Scraped = Awaited<ReturnType<typeof scrape>>

/** Lines are written a while after they are logged: serves on until one was tried. */
async function untilFaulty(serve: () => Promise<Scraped>): Promise<Scraped> {
  for (;;) {
    const metrics = await serve()
    if (metrics.sum('puppet_lb_log_faults_total') > 0) return metrics
  }
}
