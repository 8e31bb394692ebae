import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findPredecessor, onPortsOf } from '../../src/commands/predecessor.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { untilAlone } from '../support/listening-ports.ts'
import { captureLog } from '../support/log-lines.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver, takeOver } from '../support/takeover.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'a.example.com' })
const ask = { version: '9.9.9', runtime: systemRuntime }

async function startScene(t: Test) {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (request, response) => {
    if (request.url?.includes('catalog')) held.push(response)
    else response.end('{}')
  })
  const directory = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { admin: { socket: join(directory, 'admin.sock') } }
  )
  return { config, master, held }
}

const readiness = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status

t.test('one that was told to end hands over while it ends what it has', async t => {
  const { config, master, held } = await startScene(t)
  const old = await startHandingOver(t, config)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send('GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await master.until(() => held.length === 1)
  const ended = old.drain()
  await old.line({ msg: 'draining: accepting no more connections' })
  const next = await takeOver(t, config)
  t.same([next.port, next.adminPort], [old.port, old.adminPort])
  t.equal(await readiness(next.adminPort), 200)
  const other = await connectRawAgent(t, pki, next.port, identity)
  other.send('GET /puppet/v3/node/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await other.until('{}')
  held[0]?.end('{"catalog":1}')
  t.match(await agent.end, /200 OK\r\n.*\{"catalog":1\}/is)
  t.equal(await ended, 0)
  await next.line({ msg: `process ${process.pid}, which this one took over from, has drained` })
})

t.test(
  'one that has ended before it hears of its successor leaves that the listeners of operators',
  async t => {
    const { config } = await startScene(t)
    const old = await startHandingOver(t, config)
    const met = await findPredecessor(config, ask)
    if (!met) throw new Error('nobody to take over from')
    const predecessor = { ...met, serving: () => {} }
    const next = await startBalancer(t, onPortsOf(met, config), { log: captureLog().log, predecessor })
    t.equal(next.adminPort, old.adminPort)
    t.equal(await old.drain(), 0)
    t.equal(await readiness(next.adminPort), 200)
    const again = await findPredecessor(config, ask)
    t.ok(again, 'and at the Unix socket')
    again?.giveUp()
  }
)

t.test('an agent keeps its connection until the one that takes over knows its master', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  const met = await findPredecessor(config, ask)
  if (!met) throw new Error('nobody to take over from')
  const untold: (() => void)[] = []
  let isSaid = false
  const predecessor = {
    ...met,
    pinsTaken: () => (isSaid ? met.pinsTaken() : void untold.push(met.pinsTaken))
  }
  await startBalancer(t, onPortsOf(met, config), { log: captureLog().log, predecessor })
  await untilAlone(old.port)
  const get = async (path: string) => {
    agent.forget()
    agent.send(`GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
    return agent.until('{}')
  }
  const node = '/puppet/v3/node/a.example.com'
  t.notMatch(await get(node), /connection: close/i, 'this request pins it')
  t.notMatch(await get('/puppet-ca/v1/certificate/ca'), /connection: close/i, 'and its word is under way yet')
  isSaid = true
  for (const say of untold) say()
  let answer = ''
  while (!/connection: close/i.test(answer)) answer = await get(node)
  await agent.end
  t.equal(await old.drain(), 0)
})

t.test('nor does one that is taken over from twice let it go before the last one knows', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  await takeOver(t, config)
  await untilAlone(old.port)
  const last = await findPredecessor(config, ask)
  if (!last) throw new Error('nobody to take over from')
  const get = async () => {
    agent.forget()
    agent.send('GET /puppet/v3/node/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
    return agent.until('{}')
  }
  const told = Promise.withResolvers<void>()
  let isSaid = false
  let unsaid = 0
  last.listen({
    take(message) {
      if (message.type !== 'pins') return
      if (message.pins.length > 0) told.resolve()
      if (isSaid) last.pinsTaken()
      else unsaid++
    },
    gone: () => {}
  })
  t.notMatch(await get(), /connection: close/i, 'this request pins it')
  await told.promise
  t.notMatch(await get(), /connection: close/i, 'the one between knows, and the last one does not say so')
  isSaid = true
  while (unsaid-- > 0) last.pinsTaken()
  let answer = ''
  while (!/connection: close/i.test(answer)) answer = await get()
  await agent.end
  t.equal(await old.drain(), 0)
  last.giveUp()
})

t.test('one between two others ends after the one before it, whose last runs it tells of', async t => {
  const { config, master, held } = await startScene(t)
  const old = await startHandingOver(t, config)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send('GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await master.until(() => held.length === 1)
  const between = await takeOver(t, config)
  const ends: string[] = []
  void old.ended.then(() => ends.push('old'))
  void between.ended.then(() => ends.push('between'))
  const last = await takeOver(t, config)
  await between.line({ msg: 'draining: accepting no more connections' })
  await untilAlone(last.port)
  const other = await connectRawAgent(t, pki, last.port, identity)
  other.send('GET /puppet/v3/node/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await other.until('{}')
  t.same(ends, [])
  held[0]?.end('{"catalog":1}')
  t.match(await agent.end, /200 OK\r\n.*\{"catalog":1\}/is)
  await between.ended
  t.same(ends, ['old', 'between'])
})
