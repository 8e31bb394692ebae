import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import pino from 'pino'
import t, { type Test } from 'tap'
import { createControlPlane } from '../../src/control/control-plane.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import type { Order, PlaneStart, Publication, Report } from '../../src/model/messages.ts'
import { createLogOutput } from '../../src/telemetry/log-output.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const LOOK_MS = 500

/** A master that answers its probes, once it is asked to when `isSilent` at first. */
async function startMaster(t: Test, { isSilent = false } = {}) {
  const waiting: ServerResponse[] = []
  const asked = Promise.withResolvers<void>()
  const server = createServer(({ url }, response) => {
    if (url !== '/status/v1/simple') return void response.writeHead(404).end()
    if (!isSilent) return void response.end('running')
    waiting.push(response)
    asked.resolve()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Once a probe has come. */
    asked: asked.promise,
    answer: () => waiting.splice(0).map(response => response.end('running'))
  }
}

/** A control plane over real masters, and one plane that goes by all it is told and keeps it. */
async function setUp(t: Test, names: Readonly<Record<string, string>>) {
  const ca = await startMaster(t)
  const configOf = (masters: Readonly<Record<string, string>>, caUrl = ca.url) =>
    testConfig(
      pki,
      { ca: caUrl, masters: Object.entries(masters).map(([name, url]) => ({ name, url })) },
      { listen: { workers: 0 }, health: { intervalMs: 60_000, timeoutMs: 30_000 } }
    )
  const runtime = fakeRuntime()
  const events = createEventLog(runtime.wallClock)
  const published: Publication[] = []
  const scene = { config: configOf(names) }
  const control = await createControlPlane({
    config: scene.config,
    load: () => scene.config,
    runtime,
    log: pino({ level: 'silent' }),
    logOutput: createLogOutput(undefined, runtime),
    events,
    descriptors: 1_000,
    entry: new URL('file:///nowhere'),
    async startHere({ publication }: PlaneStart, port: MessagePort) {
      published.push(publication)
      const tell = (report: Report) => port.postMessage(report)
      port.on('message', (order: Order) => {
        if (order.type !== 'publish') return
        published.push(order.publication)
        tell({ type: 'applied', version: order.publication.version })
      })
      tell({ type: 'listening', port: 8140 })
      return { stop: async () => {} }
    }
  })
  t.teardown(() => control.stop())
  await control.start()
  const current = () => control.roster.current()
  return {
    ...{ control, runtime, configOf, published, scene, current },
    reload(masters: Readonly<Record<string, string>>, caUrl?: string) {
      scene.config = configOf(masters, caUrl)
      return control.reload.now()
    },
    idOf: (name: string) => current().masters.find(master => master.name === name)?.id as number,
    modes: () => Object.fromEntries(current().masters.map(({ name, mode }) => [name, mode])),
    kinds: () => events.recent().map(({ kind, master }) => `${kind} ${master ?? ''}`.trim())
  }
}

t.test(
  'masters join and leave by a reload, and planes hear of settings and members in one breath',
  async t => {
    const [m1, m2] = [await startMaster(t), await startMaster(t)]
    const { reload, modes, kinds, published, runtime } = await setUp(t, { m1: m1.url })
    t.match(await reload({ m2: m2.url }), { ok: true })
    t.same(modes(), { m2: 'active', m1: 'leaving' })
    const { settings, snapshot, revoked } = published.at(-1) ?? {}
    t.same(
      settings?.masters.map(({ name }) => name),
      ['m2']
    )
    t.match(snapshot, { tiers: [[{ name: 'm2' }]], finishing: [{ name: 'm1' }] })
    t.ok(revoked)
    await runtime.advance(LOOK_MS)
    t.same(modes(), { m2: 'active' })
    t.same(kinds().slice(-4), ['master-up m2', 'master-joined m2', 'reload', 'master-left m1'])
  }
)

t.test('one that left and is named again while others are probed stays the one it was', async t => {
  const [m1, m2, m3] = [await startMaster(t), await startMaster(t), await startMaster(t, { isSilent: true })]
  const { reload, modes, idOf, control, runtime, kinds } = await setUp(t, { m1: m1.url, m2: m2.url })
  const id = idOf('m2')
  await reload({ m1: m1.url })
  const report = reload({ m1: m1.url, m2: m2.url, m3: m3.url })
  await m3.asked
  await runtime.advance(4 * LOOK_MS)
  m3.answer()
  t.match(await report, { ok: true })
  await runtime.advance(4 * LOOK_MS)
  t.same(modes(), { m1: 'active', m2: 'active', m3: 'active' })
  t.equal(idOf('m2'), id)
  t.equal(control.supervisor.stateOf(id), 'up')
  t.notOk(kinds().includes('master-left m2'))
})

t.test('a reload that fails changes no member, no setting and no plane', async t => {
  const m1 = await startMaster(t)
  const { reload, modes, published, control, configOf, scene, current, runtime } = await setUp(t, {
    m1: m1.url
  })
  const before = current().masters
  const count = published.length
  const { settings } = control.reload.config()
  const config = configOf({ m2: 'http://127.0.0.1:1' })
  const crl = { file: '/nowhere/crl.pem', refreshMs: 60_000, expired: 'keep', place: 'x.yaml:1:2' } as const
  const log = { ...config.settings.log, file: { path: '/nowhere/lb.log', where: 'x.yaml:3:4' } }
  scene.config = { ...config, settings: { ...config.settings, log, tls: { ...config.settings.tls, crl } } }
  t.match(await control.reload.now(), {
    ok: false,
    problems: [
      /^x\.yaml:1:2 tls\.crl\.file: names \/nowhere\/crl\.pem, which cannot be read/,
      /^x\.yaml:3:4 log\.file: is "\/nowhere\/lb\.log", but its directory does not exist/
    ]
  })
  t.equal(current().masters, before)
  t.equal(control.reload.config().settings, settings)
  t.equal(published.length, count)
  t.match(await reload({ m1: m1.url, m2: 'http://127.0.0.1:1' }), { ok: true }, 'the next one is free to go')
  await runtime.advance(LOOK_MS)
  t.same(modes(), { m1: 'active', m2: 'active' })
})

t.test('a new CA takes over at once, and the old one’s seat is free again', async t => {
  const [m1, newCa] = [await startMaster(t), await startMaster(t)]
  const { reload, control, published, runtime, current } = await setUp(t, { m1: m1.url })
  const free = control.roster.freeSeats()
  const old = current().ca
  await reload({ m1: m1.url }, newCa.url)
  t.equal(published.at(-1)?.snapshot?.ca.url, newCa.url)
  t.equal(control.supervisor.stateOf(current().ca.id), 'up')
  t.equal(control.supervisor.watchOf(old.id), undefined)
  await runtime.advance(LOOK_MS)
  t.equal(control.roster.freeSeats(), free)
})
