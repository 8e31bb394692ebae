import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const other = await pki.authority.issue({ certname: 'other.example.com' })
const node = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n'

async function startScene(t: { teardown: (task: () => unknown) => void }) {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (_request, response) => held.push(response), { jrubies: 1 })
  const { log, ...logged } = captureLog()
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { log: { level: 'info' } }
  )
  const app = await startBalancer(t, config, { log })
  return { app, master, held, logged, connect: (who = identity) => connectRawAgent(t, pki, app.port, who) }
}

t.test('an agent that has ended its side is given the answer to a request that runs', async t => {
  const { master, held, connect } = await startScene(t)
  const agent = await connect()
  agent.send(node)
  await master.until(({ seen }) => seen.length === 1)
  agent.socket.end()
  await once(agent.socket, 'finish')
  held[0]?.end('the answer')
  t.match(await agent.end, /^HTTP\/1\.1 200 .*the answer/s, 'and the connection ends with it')
})

t.test('a request that waits leaves the queue when its agent ends its side', async t => {
  const { master, held, logged, connect } = await startScene(t)
  const running = await connect()
  running.send(node)
  await master.until(({ seen }) => seen.length === 1)
  const waiting = await connect(other)
  waiting.send(node)
  waiting.socket.end()
  t.match(await logged.line({ msg: 'request', end: 'agent-gone' }), { status: 499, attempts: 0 })
  held[0]?.end('the answer')
  await running.until('the answer')
  running.send(node)
  await master.until(({ seen }) => seen.length === 2)
  t.equal(await waiting.end, '')
})

t.test('an idle connection ends when its agent ends its side', async t => {
  const { connect } = await startScene(t)
  const agent = await connect()
  agent.socket.end()
  t.equal(await agent.end, '')
})
