import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import type { Runtime } from '../../src/model/runtime.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { UpstreamSettings } from '../../src/model/settings.ts'
import { HANDSHAKE_TIMEOUT } from '../../src/upstream/cause.ts'
import { createConnector } from '../../src/upstream/connector.ts'
import { createRoute } from '../../src/upstream/route.ts'
import { createTestPki } from '../support/balancer.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const certificate = await pki.authority.issue({ certname: 'master', altNames: ['master.example.com'] })
const settings: UpstreamSettings = {
  tls: { ca: pki.authority.bundle, client: undefined, serverName: undefined, verify: true },
  connectTimeoutMs: 5_000,
  headerLimitBytes: 8_192,
  responseTimeoutMs: 5_000
}

/** Connects to a master of a name, at some addresses; tells the address or the error. */
function connecting(
  t: Test,
  addresses: readonly string[],
  runtime: Pick<Runtime, 'schedule' | 'wallClock'> = systemRuntime
) {
  const connect = createConnector(
    settings,
    createRoute(() => addresses),
    runtime
  )
  return (port: number, hostname = 'master.example.com', protocol = 'https:') =>
    new Promise<string>((resolve, reject) => {
      connect({ hostname, host: hostname, protocol, port: String(port) }, (error, socket) => {
        if (socket) t.teardown(() => socket.destroy())
        if (error) reject(error)
        else resolve(socket?.remoteAddress ?? '')
      })
    })
}

const startMaster = (t: Test, host: string, port = 0) =>
  startScriptedMaster(t, (_request, response) => response.end(), { tls: certificate, host, port })

t.test('a master with an address that leads nowhere comes up, and is found at once from then on', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  await startMaster(t, '127.0.0.2', port)
  const runtime = fakeRuntime()
  const connect = connecting(t, ['127.0.0.3', '127.0.0.2'], runtime)
  const first = connect(port)
  await runtime.advance(250)
  t.equal(await first, '127.0.0.2')
  t.equal(await connect(port), '127.0.0.2', 'no timer has to run for that')
})

t.test('TLS is verified against the name, whatever the address', async t => {
  const { port } = await startMaster(t, '127.0.0.2')
  const connect = connecting(t, ['127.0.0.2'])
  t.equal(await connect(port), '127.0.0.2')
  await t.rejects(connect(port, 'other.example.com'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
})

t.test('an address where somebody else answers is tried last the next time', async t => {
  const sockets = new Set<Socket>()
  const impostor = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    socket.end('SSH-2.0-OpenSSH_9.2\r\n')
  })
  impostor.listen(0, '127.0.0.3')
  await once(impostor, 'listening')
  t.teardown(() => impostor.close())
  const { port } = impostor.address() as AddressInfo
  await startMaster(t, '127.0.0.2', port)
  const connect = connecting(t, ['127.0.0.3', '127.0.0.2'])
  await t.rejects(connect(port))
  t.equal(await connect(port), '127.0.0.2')
})

t.test('all addresses together have the one time there is', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  const runtime = fakeRuntime()
  const late = connecting(t, ['127.0.0.3', '127.0.0.3'], runtime)(port)
  const told = t.rejects(late, { code: 'UND_ERR_CONNECT_TIMEOUT' })
  await runtime.advance(settings.connectTimeoutMs)
  await told
})

t.test('a handshake that never ends is part of it', async t => {
  const sockets = new Set<Socket>()
  const mute = createServer(socket => void sockets.add(socket.on('error', () => {})))
  mute.listen(0, '127.0.0.3')
  await once(mute, 'listening')
  t.teardown(() => {
    mute.close()
    for (const socket of sockets) socket.destroy()
  })
  const runtime = fakeRuntime()
  const late = connecting(t, ['127.0.0.3'], runtime)((mute.address() as AddressInfo).port)
  const told = t.rejects(late, { code: HANDSHAKE_TIMEOUT })
  const [socket] = await once(mute, 'connection')
  await once(socket as Socket, 'data')
  await runtime.advance(settings.connectTimeoutMs)
  await told
})

t.test('without TLS it is the same', async t => {
  const plain = await startScriptedMaster(t, (_request, response) => response.end(), { host: '127.0.0.2' })
  const connect = connecting(t, ['127.0.0.3', '127.0.0.2'])
  t.equal(await connect(plain.port, 'master.example.com', 'http:'), '127.0.0.2')
})

t.test('a master without an address is nowhere, which is not a fault of ours', async t => {
  await t.rejects(connecting(t, [])(8140), {
    code: 'ENOTFOUND',
    message: 'no address of master.example.com is known'
  })
})
