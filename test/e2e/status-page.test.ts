import t from 'tap'
import type { Overview } from '../../src/model/overview.ts'
import type { StatusReport } from '../../src/model/status.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const COMPILE_MS = 120

t.test('the page tells what agents got of which master, and how long it took', async t => {
  const pki = await createTestPki()
  const asked = { m1: 0, m2: 0 }
  const master = (name: 'm1' | 'm2', status: number) =>
    startScriptedMaster(t, (_request, response) => {
      asked[name]++
      setTimeout(() => response.writeHead(status).end('{}'), COMPILE_MS)
    })
  const [m1, m2] = await Promise.all([master('m1', 200), master('m2', 500)])
  const app = await startBalancer(
    t,
    testConfig(pki, {
      ca: m1.url,
      masters: [
        { name: 'm1', url: m1.url },
        { name: 'm2', url: m2.url }
      ]
    })
  )
  for (let index = 0; index < 8; index++) {
    const certname = `agent${index}.example.com`
    const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
    await agent.ask({ path: `/puppet/v3/catalog/${certname}?environment=production` })
    agent.close()
  }
  t.ok(asked.m1 > 0 && asked.m2 > 0, 'both were asked')

  const origin = `http://127.0.0.1:${app.adminPort}`
  const stream = (await fetch(`${origin}/api/live`)).body as ReadableStream<Uint8Array>
  const reader = stream.getReader()
  const { value } = await reader.read()
  await reader.cancel()
  const { work, status, notReady } = JSON.parse(
    new TextDecoder().decode(value).replace(/^data: /, '')
  ) as Overview
  t.equal(notReady, null)
  t.same(
    status.masters.map(({ name }, index) => [name, work[index]?.catalogs, work[index]?.failedShare]),
    [
      ['m1', asked.m1, 0],
      ['m2', asked.m2, 1]
    ]
  )
  const p50Ms = work[0]?.compile?.p50Ms as number
  t.ok(p50Ms > COMPILE_MS * 0.9, `${p50Ms} ms`)
  t.equal(work[1]?.compile, null, 'a failure is no compile')

  const told = (await (await fetch(`${origin}/api/status`)).json()) as StatusReport
  t.same(
    told.work.map(({ catalogs, failedShare }) => [catalogs, failedShare]),
    [
      [asked.m1, 0],
      [asked.m2, 1]
    ],
    'the command line is told the same'
  )

  const page = await (await fetch(`${origin}/`)).text()
  t.match(page, `${asked.m2}</td>`)
  t.match(page, 'Agents are served by 2 masters')
})

t.test(
  'agents that come with certificates of another CA are counted, whichever worker they came to',
  async t => {
    const [pki, strange] = await Promise.all([createTestPki(), createTestPki()])
    const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
    const config = testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { workers: 2 } }
    )
    const app = await startBalancer(t, config)
    const identity = await strange.authority.issue({ certname: 'stray.example.com' })
    for (let index = 0; index < 6; index++) {
      const agent = connectAgent(t, pki, app.port, identity)
      t.equal(
        (await agent.ask({ path: '/puppet/v3/node/stray.example.com?environment=production' })).status,
        403
      )
      agent.close()
    }
    const told = (await (await fetch(`http://127.0.0.1:${app.adminPort}/api/status`)).json()) as StatusReport
    t.same(told.refused, { certificates: 6, limits: 0 })
  }
)
