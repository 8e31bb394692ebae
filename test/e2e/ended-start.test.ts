import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findPredecessor, onPortsOf } from '../../src/commands/predecessor.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver } from '../support/takeover.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'a.example.com' })

t.test('whoever has come to one that is told to end before it took over is served to the end', async t => {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (_request, response) => void held.push(response))
  const directory = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const config = testConfig(
    pki,
    { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
    { admin: { socket: join(directory, 'admin.sock') } }
  )
  const old = await startHandingOver(t, config)
  const met = await findPredecessor(config, { version: '9.9.9', runtime: systemRuntime })
  if (!met) throw new Error('nobody to take over from')
  const asked = Promise.withResolvers<void>()
  // Of two on one port the system says who gets a connection; of one that is busy with a reload no answer comes.
  await old.stop()
  const { promise: busy, resolve: giveUp } = Promise.withResolvers<undefined>()
  const predecessor = {
    ...met,
    giveUp: () => giveUp(undefined),
    release() {
      asked.resolve()
      return busy
    }
  }
  const ending = new AbortController()
  const { log } = captureLog()
  const start = startBalancer(t, onPortsOf(met, config), { log, predecessor, signal: ending.signal })
  await asked.promise
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send('GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await master.until(() => held.length === 1)
  ending.abort()
  await busy
  held[0]?.end('{"catalog":1}')
  t.match(await agent.end, /200 OK\r\n.*\{"catalog":1\}/is)
  await t.rejects(start, { name: 'AbortError' })
})

t.test('one that is told to end while nobody can come ends at once', async t => {
  const master = await startScriptedMaster(t, () => {})
  const config = testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  const ending = AbortSignal.abort()
  await t.rejects(startBalancer(t, config, { log: captureLog().log, signal: ending }), { name: 'AbortError' })
})
