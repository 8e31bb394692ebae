import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import t from 'tap'
import type { MasterSettings } from '../../src/model/settings.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { untilAlone } from '../support/listening-ports.ts'
import { receive } from '../support/received.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver, takeOver } from '../support/takeover.ts'
import { startTcpMaster } from '../support/tcp-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const PATIENCE_MS = 60_000

/** A configuration with a listener for raw TCP, before masters that say what they are told. */
async function startScene(t: Test, { masters = [{}], tcpPort = 0 }: Options = {}) {
  const master = await startScriptedMaster(t, (_, response) => response.end('{}'))
  const raw = await Promise.all(
    masters.map(() => startTcpMaster(t, pki.server, socket => void socket.pipe(socket)))
  )
  const config = testConfig(
    pki,
    {
      ca: master.url,
      masters: [
        { name: 'm1', url: master.url },
        ...raw.map(({ url }, index) => ({
          ...{ name: `raw${index + 1}`, url, pools: ['raw'] },
          ...masters[index]
        }))
      ]
    },
    {
      listen: { tcp: [{ port: tcpPort, pool: 'raw', proxyProtocol: undefined }] },
      // A busy machine is not to pass for a master that is away.
      health: { intervalMs: PATIENCE_MS, timeoutMs: PATIENCE_MS },
      upstream: { connectTimeoutMs: PATIENCE_MS }
    }
  )
  const admin = { ...config.boot.admin, port: 0, socket: undefined }
  return { config: { ...config, boot: { ...config.boot, admin } }, raw }
}

interface Options {
  readonly masters?: readonly Partial<MasterSettings>[]
  readonly tcpPort?: number
}

type Running = Awaited<ReturnType<typeof startHandingOver>>

/** As `config`, with the admin listener of the one that runs. */
function after<Config extends { boot: { admin: object } }>(config: Config, { adminPort }: Running): Config {
  return { ...config, boot: { ...config.boot, admin: { ...config.boot.admin, port: adminPort } } }
}

async function enter(t: Test, { tcpPorts: [port = 0] }: Running) {
  const socket = createConnection({ host: '127.0.0.1', port })
  t.teardown(() => socket.destroy())
  const received = receive(socket)
  await once(socket, 'connect')
  socket.write('hello')
  await received.until('hello')
  return { socket, ...received }
}

t.test('the new process takes raw ports over, and the old one ends the connections it has', async t => {
  const { config, raw } = await startScene(t)
  const old = await startHandingOver(t, config)
  const before = await enter(t, old)
  const next = await takeOver(t, after(config, old))
  t.same(next.tcpPorts, old.tcpPorts)
  await untilAlone(next.tcpPorts[0] ?? 0)
  before.socket.write(' again')
  await before.until('hello again')
  let hasEnded = false
  void old.ended.then(() => {
    hasEnded = true
  })
  for (let count = 2; count < 5; count++) {
    await enter(t, next)
    await raw[0]?.until(count)
  }
  t.equal(hasEnded, false, 'it stays for as long as a connection does')
  before.socket.end()
  t.equal(await old.ended, 0, 'and cuts none')
})

t.test('the fewest connections count those of both processes', async t => {
  const { config, raw } = await startScene(t, { masters: [{}, { priority: 1 }] })
  const old = await startHandingOver(t, config)
  const held = [await enter(t, old), await enter(t, old)]
  t.same(
    raw.map(({ connections }) => connections.length),
    [2, 0]
  )
  const masters = config.settings.masters.map(each => ({ ...each, priority: 0 }))
  const next = await takeOver(t, after({ ...config, settings: { ...config.settings, masters } }, old))
  await untilAlone(next.tcpPorts[0] ?? 0)
  for (let count = 0; count < 2; count++) await enter(t, next)
  t.same(
    raw.map(({ connections }) => connections.length),
    [2, 2]
  )
  t.match(
    next.status().masters.find(({ name }) => name === 'raw1'),
    { inFlight: 0 },
    'what the other one has is not its own'
  )
  for (const { socket } of held) socket.end()
  t.equal(await old.ended, 0)
})

t.test('a raw port that is new with the new process, and somebody else has, is no takeover', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const stranger = createServer().listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  t.teardown(() => stranger.close())
  const address = stranger.address()
  const tcpPort = typeof address === 'object' && address ? address.port : 0
  const { config: other } = await startScene(t, { tcpPort })
  await t.rejects(takeOver(t, after(other, old)), { code: 'EADDRINUSE' })
  await old.line({
    msg: `process ${process.pid}, which was about to take over, has ended: this one serves on`
  })
  await enter(t, old)
})
