import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { Settings } from '../../src/model/settings.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScene } from './support/scene.ts'

const JRUBIES = 8
const pki = await createTestPki()
const healthy = await pki.authority.issue({ certname: 'healthy.example.com' })
const greedy = await pki.authority.issue({ certname: 'greedy.example.com' })
const node = 'GET /puppet/v3/node/held HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** A master of eight JRubies that holds what it is asked, except by the healthy agent. */
async function setUp(t: Test, access: Partial<Settings['access']>) {
  const held: ServerResponse[] = []
  const scene = await startScene(t, {
    pki,
    jrubies: JRUBIES,
    overrides: { access },
    script(request, response) {
      if (request.url?.endsWith('/held')) held.push(response)
      else response.end('served')
    }
  })
  const agent = connectAgent(t, pki, scene.app.port, healthy)
  return {
    held,
    arrived: (count: number) => scene.masters[0]?.until(() => held.length === count),
    /** So many connections, each with one request. */
    async ask(count: number, identity?: IssuedCertificate) {
      const raws = Array.from({ length: count }, () => connectRawAgent(t, pki, scene.app.port, identity))
      for (const raw of await Promise.all(raws)) raw.send(node)
    },
    /** Served while the others go on holding what they have. */
    async serveHealthy() {
      for (let count = 0; count < 3; count++)
        t.equal((await agent.ask({ path: '/puppet/v3/node/healthy' })).body, 'served')
    }
  }
}

t.test('one certname has four JRubies at most, however many connections it has', async t => {
  const { held, ask, arrived, serveHealthy } = await setUp(t, { withoutCertificate: 'refuse' })
  await ask(6, greedy)
  await arrived(4)
  await serveHealthy()
  t.equal(held.length, 4)
  held[0]?.end()
  await arrived(5)
  await serveHealthy()
  t.equal(held.length, 5, 'the next one has its turn when one of them is done')
})

t.test('the operators’ tools have as many as there are', async t => {
  const { ask, arrived } = await setUp(t, { administrators: [greedy.certname] })
  await ask(JRUBIES, greedy)
  await arrived(JRUBIES)
})

t.test('all who show no certificate have one together, where they are forwarded', async t => {
  const { held, ask, arrived, serveHealthy } = await setUp(t, { withoutCertificate: 'forward' })
  await ask(3)
  await arrived(1)
  await serveHealthy()
  t.equal(held.length, 1)
})
