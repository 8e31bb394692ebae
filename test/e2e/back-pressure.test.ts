import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { generateBody, hashingSink } from '../support/generated-body.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const MIB = 1024 ** 2
const BODY_BYTES = 96 * MIB
/** What the sockets of both connections may hold between them, with room to spare. */
const IN_BETWEEN_BYTES = 32 * MIB

const pki = await createTestPki()
const [loader, reader] = await Promise.all(
  ['loader.example.com', 'reader.example.com'].map(certname => pki.authority.issue({ certname }))
)
const path = '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661'

/** So much goes on meanwhile that all of the body would have passed, were nothing to hold it back. */
async function letPass(agent: TestAgent): Promise<void> {
  for (let count = 0; count < 400; count++) await agent.ask({ path: '/puppet/v3/node/a.example.com' })
}

t.test('a master that does not read makes the agent wait', async t => {
  const arrived = Promise.withResolvers<IncomingMessage>()
  const received: string[] = []
  const master = await startScriptedMaster(t, async (request, response) => {
    if (request.method === 'PUT') {
      arrived.resolve(request)
      await released.promise
      const sink = hashingSink()
      await pipeline(request, sink.stream)
      received.push(sink.hash())
    }
    response.end()
  })
  const released = Promise.withResolvers<void>()
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const body = generateBody(BODY_BYTES)
  const request = connectAgent(t, pki, app.port, loader).open({
    method: 'PUT',
    path,
    headers: { 'content-length': BODY_BYTES },
    body: body.stream
  })
  const answered = once(request, 'response')
  await arrived.promise
  await letPass(connectAgent(t, pki, app.port, reader))
  const sent = request.socket?.bytesWritten ?? 0
  t.ok(sent < IN_BETWEEN_BYTES, `${Math.round(sent / MIB)} MiB were taken of the agent`)
  released.resolve()
  const [response] = (await answered) as [IncomingMessage]
  t.equal(response.resume().statusCode, 200)
  t.same(received, [body.hash()])
})

t.test('an agent that does not read makes the master wait', async t => {
  const body = generateBody(BODY_BYTES)
  let sent = () => 0
  const master = await startScriptedMaster(t, (request, response) => {
    if (request.url !== path) {
      response.end()
      return
    }
    sent = () => request.socket.bytesWritten
    response.writeHead(200, { 'content-length': BODY_BYTES })
    body.stream.pipe(response)
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const [response] = (await once(connectAgent(t, pki, app.port, loader).open({ path }), 'response')) as [
    IncomingMessage
  ]
  await letPass(connectAgent(t, pki, app.port, reader))
  t.ok(sent() < IN_BETWEEN_BYTES, `${Math.round(sent() / MIB)} MiB were taken of the master`)
  const sink = hashingSink()
  await pipeline(response, sink.stream)
  t.equal(sink.hash(), body.hash())
})
