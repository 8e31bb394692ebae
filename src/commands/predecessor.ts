import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import { meetPredecessor, type Predecessor } from '../control/takeover/predecessor.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Config } from '../model/settings.ts'
import { takeoverPath, takeoverProtocol } from '../model/takeover.ts'
import { type AdminAddress, addressOf } from './admin-address.ts'
import { authorization } from './admin-client.ts'

const TIMEOUT_MS = 10_000
/** Nobody listens there. */
const nobody: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT'])

/** This process cannot take over since its configuration does not fit the one that runs. The message says what to do. */
export class TakeoverMisfitError extends Error {
  override readonly name = 'TakeoverMisfitError'
}

/**
 * Asks the balancer that runs, whose admin listener is where `config` has its own, to hand over. `undefined`: none runs.
 * Rejects with one sentence when it refuses, does not know how, or cannot be asked.
 */
export async function findPredecessor(
  { boot }: Config,
  { version, runtime }: { readonly version: string; readonly runtime: Runtime }
): Promise<Predecessor | undefined> {
  const address = addressOf(boot.admin)
  const stream = await ask(address, version)
  return stream && meetPredecessor(stream, runtime)
}

/** The configuration with the ports that the one that runs has where it leaves them to the system. Throws a TakeoverMisfitError. */
export function onPortsOf({ state }: Predecessor, config: Config): Config {
  const { listen, admin } = config.boot
  const { host, port } = state.listen
  if (listen.host !== host || (listen.port !== 0 && listen.port !== port))
    throw new TakeoverMisfitError(
      `process ${state.pid} serves on ${host} port ${port}, and listen says ${listen.host} port ${listen.port}: ` +
        'a takeover keeps both. To serve there too, start without --takeover'
    )
  const tcpPort = (own: number, index: number) => (own === 0 ? (state.listen.tcpPorts[index] ?? 0) : own)
  return {
    ...config,
    boot: {
      listen: { ...listen, port, tcpPorts: listen.tcpPorts?.map(tcpPort) },
      admin: { ...admin, port: admin.port === 0 ? state.adminPort : admin.port }
    },
    settings: {
      ...config.settings,
      listen: {
        ...config.settings.listen,
        tcp: config.settings.listen.tcp.map((each, index) => ({ ...each, port: tcpPort(each.port, index) }))
      }
    }
  }
}

async function ask(address: AdminAddress, version: string): Promise<Duplex | undefined> {
  const asked = request({ ...targetOf(address), method: 'POST', path: takeoverPath, timeout: TIMEOUT_MS })
  asked.setHeader('x-puppet-lb', '1')
  asked.setHeader('puppet-lb-pid', process.pid)
  asked.setHeader('puppet-lb-version', version)
  if (address.token !== undefined) asked.setHeader('authorization', authorization(address.token))
  asked.setHeader('connection', 'Upgrade')
  asked.setHeader('upgrade', takeoverProtocol)
  asked.once('timeout', () =>
    asked.destroy(Object.assign(new Error(), { code: `no answer within ${TIMEOUT_MS / 1000} s` }))
  )
  asked.end()
  try {
    const answer = await answerTo(asked)
    if ('stream' in answer) return answer.stream
    throw new Error(await sentenceOf(answer.response, address))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (nobody.has(code)) return undefined
    throw new Error(`the admin listener ${address.name} cannot be reached: ${code || message}`, {
      cause: error
    })
  }
}

function targetOf({ origin, socketPath }: AdminAddress) {
  if (socketPath !== undefined) return { socketPath }
  const { hostname, port } = new URL(origin)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port }
}

async function answerTo(
  asked: ClientRequest
): Promise<{ readonly stream: Duplex } | { readonly response: IncomingMessage }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof answerTo>>>()
  asked.once('error', reject)
  asked.once('response', response => resolve({ response }))
  asked.once('upgrade', (_response, stream: Duplex, head: Buffer) => {
    if (head.length > 0) stream.unshift(head)
    resolve({ stream })
  })
  return promise
}

/** Why it does not hand over. One that does not know the path is of an older version. */
async function sentenceOf(response: IncomingMessage, { name }: AdminAddress): Promise<string> {
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk.slice(0, 1_000)
  })
  await once(response, 'end')
  const { statusCode: status = 0 } = response
  if (status === 404 || status === 405)
    return `the balancer at ${name} is of a version that cannot hand over: stop it, and start this one without --takeover`
  const [line = ''] = text.trim().split('\n')
  const sentence = line.replace(/[\p{Cc}\p{Cf}]/gu, '').slice(0, 300)
  return `the balancer at ${name} does not hand over: ${sentence || `it answered ${status}`}`
}
