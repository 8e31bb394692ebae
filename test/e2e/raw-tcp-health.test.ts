import t from 'tap'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { startTcpScene, type TcpAgent } from '../support/tcp-scene.ts'

const health = { intervalMs: 100, timeoutMs: 5_000 }

t.test(
  'a master that takes connections and fails its probes gets no new ones, and keeps those it has',
  async t => {
    const { enter, raw, app, line } = await startTcpScene(t, { overrides: { health } })
    const operator = operatorOf(app)
    const until = async (state: string, name: string) => {
      while ((await operator.master(name))?.state !== state);
    }
    /** What a new connection hears first: nothing, when it is ended. */
    const hears = async () => {
      const agent = await enter()
      return Promise.race([agent.end, agent.until('hello')])
    }
    const counts = () => raw.map(({ connections }) => connections.length)
    const held: TcpAgent[] = []
    while (counts()[0] === 0) {
      const agent = await enter()
      await agent.until('hello')
      held.push(agent)
    }

    raw[0]?.setHealth(false)
    await until('down', 'raw1')
    const [before = 0, other = 0] = counts()
    for (let count = 0; count < 4; count++) await hears()
    t.same(counts(), [before, other + 4])
    for (const agent of held) {
      agent.socket.write(' again')
      await agent.until('hello again')
    }

    raw[1]?.setHealth(false)
    await until('down', 'raw2')
    const last = counts()
    t.equal(await hears(), '', 'while none is up a connection ends')
    await line({ msg: 'connection', end: 'no-master' })
    t.same(counts(), last, 'and none that is down is tried')
    const metrics = await scrape(app.adminPort)
    const ended = metrics.value('puppet_lb_tcp_connections_total', {
      port: '0',
      master: '',
      end: 'no-master'
    })
    t.equal(Number(ended), 1)
    t.ok(metrics.sum('puppet_lb_probe_failures_total', { master: 'raw1', cause: 'status-5xx' }) > 0)

    raw[0]?.setHealth(true)
    await until('up', 'raw1')
    t.equal(await hears(), 'hello')
    t.same(counts(), [before + 1, last[1]])
  }
)
