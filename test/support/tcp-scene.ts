import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { App } from '../../src/app.ts'
import type { Config, MasterSettings, TcpSettings } from '../../src/model/settings.ts'
import { createTestPki, startBalancer, testConfig } from './balancer.ts'
import { captureLog, type LogLines } from './log-lines.ts'
import { type Received, receive } from './received.ts'
import { type ScriptedMaster, startScriptedMaster } from './scripted-master.ts'
import { startTcpMaster, type TcpMaster } from './tcp-master.ts'

export const pki = await createTestPki()

/** A connection on which a test says every byte. */
export interface TcpAgent extends Received {
  readonly socket: Socket
}

export interface TcpScene extends LogLines {
  readonly app: App
  readonly config: Config
  /** Serves HTTP, in the default pool, and is the CA as well. */
  readonly master: ScriptedMaster
  /** `raw1`, `raw2` … in the pool `raw`. */
  readonly raw: readonly TcpMaster[]
  readonly reload: (change: (config: Config) => Config) => ReturnType<App['reload']>
  /** Connects to the listener and says something. */
  readonly enter: (text?: string, localAddress?: string) => Promise<TcpAgent>
}

type Overrides = NonNullable<Parameters<typeof testConfig>[2]>

/** A balancer with one listener for raw TCP, in front of masters that say what they are told, and to whom. */
export async function startTcpScene(
  t: { teardown: (task: () => unknown) => void },
  {
    masters = [{}, {}],
    script = socket => void socket.pipe(socket),
    proxyProtocol,
    overrides = {},
    workers = 0,
    through = async port => port
  }: {
    readonly masters?: readonly Partial<MasterSettings>[]
    readonly script?: (socket: Socket) => void
    readonly proxyProtocol?: TcpSettings['proxyProtocol']
    readonly overrides?: Overrides
    readonly workers?: number
    /** What stands before a master: from its port to the one that the balancer knows. */
    readonly through?: (port: number) => Promise<number>
  } = {}
): Promise<TcpScene> {
  const log = captureLog()
  const master = await startScriptedMaster(t, (_, response) => response.end('{}'), { tls: pki.server })
  const raw = await Promise.all(
    masters.map(() => startTcpMaster(t, pki.server, script, { told: proxyProtocol !== undefined }))
  )
  const ports = await Promise.all(raw.map(({ port }) => through(port)))
  const config = testConfig(
    pki,
    {
      ca: `https://127.0.0.1:${master.port}`,
      masters: [
        { name: 'm1', url: master.url },
        ...masters.map((each, index) => {
          return {
            name: `raw${index + 1}`,
            url: `https://localhost:${ports[index]}`,
            pools: ['raw'],
            ...each
          }
        })
      ]
    },
    {
      log: { level: 'trace' },
      ...overrides,
      listen: { workers, tcp: [{ port: 0, pool: 'raw', proxyProtocol }], ...overrides.listen }
    }
  )
  let next = config
  const app = await startBalancer(t, config, { load: () => next, ...(workers === 0 && { log: log.log }) })
  return {
    ...log,
    app,
    config,
    master,
    raw,
    reload(change) {
      next = change(next)
      return app.reload()
    },
    async enter(text = 'hello', localAddress = '127.0.0.1') {
      const [port = 0] = app.tcpPorts
      const socket = createConnection({
        host: '127.0.0.1',
        port,
        localAddress,
        noDelay: true
      })
      t.teardown(() => socket.destroy())
      const received = receive(socket)
      await once(socket, 'connect')
      socket.write(text)
      return { socket, ...received }
    }
  }
}
