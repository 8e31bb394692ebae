import t from 'tap'
import type { UpstreamSettings } from '../../src/model/settings.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const node = {
  path: '/puppet/v3/node/agent1',
  headers: { host: 'puppet.from.the.agent:8140', 'x-puppet-version': '8.10.0' }
}
const ca = { ...node, path: '/puppet-ca/v1/certificate/ca' }

t.test('SNI and Host are the name of the master, never the one the agent asked for', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const agent = await startAgent(t, master)
  await agent.ask(node)
  await agent.ask(ca)
  t.equal(master.seen.length, 2)
  for (const request of master.seen) {
    t.equal(request.servername, 'localhost')
    t.same(request.header('host'), [`localhost:${master.port}`])
    t.notMatch(request.rawHeaders.join('\n'), /from\.the\.agent/)
  }
})

t.test('a master named by its address is checked by its address', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const agent = await startAgent(t, { ...master, url: `https://127.0.0.1:${master.port}` })
  t.equal((await agent.ask(node)).status, 200)
  t.equal(master.seen[0]?.servername, undefined)
  t.same(master.seen[0]?.header('host'), [`127.0.0.1:${master.port}`])

  const other = await pki.authority.issue({ certname: 'localhost' })
  const unnamed = await startScriptedMaster(t, (_request, response) => response.end(), { tls: other })
  const refused = await startAgent(t, { ...unnamed, url: `https://127.0.0.1:${unnamed.port}` })
  t.equal((await refused.ask(node)).status, 503)
  t.equal(unnamed.seen.length, 0)
})

t.test('serverName is what masters must be certified for, and what SNI asks for', async t => {
  const tls = await pki.authority.issue({ certname: 'compile.example.com' })
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls })
  const agent = await startAgent(t, master, { serverName: 'compile.example.com' })
  for (const question of [node, ca, node]) t.equal((await agent.ask(question)).status, 200)
  for (const request of master.seen) {
    t.equal(request.servername, 'compile.example.com')
    t.same(request.header('host'), [`compile.example.com:${master.port}`], 'and what Host says')
  }

  const named = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const refused = await startAgent(t, named, { serverName: 'compile.example.com' })
  t.equal((await refused.ask(ca)).status, 503, 'its own name no longer counts')
  t.equal(named.seen.length, 0)
})

t.test('a master that asks for a certificate is shown the balancer’s own, never an agent’s', async t => {
  const client = await pki.authority.issue({ certname: 'lb.example.com' })
  const master = await startScriptedMaster(t, (_request, response) => response.end(), {
    tls: pki.server,
    clientCa: pki.authority.bundle
  })
  const agent = await startAgent(t, master, {
    client: { certFile: 'lb.pem', keyFile: 'lb.key', cert: client.chain, key: client.key }
  })
  t.equal((await agent.ask(node)).status, 200)
  t.equal((await agent.ask(ca)).status, 200)
  t.same(
    master.seen.map(request => request.peer),
    ['lb.example.com', 'lb.example.com']
  )
  t.same(master.seen[0]?.header('x-client-dn'), ['CN=agent1'], 'the agent is named in the header')
})

t.test('a master that insists on a certificate nobody configured gets no request', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end(), {
    tls: pki.server,
    clientCa: pki.authority.bundle
  })
  const agent = await startAgent(t, master)
  const answer = await agent.ask(node)
  t.equal(answer.status, 503)
  t.equal(answer.headers['x-puppet-lb-reason'], 'no-master')
  // By TLS 1.3 it looks like a master that breaks off; what counts is that it has not seen the request.
  t.not((await agent.ask(ca)).status, 200)
  t.equal(master.seen.length, 0)
})

async function startAgent(
  t: Parameters<typeof startBalancer>[0],
  { url }: Pick<ScriptedMaster, 'url'>,
  tls: Partial<UpstreamSettings['tls']> = {}
) {
  const topology = { ca: url, masters: [{ name: 'm1', url }] }
  const app = await startBalancer(
    t,
    testConfig(pki, topology, { listen: { workers: 0 }, upstream: { tls: tls as never } })
  )
  return connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
}
