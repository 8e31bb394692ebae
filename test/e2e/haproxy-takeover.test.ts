import type { ServerResponse } from 'node:http'
import t from 'tap'
import { connectRaw, type RawConnection } from '../security/support/raw-connection.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { startHaproxy, unlessHaproxy } from '../support/haproxy.ts'
import { untilAlone } from '../support/listening-ports.ts'
import { underEitherSetting } from '../support/own-network.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver, takeOver } from '../support/takeover.ts'

type Test = Parameters<typeof startHaproxy>[0] & Pick<typeof t, 'equal' | 'same' | 'match' | 'ok'>

const pki = await createTestPki()
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const node = get('/puppet/v3/node/x')
/** The address that HAProxy connects from, whose headers are believed. */
const FRONT = '127.0.0.5'
const listen = { proxyProtocol: { from: [FRONT] } }

/** Where connects do not migrate, one that waits at the listener that closes is lost, whoever stands in front. */
const settings = [1] as const
const name = 'of a takeover HAProxy in front, its checks and its agents notice nothing'

async function takesOver(t: Test): Promise<void> {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (request, response) => {
    if (request.url?.includes('catalog')) held.push(response)
    else response.end('{}')
  })
  const config = testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] }, { listen })
  const old = await startHandingOver(t, config)
  const front = await startHaproxy(t, [
    'mode tcp',
    `source ${FRONT}`,
    `server lb 127.0.0.1:${old.port} send-proxy-v2 check check-send-proxy inter 100ms rise 1 fall 1`
  ])
  const identity = await pki.authority.issue({ certname: 'agent.example.com' })
  const enter = (): Promise<RawConnection> =>
    connectRaw(t, pki, front.port, identity, { localAddress: '127.0.0.33' } as object)
  const compiling = (await enter()).ask(get('/puppet/v3/catalog/x'))
  await master.until(() => held.length === 1)

  let isOver = false
  const statuses: number[] = []
  const others = (async () => {
    while (!isOver) {
      const agent = await enter()
      statuses.push((await agent.ask(node)).status)
      agent.socket.destroy()
    }
  })()
  const admin = { ...config.boot.admin, port: old.adminPort }
  const next = await takeOver(t, { ...config, boot: { ...config.boot, admin } })
  await untilAlone(next.port)
  const after = await enter()
  t.equal((await after.ask(node)).status, 200)
  t.match(await next.line({ msg: 'request' }), { remote: '127.0.0.33' })
  isOver = true
  await others
  t.ok(statuses.length > 0)
  t.same([...new Set(statuses)], [200])
  held[0]?.end('{}')
  t.equal((await compiling).status, 200)
  t.equal(await old.ended, 0)
}

underEitherSetting(
  t,
  import.meta.filename,
  () => void t.test(name, { skip: unlessHaproxy }, takesOver),
  settings
)
