import { once } from 'node:events'
import { createConnection } from 'node:net'
import t from 'tap'
import { connectRaw } from '../security/support/raw-connection.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startHaproxy, unlessHaproxy } from '../support/haproxy.ts'
import { captureLog } from '../support/log-lines.ts'
import { receive } from '../support/received.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startTcpScene } from '../support/tcp-scene.ts'

type Test = Parameters<typeof startHaproxy>[0]

const pki = await createTestPki()
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const node = get('/puppet/v3/node/x')
/** The address that HAProxy connects from, whose headers are believed. */
const FRONT = '127.0.0.5'
const listen = { proxyProtocol: { from: [FRONT] } }

/** HAProxy before a port, which tells it whose connection each is. */
const startFront = (t: Test, port: number, option: string) =>
  startHaproxy(t, [
    'mode tcp',
    `source ${FRONT}`,
    `server lb 127.0.0.1:${port} ${option} check check-send-proxy inter 100ms rise 1 fall 1`
  ])

t.test('HAProxy in front', { skip: unlessHaproxy }, async t => {
  for (const option of ['send-proxy', 'send-proxy-v2'])
    t.test(`of raw TCP: masters are told whom it names by ${option}`, async t => {
      const scene = await startTcpScene(t, { masters: [{}], proxyProtocol: 'v2', overrides: { listen } })
      const front = await startFront(t, scene.app.tcpPorts[0] ?? 0, option)
      for (const localAddress of ['127.0.0.33', '127.0.0.34']) {
        const agent = createConnection({ host: '127.0.0.1', port: front.port, localAddress })
        t.teardown(() => agent.destroy())
        const received = receive(agent)
        agent.write('hello')
        await received.until('hello')
        agent.end()
        t.equal(await received.end, 'hello')
      }
      t.match(
        scene.raw[0]?.connections.map(({ ends }) => ends?.source.address),
        ['127.0.0.33', '127.0.0.34']
      )
      const told = await scene.atLeast(2, { msg: 'connection', end: 'complete' })
      t.match(told, [
        { remote: '127.0.0.33', bytesIn: 5 },
        { remote: '127.0.0.34', bytesIn: 5 }
      ])
      t.equal(scene.lines.filter(({ msg }) => msg === 'connection').length, 2, 'its checks are none')
    })

  t.test('of routes: who it names goes where the certificate leads', async t => {
    const masters = await Promise.all(
      ['m', 'b'].map(name => startScriptedMaster(t, (_request, response) => response.end(`from ${name}`)))
    )
    const [m, b] = masters.map(({ url }) => url)
    const { log, ...logged } = captureLog()
    const app = await startBalancer(
      t,
      testConfig(
        pki,
        {
          ca: m ?? '',
          masters: [
            { name: 'm', url: m ?? '' },
            { name: 'b', url: b ?? '', pools: ['site-b'] }
          ],
          routes: [
            {
              extensions: [{ name: 'pp_datacenter', oid: '1.3.6.1.4.1.34380.1.1.19', values: ['b'] }],
              pool: 'site-b'
            }
          ]
        },
        { listen }
      ),
      { log }
    )
    const front = await startFront(t, app.port, 'send-proxy-v2')
    for (const [certname, value, localAddress, pool, master] of [
      ['in-b', 'b', '127.0.0.33', 'site-b', 'b'],
      ['in-c', 'c', '127.0.0.34', 'default', 'm']
    ] as const) {
      const identity = await pki.authority.issue({ certname, extensions: { pp_datacenter: value } })
      const agent = await connectRaw(t, pki, front.port, identity, { localAddress } as object)
      t.equal((await agent.ask(node)).body, `from ${master}`)
      t.match(await logged.line({ msg: 'request', certname }), { remote: localAddress, pool, master })
    }
  })
})

t.test('HAProxy before a master', { skip: unlessHaproxy }, async t => {
  t.test('it reads what it is told of agents, and of health checks that they are none', async t => {
    const { enter, raw, app } = await startTcpScene(t, {
      masters: [{}],
      proxyProtocol: 'v2',
      async through(port) {
        const settings = ['mode tcp', `server master 127.0.0.1:${port} send-proxy`]
        return (await startHaproxy(t, settings, 'accept-proxy')).port
      }
    })
    const agent = await enter('hello', '127.0.0.7')
    await agent.until('hello')
    t.match(raw[0]?.connections, [
      {
        ends: {
          source: { address: '127.0.0.7', port: agent.socket.localPort },
          destination: { address: '127.0.0.1', port: app.tcpPorts[0] }
        }
      }
    ])
    t.ok((raw[0]?.checks.length ?? 0) > 0, 'health checks pass')
    const closed = once(agent.socket, 'close')
    agent.socket.end()
    await closed
  })
})
