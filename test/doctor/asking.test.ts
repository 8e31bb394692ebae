import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import t from 'tap'
import { askMember, type Member } from '../../src/doctor/asking/member.ts'
import { ASKING_MS } from '../../src/doctor/asking/member-wires.ts'
import { proxySignature } from '../../src/upstream/proxy-header.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const { upstream } = testConfig(pki, { ca: 'https://ca', masters: [] }).settings
const credentials = { ours: undefined, puppet: undefined }

function memberAt(port: number, facts: Partial<Member> = {}): Member {
  return {
    name: 'alpha',
    url: `http://127.0.0.1:${port}`,
    addresses: ['127.0.0.1'],
    pools: ['default'],
    isRaw: false,
    isCa: false,
    wantsProxyHeader: false,
    capacity: undefined,
    ...facts
  }
}

async function listening(t: Test, server: ReturnType<typeof createTcpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a master that takes a question and says nothing is given up after ten seconds', async t => {
  const runtime = fakeRuntime()
  const asked = Promise.withResolvers<void>()
  const server = createServer(() => asked.resolve())
  const port = await listening(t, server)
  t.teardown(() => server.closeAllConnections())
  const facts = askMember(memberAt(port), { upstream, healthPath: '/status/v1/simple', credentials, runtime })
  await asked.promise
  await runtime.advance(ASKING_MS)
  t.match((await facts).trouble, { kind: 'timeout' })
})

t.test('answers that are none lead to no judgement', async t => {
  const master = await startScriptedMaster(t, (_request, response) => {
    response.statusCode = 500
    response.end('{')
  })
  const { trouble, identity, version, code } = await askMember(memberAt(master.port), {
    ...{ upstream, credentials, runtime: fakeRuntime() },
    healthPath: '/status/v1/simple'
  })
  t.same({ trouble, version, code }, { trouble: undefined, version: undefined, code: undefined })
  t.match(identity, { withOurs: 'unclear', withNone: undefined })
})

t.test(
  'a master behind raw TCP that wants a PROXY header gets one, and is asked for nothing but its faults',
  async t => {
    const heard = Promise.withResolvers<Buffer>()
    const server = createTcpServer(socket => {
      socket
        .on('error', () => {})
        .once('data', bytes => {
          heard.resolve(bytes)
          socket.destroy()
        })
    })
    const port = await listening(t, server)
    const member = memberAt(port, { wantsProxyHeader: true, isRaw: true })
    await askMember(member, { upstream, healthPath: '/', credentials, runtime: fakeRuntime() })
    t.ok((await heard.promise).subarray(0, proxySignature.length).equals(proxySignature))
  }
)
