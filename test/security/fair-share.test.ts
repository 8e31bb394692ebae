import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { Settings } from '../../src/model/settings.ts'
import type { IssuedCertificate } from '../../src/simulation/certificates.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts'
import { startScene } from './support/scene.ts'

const JRUBIES = 8
/** Of one certname, over all workers. */
const [SLOTS, PLACES] = [4, 16]
const pki = await createTestPki()
const healthy = await pki.authority.issue({ certname: 'healthy.example.com' })
const other = await pki.authority.issue({ certname: 'other.example.com' })
const greedy = await pki.authority.issue({ certname: 'greedy.example.com' })
const node = 'GET /puppet/v3/node/held HTTP/1.1\r\nHost: puppet\r\n\r\n'

/** Asks anew as soon as it is answered. */
const again = (raw: RawAgent) =>
  void raw.socket.on('data', (bytes: Buffer) => {
    if (bytes.includes('HTTP/1.1 200')) raw.send(node)
  })

/** A master of eight JRubies that holds what it is asked, except by the healthy agent. */
async function setUp(
  t: Test,
  access: Partial<Settings['access']>,
  { workers = 0, jrubies = JRUBIES }: { readonly workers?: number; readonly jrubies?: number } = {}
) {
  const held: ServerResponse[] = []
  const scene = await startScene(t, {
    pki,
    jrubies,
    overrides: { access, listen: { workers } },
    script(request, response) {
      if (request.url?.endsWith('/held')) held.push(response)
      else response.end('served')
    }
  })
  const agent = connectAgent(t, pki, scene.app.port, healthy)
  return {
    held,
    /** Whom the last request that reached the master was from. */
    lastFrom: () =>
      scene.masters[0]?.seen
        .at(-1)
        ?.header('X-Client-DN')[0]
        ?.replace(/^.*CN=/, ''),
    arrived: (count: number) => scene.masters[0]?.until(() => held.length === count),
    /** So many connections, each with one request. `prepare` is called with each before. */
    async ask(
      count: number,
      identity?: IssuedCertificate,
      prepare: (raw: RawAgent) => void = () => {}
    ): Promise<readonly RawAgent[]> {
      const connecting = Array.from({ length: count }, () =>
        connectRawAgent(t, pki, scene.app.port, identity)
      )
      const raws = await Promise.all(connecting)
      raws.forEach(prepare)
      for (const raw of raws) raw.send(node)
      return raws
    },
    /** So many wait for a JRuby. */
    async waiting(count: number) {
      while ((await scrape(scene.app.adminPort)).sum('puppet_lb_queue_depth') !== count);
    },
    depth: async () => (await scrape(scene.app.adminPort)).sum('puppet_lb_queue_depth'),
    catalog: () => agent.ask({ method: 'POST', path: '/puppet/v3/catalog/healthy', body: 'facts=x' }),
    refusals: async () =>
      (await scrape(scene.app.adminPort)).value('puppet_lb_limit_refusals_total', { limit: 'queuePlaces' }),
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

t.test('one certname has sixteen places in the queue, and the seventeenth is refused at once', async t => {
  const scene = await setUp(t, {}, { workers: 2, jrubies: SLOTS })
  const { held, ask, arrived, waiting, refusals } = scene
  await ask(SLOTS, greedy)
  await arrived(SLOTS)
  await ask(PLACES, greedy)
  await waiting(PLACES)
  for (const raw of await ask(5, greedy)) {
    const answer = await raw.until('Request ')
    t.match(answer, /^HTTP\/1\.1 503 Too many requests of this certname wait/)
    t.match(answer, 'x-puppet-lb-reason: certname-queue-full')
  }
  t.equal(await refusals(), 5)

  await ask(1, other)
  await waiting(PLACES + 1)
  held[0]?.end()
  await arrived(SLOTS + 1)
  await waiting(PLACES)
  t.equal(
    scene.lastFrom(),
    other.certname,
    'the other one waits, and comes before those behind the greedy one’s'
  )
  t.equal(await refusals(), 5, 'and is not refused')
})

t.test('the operators’ tools wait in as many places as they need', async t => {
  const { ask, waiting, refusals } = await setUp(
    t,
    { administrators: [greedy.certname] },
    { workers: 2, jrubies: SLOTS }
  )
  await ask(SLOTS + 2 * PLACES, greedy)
  await waiting(2 * PLACES)
  t.equal((await refusals()) ?? 0, 0)
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

t.test(
  'who asks for several things at a time without a pause keeps no catalog of others waiting',
  async t => {
    const { held, ask, arrived, depth, waiting, catalog } = await setUp(t, {}, { jrubies: 1 })
    await ask(1, greedy, again)
    await arrived(1)
    await ask(2, greedy, again)
    await ask(3, other, again)
    await waiting(5)
    let status = 0
    void catalog().then(answer => {
      status = answer.status
    })
    await waiting(6)
    let served = 0
    while (status === 0 && served < 20) {
      held[served++]?.end()
      await arrived(served + 1)
      // Whoever was served has asked again.
      for (let now = 0; now !== 6 && !(status !== 0 && now === 5); ) now = (await depth()) ?? 0
    }
    t.equal(status, 200)
    t.ok(served <= 6, `after ${served} of those that were there before it`)
  }
)
