import t from 'tap'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { startTcpScene, type TcpAgent } from '../support/tcp-scene.ts'

const health = { intervalMs: 100, timeoutMs: 100 }

t.test(
  'a master that takes connections and fails its probes gets no new ones, and keeps those it has',
  async t => {
    const { enter, raw, app, line } = await startTcpScene(t, { overrides: { health } })
    const operator = operatorOf(app)
    const until = async (state: string, ...names: string[]) => {
      for (const name of names) while ((await operator.master(name))?.state !== state);
      // What is asked for later is in force later.
      await operator.run('weight', 'raw1', '10')
    }
    const counts = () => raw.map(({ connections }) => connections.length)
    const held: TcpAgent[] = []
    while (counts()[0] === 0) {
      const agent = await enter()
      await agent.until('hello')
      held.push(agent)
    }
    const [before = 0, other = 0] = counts()

    raw[0]?.setHealth(false)
    await until('down', 'raw1')
    for (let count = 0; count < 4; count++) await (await enter()).until('hello')
    t.same(counts(), [before, other + 4])
    for (const { socket, until: hears } of held) {
      socket.write(' again')
      await hears('hello again')
    }

    raw[1]?.setHealth(false)
    await until('down', 'raw2')
    t.equal(await (await enter()).end, '', 'while none is up a connection ends')
    await line({ msg: 'connection', end: 'no-master' })
    t.same(counts(), [before, other + 4], 'and none that is down is tried')
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.value('puppet_lb_tcp_connections_total', { port: '0', master: '', end: 'no-master' }), 1)
    t.ok(metrics.sum('puppet_lb_probe_failures_total', { master: 'raw1', cause: 'status-5xx' }) > 0)

    raw[0]?.setHealth(true)
    await until('up', 'raw1')
    await (await enter()).until('hello')
    t.same(counts(), [before + 1, other + 4])
  }
)
