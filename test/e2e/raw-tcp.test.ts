import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { startBalancer, testConfig } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { operatorOf } from '../support/operator.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { receive } from '../support/received.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startTcpMaster } from '../support/tcp-master.ts'
import { pki, startTcpScene, type TcpAgent } from '../support/tcp-scene.ts'

const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const node = { path: '/puppet/v3/node/agent.example.com' }

t.test('an agent talks TLS with the master itself, and HTTP to nobody of that pool', async t => {
  const options = { tls: pki.server, clientCa: pki.authority.bundle }
  const [http, raw] = [
    await startScriptedMaster(t, (_, response) => response.end('by HTTP'), { tls: pki.server }),
    // Its health checks show the certificate of the balancer.
    await startScriptedMaster(t, (_, response) => response.end('by TCP'), options)
  ]
  const client = { certFile: '', keyFile: '', cert: pki.server.chain, key: pki.server.key }
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      {
        ca: `https://127.0.0.1:${http.port}`,
        masters: [
          { name: 'm1', url: http.url },
          { name: 'raw1', url: raw.url, pools: ['raw'] }
        ]
      },
      {
        upstream: { tls: { ca: pki.authority.bundle, client, serverName: undefined, verify: true } },
        access: { administrators: ['agent.example.com'] },
        listen: { tcp: [{ port: 0, pool: 'raw', proxyProtocol: undefined }] }
      }
    )
  )
  t.equal((await connectAgent(t, pki, app.tcpPorts[0] ?? 0, identity).ask(node)).body, 'by TCP')
  const [seen] = raw.seen
  t.match(seen, { peer: 'agent.example.com', servername: 'puppet' })
  t.same(seen?.header('x-client-dn'), [])
  for (let count = 0; count < 5; count++)
    t.equal((await connectAgent(t, pki, app.port, identity).ask(node)).body, 'by HTTP')
  const flush = { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache' }
  await connectAgent(t, pki, app.port, identity).ask(flush)
  t.equal(http.seen.length, 6)
  t.equal(raw.seen.length, 1)
})

t.test('the fewest connections for its weight get the next one, over all workers', async t => {
  const { enter, raw } = await startTcpScene(t, { masters: [{ weight: 3 }, {}], workers: 2 })
  for (let count = 0; count < 8; count++) await (await enter()).until('hello')
  t.same(
    raw.map(({ connections }) => connections.length),
    [6, 2]
  )
})

t.test('a tier serves while the one before it has nobody, and a drained master gets nothing new', async t => {
  const { enter, raw, app } = await startTcpScene(t, { masters: [{}, { priority: 1 }] })
  const first = await enter()
  await first.until('hello')
  t.equal((await operatorOf(app).run('drain', 'raw1')).code, 0)
  const second = await enter()
  await second.until('hello')
  t.same(
    raw.map(({ connections }) => connections.length),
    [1, 1]
  )
  first.socket.write(' again')
  await first.until('hello again')
})

t.test(
  'a master that takes no connection is passed over, and the log and the metrics say who took it',
  async t => {
    const { enter, raw, line, app } = await startTcpScene(t, {
      overrides: { health: { intervalMs: 3_600_000 } }
    })
    await raw[0]?.kill()
    // One of two equals, by the dice.
    for (let count = 0; count < 4; count++) {
      const agent = await enter()
      await agent.until('hello')
      agent.socket.end()
      t.equal(await agent.end, 'hello')
    }
    const told = await line({ msg: 'connection', end: 'complete' })
    t.match(told, { remote: '127.0.0.1', port: 0, master: 'raw2', bytesIn: 5, bytesOut: 5 })
    const { value } = await scrape(app.adminPort)
    t.equal(value('puppet_lb_tcp_connections_total', { port: '0', master: 'raw2', end: 'complete' }), 4)
    t.equal(value('puppet_lb_tcp_bytes_total', { port: '0', direction: 'in' }), 20)
    t.equal(value('puppet_lb_tcp_bytes_total', { port: '0', direction: 'out' }), 20)
    t.equal(value('puppet_lb_tcp_connections', { port: '0', state: 'open' }), 0)
    t.equal(value('puppet_lb_in_flight', { master: 'raw2' }), 0)
  }
)

t.test(
  'when nobody is left the connection ends, and a connect without a byte troubles no master',
  async t => {
    const { enter, raw, line, app } = await startTcpScene(t, { masters: [{}] })
    const silent = await enter('')
    silent.socket.end()
    t.equal(await silent.end, '')
    t.equal(raw[0]?.connections.length, 0)
    await raw[0]?.kill()
    const agent = await enter()
    t.equal(await agent.end, '')
    await line({ msg: 'connection', end: 'no-master' })
    t.equal((await scrape(app.adminPort)).sum('puppet_lb_tcp_connections_total'), 1)
  }
)

t.test('either side may end first and still hear the other', async t => {
  const masterSide: Socket[] = []
  const { enter } = await startTcpScene(t, { masters: [{}], script: socket => void masterSide.push(socket) })
  for (const first of ['agent', 'master']) {
    const { raw, agent } = await pair()
    const [ending, other, heard] =
      first === 'agent' ? [agent.socket, raw, agent] : [raw, agent.socket, undefined]
    ending.end(' last words')
    await once(other, 'end')
    other.write('heard you')
    if (heard) await heard.until('heard you')
    else {
      raw.resume()
      await once(raw, 'data')
    }
    other.end()
    await agent.end
  }

  async function pair() {
    const agent = await enter()
    agent.socket.allowHalfOpen = true
    while (masterSide.length === 0) await new Promise(setImmediate)
    const raw = masterSide.pop() as Socket
    raw.resume()
    return { agent, raw }
  }
})

t.test('nothing said in either direction for too long ends a connection', async t => {
  const { enter, line } = await startTcpScene(t, {
    masters: [{}],
    overrides: { upstream: { responseTimeoutMs: 200 } }
  })
  const agent = await enter()
  t.equal(await agent.end, 'hello')
  await line({ msg: 'connection', end: 'idle', master: 'raw1' })
})

t.test('a side that does not read holds the other one back', async t => {
  const PIECE = Buffer.alloc(64 * 1024)
  const MOST = 32 * 1024 ** 2
  let written = 0
  const stuck = Promise.withResolvers<void>()
  const { enter } = await startTcpScene(t, {
    masters: [{}],
    script(socket) {
      socket.resume()
      const write = () => {
        for (; written < 2 * MOST; written += PIECE.length) {
          if (socket.write(PIECE)) continue
          const timer = setTimeout(stuck.resolve, 500)
          socket.once('drain', () => {
            clearTimeout(timer)
            write()
          })
          return
        }
        stuck.resolve()
      }
      write()
    }
  })
  const agent = await enter()
  agent.socket.pause()
  await stuck.promise
  t.ok(written < MOST, `${written} bytes were taken`)
})

t.test('a stop lets connections end, takes no new ones, and cuts what is left at its end', async t => {
  const { enter, app, line } = await startTcpScene(t, { overrides: { listen: { drainTimeoutMs: 60_000 } } })
  const agent = await enter()
  await agent.until('hello')
  const drained = app.drain()
  await line({ msg: 'draining: accepting no more connections' })
  await untilRefused(enter)
  await t.rejects(enter(), { code: 'ECONNREFUSED' })
  agent.socket.write(' again')
  await agent.until('hello again')
  agent.socket.end()
  t.equal(await drained, 0)

  const late = await startTcpScene(t, { overrides: { listen: { drainTimeoutMs: 100 } } })
  const left = await late.enter()
  await left.until('hello')
  t.equal(await late.app.drain(), 1)
  await left.end
})

t.test('whoever has connected before a stop and speaks after it is passed on', async t => {
  const { enter, app, line } = await startTcpScene(t, { overrides: { listen: { drainTimeoutMs: 60_000 } } })
  const agent = await enter('')
  const drained = app.drain()
  await line({ msg: 'draining: accepting no more connections' })
  await untilRefused(enter)
  agent.socket.write('hello')
  await agent.until('hello')
  agent.socket.end()
  t.equal(await drained, 0)
})

/** The listener closes once nobody comes for a moment, so whoever comes before that is let in. */
async function untilRefused(enter: (text: string) => Promise<TcpAgent>): Promise<void> {
  const comesIn = async () => {
    const { socket } = await enter('')
    socket.destroy()
    return true
  }
  while (await comesIn().catch(() => false));
}

t.test('masters are told who connects, by version 2, and probes say that they are none', async t => {
  const { enter, raw, app } = await startTcpScene(t, {
    masters: [{}],
    proxyProtocol: 'v2'
  })
  const agent = await enter('hello', '127.0.0.7')
  await agent.until('hello')
  const [first] = raw[0]?.connections ?? []
  t.match(first?.ends, {
    source: { address: '127.0.0.7', port: agent.socket.localPort },
    destination: { address: '127.0.0.1', port: app.tcpPorts[0] }
  })
  t.ok((raw[0]?.checks.length ?? 0) > 0)
  t.ok(raw[0]?.checks.every(ends => ends === undefined))
})

t.test('what a header in front names is what masters are told', async t => {
  const {
    enter,
    raw,
    line: logged
  } = await startTcpScene(t, {
    masters: [{}],
    proxyProtocol: 'v2',
    overrides: { listen: { proxyProtocol: { from: ['127.0.0.5'] } } }
  })
  const line = 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140\r\n'
  const agent = await enter(`${line}hello`, '127.0.0.5')
  await agent.until('hello')
  agent.socket.end()
  const told = await logged({ msg: 'connection' })
  t.match(told, { remote: '192.0.2.7', bytesIn: 5, bytesOut: 5 }, 'the header is none of the agent’s bytes')
  t.match(raw[0]?.connections, [
    { ends: { source: { address: '192.0.2.7', port: 40_000 }, destination: { address: '198.51.100.1' } } }
  ])
})

t.test(
  'a master that gets HTTP from now on, or a listener that a reload took out, loses its connections',
  async t => {
    const { enter, reload, line } = await startTcpScene(t, { masters: [{}, { priority: 1 }] })
    const agent = await enter()
    await agent.until('hello')
    const moved = await reload(config => {
      const masters = config.settings.masters.map(each =>
        each.name === 'raw1' ? { ...each, pools: ['default'] } : each
      )
      return { ...config, settings: { ...config.settings, masters } }
    })
    t.match(moved, { ok: true })
    t.equal(await agent.end, 'hello')
    await line({ msg: 'connection', end: 'cut', master: 'raw1' })
    const other = await enter()
    await other.until('hello')
    const taken = await reload(config => {
      const listen = { ...config.settings.listen, tcp: [] }
      return { ...config, settings: { ...config.settings, listen } }
    })
    t.match(taken, { ok: true })
    t.equal(await other.end, 'hello')
    await line({ msg: 'connection', end: 'cut', master: 'raw2' })
    t.equal(await (await enter()).end, '')
  }
)

t.test('masters of raw TCP are none for those who ask over HTTP', async t => {
  const { app, master, enter } = await startTcpScene(t, { masters: [{}] })
  const agent = connectAgent(t, pki, app.port, identity)
  t.equal((await agent.ask({ path: '/' })).body, 'running')
  await master.kill()
  // Each answer is a later look.
  while ((await agent.ask({ path: '/' })).status === 200);
  await (await enter()).until('hello')
})

t.test(
  'a worker that dies leaves its ports to the next one, and nothing is counted of what it had',
  async t => {
    const http = await startScriptedMaster(t, (_, response) => response.end('{}'))
    const raw = await startTcpMaster(t, pki.server, socket => void socket.pipe(socket))
    const balancer = await spawnBalancer(
      t,
      pki,
      {
        ca: http.url,
        masters: [
          { name: 'm1', url: http.url },
          { name: 'raw1', url: raw.url, pools: ['raw'] }
        ],
        listen: { workers: 1, tcp: [{ port: 0, pool: 'raw' }] }
      },
      { nodeOptions: ['--import', new URL('../support/crash-on-request.ts', import.meta.url).href] }
    )
    const { tcpPorts } = await balancer.line({ msg: 'serving' })
    const [port = 0] = tcpPorts as readonly number[]
    const enter = async () => {
      const socket = createConnection({ host: '127.0.0.1', port })
      t.teardown(() => socket.destroy())
      const received = receive(socket)
      socket.write('hello')
      await received.until('hello')
      return received
    }
    const [first] = [await enter(), await enter()]
    const crasher = await connectRawAgent(t, pki, balancer.port, identity)
    crasher.send('GET /crash HTTP/1.1\r\nHost: puppet\r\n\r\n')
    await first.end
    await balancer.line({ msg: 'a worker thread is replaced' })
    await enter()
    const metrics = await scrape(balancer.adminPort)
    t.equal(metrics.value('puppet_lb_in_flight', { master: 'raw1' }), 1)
  }
)
