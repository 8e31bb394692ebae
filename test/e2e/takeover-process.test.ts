import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'a.example.com' })
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`

t.test('another number of workers is no obstacle, and drainDelay is nothing to wait for', async t => {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (request, response) => {
    if (request.url?.includes('catalog')) held.push(response)
    else response.end('{}')
  })
  const listen = { host: '127.0.0.1', port: 0, workers: 1, drainDelay: '1h' }
  const old = await spawnBalancer(t, pki, {
    ca: master.url,
    masters: [{ name: 'm1', url: master.url }],
    listen,
    admin: { port: 0, socket: join(tmpdir(), `.plb-${randomBytes(4).toString('hex')}`) }
  })
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send(get('/puppet/v3/catalog/a.example.com'))
  await master.until(() => held.length === 1)
  await old.rewrite({ listen: { ...listen, workers: 2 } })
  const next = await old.another('--takeover')
  t.match(await next.line({ msg: 'serving' }), { port: old.port, workers: 2 })
  await old.line({ msg: 'draining: accepting no more connections' })
  t.notOk(
    old.lines.some(({ delayMs }) => delayMs !== undefined),
    'who distributes agents has nothing to find out: the other one serves at the same place'
  )
  const other = await connectRawAgent(t, pki, next.port, await pki.authority.issue({ certname: 'b' }))
  other.send(get('/puppet/v3/node/b'))
  await other.until('{}')
  held[0]?.end('{"catalog":1}')
  t.match(await agent.end, /^HTTP\/1\.1 200 OK\r\n.*\{"catalog":1\}/s)
  t.equal(await old.exit, 0)
})
