import t, { type Test } from 'tap'
import { createCaDocuments } from '../../src/control/ca-documents/ca-documents.ts'
import type { Fetched } from '../../src/control/ca-documents/fetch-document.ts'
import { judgeAside } from '../../src/control/ca-documents/judge.ts'
import { createKeptDocuments } from '../../src/control/ca-documents/kept-documents.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import type { CaDocument, CaDocumentKind, CaDocuments } from '../../src/model/ca-documents.ts'
import type { Master } from '../../src/model/master.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const { authority } = pki
const minuteMs = 60_000

/** Copies of a CA that gives what the test says. */
function setUp(t: Test, { directory }: { directory?: string } = {}) {
  const runtime = fakeRuntime({ wallClockMs: Date.now() })
  const { log, lines } = captureLog()
  const published: CaDocuments[] = []
  const asked: {
    readonly kind: CaDocumentKind
    readonly known: CaDocument | undefined
    readonly atMs: number
  }[] = []
  const gives = new Map<CaDocumentKind, string | Exclude<Fetched, { type: 'document' }>>()
  let { settings } = testConfig(
    pki,
    { ca: 'https://ca.example.com', masters: [] },
    { caCache: true, state: { directory } }
  )
  const [ca] = masters({ ca: 1 }) as [Master]
  const copies = createCaDocuments({
    runtime,
    log,
    events: createEventLog(runtime.wallClock),
    ca: () => ca,
    settings: () => settings,
    judge: judgeAside,
    kept: createKeptDocuments(log),
    publish: documents => published.push(documents),
    visit: () => ({
      async fetch(kind, known) {
        asked.push({ kind, known, atMs: runtime.now() })
        const given = gives.get(kind) ?? { type: 'away', cause: 'it refuses connections' }
        if (typeof given !== 'string') return given
        if (known && Buffer.from(known.body).toString() === given) return { type: 'unchanged' }
        const plain = { contentType: 'text/plain', lastModified: undefined, etag: undefined }
        return { type: 'document', body: Buffer.from(given), sinceMs: runtime.wallClock(), ...plain }
      },
      end() {}
    })
  })
  t.teardown(copies.stop)
  return {
    ...{ runtime, copies, published, asked, gives },
    warnings: () => lines.filter(({ level }) => level === 'warn'),
    change(next: Partial<typeof settings>) {
      settings = { ...settings, ...next }
    },
    text: (kind: CaDocumentKind) => {
      const document = copies.current()[kind]
      return document && Buffer.from(document.body).toString()
    }
  }
}

async function giveAll({ gives }: ReturnType<typeof setUp>): Promise<{ crl: string }> {
  const crl = await authority.crl()
  gives.set('certificate', authority.bundle)
  gives.set('crl', crl)
  return { crl }
}

t.test(
  'both documents are asked for at the start and every few minutes, on condition that they changed',
  async t => {
    const scene = setUp(t)
    const { crl } = await giveAll(scene)
    await scene.copies.start()
    t.same([scene.text('certificate'), scene.text('crl')], [authority.bundle, crl])
    t.equal(scene.published.length, 1)
    t.equal(scene.published[0], scene.copies.current())
    await scene.runtime.advance(6 * minuteMs)
    t.equal(scene.asked.length, 4)
    t.ok((scene.asked[3]?.atMs ?? 0) >= 4 * minuteMs)
    t.ok(scene.asked[3]?.known)
    t.ok((scene.copies.current().crl?.confirmedAtMs ?? 0) > scene.runtime.wallClock() - 2 * minuteMs)
    await scene.runtime.advance(60 * minuteMs)
    t.ok(scene.asked.length <= 32, `${scene.asked.length} questions within an hour`)
  }
)

t.test('while the CA is away the copies stay, and while one is missing it is asked more often', async t => {
  const scene = setUp(t)
  await scene.copies.start()
  t.same(scene.copies.current(), {})
  const { crl } = await giveAll(scene)
  await scene.runtime.advance(25_000)
  t.equal(scene.text('crl'), crl)
  const before = scene.copies.current()
  scene.gives.clear()
  await scene.runtime.advance(60 * minuteMs)
  t.equal(scene.copies.current(), before, 'with the dates they had')
  t.same(scene.warnings(), [], 'its probes tell that it is away')
})

t.test("an agent's reading leads to a visit at once, many of them to few", async t => {
  const scene = setUp(t)
  await giveAll(scene)
  await scene.copies.start()
  await scene.runtime.advance(10_000)
  const newer = await authority.crl({ revoked: ['0A'] })
  scene.gives.set('crl', newer)
  scene.copies.wasRead()
  await scene.runtime.advance(0)
  t.equal(scene.text('crl'), newer)
  for (let second = 0; second < 60; second++) {
    for (let agent = 0; agent < 100; agent++) scene.copies.wasRead()
    await scene.runtime.advance(1_000)
  }
  t.ok(scene.asked.length <= 2 * 23, `${scene.asked.length} questions`)
  const last = await authority.crl({ revoked: ['0A', '0B'] })
  scene.gives.set('crl', last)
  scene.copies.wasRead()
  await scene.runtime.advance(3_000)
  t.equal(scene.text('crl'), last, 'nor is the last one of many forgotten')
})

t.test(
  'an older list, or what is no document, never takes the place of a copy, and is told once',
  async t => {
    const scene = setUp(t)
    const { crl: older } = await giveAll(scene)
    const newer = await authority.crl({ revoked: ['0A'] })
    scene.gives.set('crl', newer)
    await scene.copies.start()
    scene.gives.set('crl', older)
    scene.gives.set('certificate', '<html>Welcome</html>')
    await scene.runtime.advance(30 * minuteMs)
    t.same([scene.text('certificate'), scene.text('crl')], [authority.bundle, newer])
    t.match(scene.warnings(), [
      { document: 'certificate', cause: 'what the CA gives holds no certificate' },
      { document: 'crl', cause: /^what the CA gives holds an older list/ }
    ])
    t.equal(scene.warnings().length, 2)
  }
)

t.test('what is refused is told with what it is for', async t => {
  const scene = setUp(t)
  await giveAll(scene)
  scene.gives.set('crl', { type: 'refused', cause: 'it answered 403' })
  await scene.copies.start()
  t.match(scene.warnings(), [{ document: 'crl', cause: 'it answered 403' }])
  t.same(Object.keys(scene.copies.current()), ['certificate'])
})

t.test('copies are there again after a restart, with the dates they had', async t => {
  const directory = t.testdir()
  const before = setUp(t, { directory })
  const { crl } = await giveAll(before)
  await before.copies.start()
  const after = setUp(t, { directory })
  await after.copies.restore()
  t.same([after.text('certificate'), after.text('crl')], [authority.bundle, crl])
  for (const kind of ['certificate', 'crl'] as const) {
    const [kept, was] = [after.copies.current()[kind], before.copies.current()[kind]] as [
      CaDocument,
      CaDocument
    ]
    t.same([kept.sinceMs, kept.contentType], [was.sinceMs, was.contentType])
    t.ok(Math.abs(kept.confirmedAtMs - was.confirmedAtMs) < 1_000)
  }
})

t.test('nor does an older list follow the one that was kept', async t => {
  const directory = t.testdir()
  const before = setUp(t, { directory })
  const { crl: older } = await giveAll(before)
  const newer = await authority.crl({ revoked: ['0A'] })
  before.gives.set('crl', newer)
  await before.copies.start()
  const after = setUp(t, { directory })
  await after.copies.restore()
  await giveAll(after)
  after.gives.set('crl', older)
  await after.copies.start()
  t.equal(after.text('crl'), newer)
})

t.test('what was kept of another CA, or damaged, is not used', async t => {
  const directory = t.testdir()
  const before = setUp(t, { directory })
  await giveAll(before)
  await before.copies.start()
  const stranger = await createAuthority()
  const after = setUp(t, { directory })
  after.change({ tls: { ...testConfig(pki, { masters: [] }).settings.tls, ca: stranger.bundle } })
  await after.copies.restore()
  t.same(after.copies.current(), {})

  const damaged = setUp(t, {
    directory: t.testdir({ 'ca-certificates.pem': 'x', 'ca-lists.pem': 'puppet-lb 1 {\n' })
  })
  await damaged.copies.restore()
  t.same(damaged.copies.current(), {})
  t.match(damaged.warnings(), [{ cause: /line/ }, { cause: /line/ }])
})

t.test(
  'a directory that cannot be written to is told once, and the copies are there all the same',
  async t => {
    const scene = setUp(t, { directory: `${t.testdir({ file: '' })}/file` })
    await giveAll(scene)
    await scene.copies.start()
    await scene.runtime.advance(30 * minuteMs)
    t.ok(scene.text('crl'))
    t.match(scene.warnings(), [{ cause: /ENOTDIR|EEXIST/ }, { cause: /ENOTDIR|EEXIST/ }])
    t.equal(scene.warnings().length, 2)
  }
)

t.test('with new settings the copies go that are not of our CA, or when none is to be kept', async t => {
  const scene = setUp(t)
  await giveAll(scene)
  await scene.copies.start()
  await scene.copies.reconsider()
  t.equal(scene.published.length, 1, 'nothing has changed')
  const stranger = await createAuthority()
  const { tls } = testConfig(pki, { masters: [] }).settings
  scene.change({ tls: { ...tls, ca: stranger.bundle } })
  await scene.copies.reconsider()
  t.same(scene.published.at(-1), {})
  scene.change({ tls })
  await scene.copies.reconsider()
  await scene.runtime.advance(0)
  t.ok(scene.text('crl'), 'and come back')
  scene.change({ caCache: false })
  await scene.copies.reconsider()
  t.same([scene.copies.current(), scene.published.at(-1)], [{}, {}])
  const { length } = scene.asked
  scene.copies.wasRead()
  await scene.runtime.advance(60 * minuteMs)
  t.equal(scene.asked.length, length)
})
