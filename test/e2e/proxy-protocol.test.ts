import { once } from 'node:events'
import t from 'tap'
import { connectRaw } from '../security/support/raw-connection.ts'
import { startScene } from '../security/support/scene.ts'
import { createTestPki } from '../support/balancer.ts'
import { connectBehind, connectFrom } from '../support/behind-proxy.ts'
import { startHaproxy, unlessHaproxy } from '../support/haproxy.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { binaryHeader, sixAddresses, tlv, withChecksum } from '../support/proxy-headers.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const node = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n'
const line = 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140\r\n'

/** A balancer that believes the headers of 127.0.0.5 and of 127.0.0.9. */
async function setUp(t: Parameters<typeof startScene>[0], from = ['127.0.0.5', '127.0.0.8/31']) {
  const log = captureLog()
  const scene = await startScene(t, {
    pki,
    overrides: { listen: { proxyProtocol: { from } } },
    options: { log: log.log }
  })
  const { port, adminPort } = scene.app
  return {
    ...scene,
    ...log,
    port,
    behind: (header: Buffer | string) => connectBehind(t, pki, port, { header, identity }),
    /** Address that the log has for each of the requests so far. */
    remotes: async (count: number) =>
      (await log.atLeast(count, { msg: 'request' })).map(({ remote }) => remote),
    handshakes: async (result: string) =>
      (await scrape(adminPort)).value('puppet_lb_tls_handshakes_total', { result }),
    refused: async (reason: string) =>
      (await scrape(adminPort)).value('puppet_lb_proxy_headers_refused_total', { reason })
  }
}

t.test('the agent is who the header names, in the log and for why, and its identity is its own', async t => {
  const { behind, remotes, lines, app, masters } = await setUp(t)
  const headers = [line, binaryHeader(), withChecksum({ tlvs: tlv(0x02, 'puppet') })]
  for (const header of headers) t.equal((await (await behind(header)).ask(node)).status, 200)
  t.equal(
    (await (await behind(binaryHeader({ family: 0x21, addresses: sixAddresses }))).ask(node)).status,
    200
  )
  t.same(await remotes(4), ['192.0.2.7', '192.0.2.7', '192.0.2.7', '2001:db8::7'])
  const why = await fetch(`http://127.0.0.1:${app.adminPort}/api/why/${lines.at(-1)?.id}`)
  t.match(await why.json(), { remote: '2001:db8::7', certname: 'agent.example.com' })
  t.same(
    masters[0]?.seen.map(request => request.header('x-client-dn')),
    Array(4).fill(['CN=agent.example.com'])
  )
})

t.test('a header that names nobody leaves the address of the socket', async t => {
  const { behind, remotes } = await setUp(t)
  const local = binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) })
  const unix = binaryHeader({ family: 0x31, addresses: Buffer.alloc(216, 65) })
  for (const header of ['PROXY UNKNOWN\r\n', local, unix]) await (await behind(header)).ask(node)
  t.same(await remotes(3), Array(3).fill('127.0.0.5'))
})

t.test('a header may come byte by byte, and within one packet with the ClientHello', async t => {
  const { port, remotes } = await setUp(t)
  const split = await connectFrom(t, port, '127.0.0.5')
  for (const byte of withChecksum({})) {
    split.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  await (await connectRaw(t, pki, port, identity, { socket: split })).ask(node)
  const whole = await connectFrom(t, port, '127.0.0.9')
  whole.cork()
  whole.write(line)
  const connecting = connectRaw(t, pki, port, identity, { socket: whole })
  await new Promise(setImmediate)
  whole.uncork()
  await (await connecting).ask(node)
  t.same(await remotes(2), ['192.0.2.7', '192.0.2.7'])
})

t.test('a check that says its header and goes is no handshake and no fault', async t => {
  const { behind, port, handshakes, lines } = await setUp(t)
  const local = binaryHeader({ command: 0x20, family: 0, addresses: Buffer.alloc(0) })
  for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), local, binaryHeader(), local.subarray(0, 7), '']) {
    const tcp = await connectFrom(t, port, '127.0.0.5')
    tcp.end(header)
    await once(tcp.resume(), 'close')
  }
  await (await behind(line)).ask(node)
  t.equal(await handshakes('success'), 1)
  for (const result of ['failure', 'abandoned']) t.equal(await handshakes(result), undefined, result)
  t.same(
    lines.filter(({ level }) => level === 'warn' || level === 'error'),
    []
  )
})

t.test('without a good header nothing is served, and the log says once what is missing', async t => {
  const { port, handshakes, refused, lines, reached } = await setUp(t)
  for (const [header, reason] of [
    [binaryHeader({ length: 65_535 }), 'too-long'],
    [withChecksum({}, true), 'checksum'],
    ['PROXY TCP4 192.0.2.7\r\n', 'malformed']
  ] as const) {
    await t.rejects(connectBehind(t, pki, port, { header, identity }), reason)
    t.equal(await refused(reason), 1)
  }
  for (let count = 0; count < 3; count++)
    await t.rejects(connectBehind(t, pki, port, { header: '', identity }))
  t.equal(await refused('absent'), 3)
  t.equal(await handshakes('failure'), undefined)
  t.same(reached(), [])
  const told = lines.filter(({ level }) => level === 'warn')
  t.equal(told.length, 4)
  t.match(told.at(-1), { balancer: '127.0.0.5', refused: 1, cause: /send-proxy/ })
})

t.test('a reload says who must begin with a header from now on', async t => {
  const { config, ...scene } = await startScene(t, { pki, options: { load: () => next } })
  let next = config
  const { settings } = config
  await (await connectRaw(t, pki, scene.app.port, identity)).ask(node)
  const listen = { ...settings.listen, proxyProtocol: { from: ['127.0.0.0/8'] } }
  next = { ...config, settings: { ...settings, listen } }
  t.match(await scene.app.reload(), {
    ok: true,
    changed: [{ key: 'listen.proxyProtocol.from', from: null, to: '127.0.0.0/8' }]
  })
  await t.rejects(connectRaw(t, pki, scene.app.port, identity))
  t.equal(
    (await (await connectBehind(t, pki, scene.app.port, { header: line, identity })).ask(node)).status,
    200
  )
})

for (const [version, option] of [
  ['version 1', 'send-proxy'],
  ['version 2', 'send-proxy-v2'],
  ['version 2 with a checksum', 'send-proxy-v2 proxy-v2-options crc32c,unique-id,ssl']
]) {
  t.test(
    `HAProxy in front names agents by ${version}, and its checks pass`,
    { skip: unlessHaproxy },
    async t => {
      const { port, remotes, handshakes, lines } = await setUp(t)
      const front = await startHaproxy(t, [
        'mode tcp',
        'unique-id-format %ci',
        'source 127.0.0.5',
        `server lb 127.0.0.1:${port} ${option} check check-send-proxy inter 1s rise 1 fall 1`
      ])
      for (const localAddress of ['127.0.0.33', '127.0.0.34']) {
        const agent = await connectRaw(t, pki, front.port, identity, { localAddress } as object)
        t.equal((await agent.ask(node)).status, 200)
      }
      t.same(await remotes(2), ['127.0.0.33', '127.0.0.34'])
      t.equal(await handshakes('success'), 2)
      for (const result of ['failure', 'abandoned']) t.equal(await handshakes(result), undefined, result)
      t.same(
        lines.filter(({ level }) => level === 'warn' || level === 'error'),
        []
      )
    }
  )
}
