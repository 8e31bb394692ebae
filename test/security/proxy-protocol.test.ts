import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { connectBehind, connectFrom } from '../support/behind-proxy.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { binaryHeader } from '../support/proxy-headers.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startTcpScene } from '../support/tcp-scene.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const node = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n'
const naming = (address: string) => `PROXY TCP4 ${address} 198.51.100.1 40000 8140\r\n`

async function setUp(t: Parameters<typeof startScene>[0], limits = {}) {
  const log = captureLog()
  const scene = await startScene(t, {
    pki,
    overrides: { listen: { proxyProtocol: { from: ['127.0.0.5'] }, limits } },
    options: { log: log.log }
  })
  return { ...scene, ...log, port: scene.app.port }
}

t.test('nobody outside of the networks names an address: a header from there is no TLS', async t => {
  const { port, reached, atLeast, app } = await setUp(t)
  for (const header of [naming('192.0.2.7'), binaryHeader()])
    await t.rejects(connectBehind(t, pki, port, { header, from: '127.0.0.6', identity }))
  t.same(reached(), [])
  t.equal((await scrape(app.adminPort)).value('puppet_lb_tls_handshakes_total', { result: 'failure' }), 2)
  const plain = await connectRaw(t, pki, port, identity, { localAddress: '127.0.0.6' } as object)
  t.equal((await plain.ask(node)).status, 200)
  t.match(await atLeast(1, { msg: 'request' }), [{ remote: '127.0.0.6' }])
})

t.test('it leaves one hint in the log, however often it comes', async t => {
  const { port, lines, line } = await setUp(t)
  const header = { header: naming('192.0.2.7'), from: '127.0.0.6', identity }
  for (let count = 0; count < 3; count++) await t.rejects(connectBehind(t, pki, port, header))
  t.match(await line({ level: 'warn', remote: '127.0.0.6' }), {
    msg: /no TLS: if that is a PROXY header, whoever sends it belongs into listen\.proxyProtocol\.from/
  })
  t.equal(lines.filter(({ level, remote }) => level === 'warn' && remote === '127.0.0.6').length, 1)
})

t.test('a master of raw TCP never sees a header that nobody may send', async t => {
  const { enter, raw, line } = await startTcpScene(t)
  for (const header of [naming('192.0.2.7'), binaryHeader().toString('latin1')])
    t.equal(await (await enter(`${header}hello`)).end, '')
  t.match(await line({ level: 'warn', remote: '127.0.0.1' }), { msg: /PROXY header/ })
  await (await enter('hello')).until('hello')
  t.equal(raw.flatMap(({ connections }) => connections).length, 1)
})

t.test('a second header within TLS is no request, and names nobody', async t => {
  const { port, line } = await setUp(t)
  const agent = await connectBehind(t, pki, port, { header: naming('192.0.2.7'), identity })
  t.equal((await agent.ask(naming('203.0.113.9'))).status, 400)
  t.match(await line({ msg: 'request', status: 400 }), { remote: '192.0.2.7' })
})

t.test('the limit of an address is that of the agent, and no limit of the balancer in front', async t => {
  const { port, app } = await setUp(t, { perAddress: 2 })
  const enter = (address: string) => connectBehind(t, pki, port, { header: naming(address), identity })
  const first = [await enter('192.0.2.7'), await enter('192.0.2.7')]
  for (const each of first) t.equal((await each.ask(node)).status, 200)
  await t.rejects(enter('192.0.2.7'))
  for (const address of ['192.0.2.8', '192.0.2.9'])
    t.equal((await (await enter(address)).ask(node)).status, 200)
  const { value } = await scrape(app.adminPort)
  t.equal(value('puppet_lb_limit_refusals_total', { limit: 'perAddress' }), 1)
})

t.test('those who owe a header are among the first to go when there is no room', async t => {
  const { port, app } = await setUp(t, { connections: 3 })
  const silent = [await connectFrom(t, port, '127.0.0.5'), await connectFrom(t, port, '127.0.0.5')]
  const agents = []
  for (const address of ['192.0.2.7', '192.0.2.8', '192.0.2.9']) {
    const agent = await connectBehind(t, pki, port, { header: naming(address), identity })
    t.equal((await agent.ask(node)).status, 200)
    agents.push(agent)
  }
  for (const each of silent) t.ok(each.destroyed || each.readableEnded || (await closed(each)))
  const { sum } = await scrape(app.adminPort)
  t.equal(sum('puppet_lb_connections'), 3)
})

t.test('a header that does not come in time ends its connection', async t => {
  const runtime = fakeRuntime()
  const { log, line } = captureLog()
  const { app } = await startScene(t, {
    pki,
    overrides: { listen: { proxyProtocol: { from: ['127.0.0.5'] } }, health: { intervalMs: 3_600_000 } },
    options: { runtime, log }
  })
  const tcp = await connectFrom(t, app.port, '127.0.0.5')
  const late = closed(tcp)
  tcp.write('PROXY TCP4 192.0.')
  // It is read behind this answer, which another connection gets.
  const other = await connectRaw(t, pki, app.port, identity)
  await other.ask(node)
  await runtime.advance(19_000)
  t.notOk(tcp.destroyed)
  await runtime.advance(2_000)
  await late
  t.match(await line({ level: 'warn', balancer: '127.0.0.5' }), { cause: 'it did not come in time' })
})

function closed(socket: Awaited<ReturnType<typeof connectFrom>>): Promise<boolean> {
  return new Promise(resolve => {
    socket.resume().once('close', () => resolve(true))
  })
}
