import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Config } from '../../src/model/settings.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem } from '../support/crafted-list.ts'
import { fetchedLists, type ListAuthority, startListAuthority } from '../support/list-authority.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
const path = '/puppet/v3/node/agent1'
const request = `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const ofRoot = craftPem({ by: root, number: 1n })
const serial = BigInt(`0x${gone?.serial}`)
const listOf = (number: bigint, ...serials: bigint[]) =>
  craftPem({ by: signer, number, entries: serials.map(each => ({ serial: each })) }) + ofRoot
const fetched = { msg: 'certificate revocation list is fetched' }

type Overrides = NonNullable<Parameters<typeof testConfig>[2]>

async function startSite(t: Test) {
  const ca = await startListAuthority(t, pki)
  ca.give(listOf(1n))
  const master = await startScriptedMaster(t, (_request, response) => response.end('ok'), { tls: pki.server })
  const configFor = (crl: ReturnType<typeof fetchedLists> | undefined, overrides: Overrides = {}) =>
    testConfig(
      pki,
      { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
      { ...overrides, tls: { crl } }
    )
  return { ca, configFor }
}

async function start(t: Test, config: Config, load = () => config) {
  const log = captureLog()
  const app = await startBalancer(t, config, { log: log.log, load })
  const statusOf = async (identity: typeof gone) =>
    (await connectAgent(t, pki, app.port, identity).ask({ path })).status
  return { app, log, statusOf }
}

const readyAt = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status

/** Resolves once the CA has been asked again and what it said was judged. */
const judged = (ca: ListAuthority) => ca.asked(2)

t.test(
  'what the CA revokes is refused by all workers once its list is there, and nobody else notices',
  async t => {
    const { ca, configFor } = await startSite(t)
    const app = await startBalancer(t, configFor(fetchedLists()))
    t.equal(await readyAt(app.adminPort), 200, 'the list was there before anybody was served')
    const open = (identity: typeof gone) =>
      Promise.all(Array.from({ length: 6 }, () => connectRawAgent(t, pki, app.port, identity)))
    const [goneOnes, hereOnes] = [await open(gone), await open(here)]
    for (const each of [...goneOnes, ...hereOnes]) {
      each.send(request)
      await each.until(text => text.endsWith('ok'))
    }
    const cuts = Promise.all(goneOnes.map(each => each.end))
    const answered = Promise.withResolvers<number>()
    ca.answer(response => {
      response.once('finish', () => answered.resolve(performance.now()))
      response.end(listOf(2n, serial))
      // Nothing that is asked later helps.
      ca.answer(() => {})
    })
    await cuts
    const tookMs = performance.now() - (await answered.promise)
    t.ok(tookMs < 1_000, `open connections were cut ${tookMs.toFixed(0)} ms after the list was there`)
    for (let i = 0; i < 6; i++) {
      t.equal((await connectAgent(t, pki, app.port, gone).ask({ path })).status, 403, 'a new one is refused')
    }
    for (const each of hereOnes) {
      each.send(request)
      await each.until(text => text.split('HTTP/1.1 200').length === 3)
    }
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.value('puppet_lb_crl_entries'), 1)
    const at = metrics.value('puppet_lb_crl_fetch_success_timestamp_seconds') ?? 0
    t.ok(Math.abs(at - Date.now() / 1000) < 60)
    t.match(app.status().crl, {
      source: `${ca.url}/puppet-ca/v1/certificate_revocation_list/ca`,
      fetchedAt: /^\d{4}-/,
      problem: null,
      number: '2'
    })
  }
)

t.test('the CA is asked by the date it gave, by its own clock, and need not send its list again', async t => {
  const { ca, configFor } = await startSite(t)
  const date = 'Thu, 26 Nov 2026 12:00:00 GMT'
  ca.answer(response => response.writeHead(200, { date, etag: '"one"' }).end(listOf(1n)))
  const { log, app } = await start(t, configFor(fetchedLists()))
  ca.answer(response => response.writeHead(304).end())
  await judged(ca)
  const [first, second] = ca.questions()
  t.equal(first?.['if-modified-since'], undefined)
  t.match(second, { 'if-modified-since': 'Thu, 26 Nov 2026 11:59:00 GMT', 'if-none-match': '"one"' })
  t.equal(log.lines.filter(({ msg }) => msg === fetched.msg).length, 1)
  t.equal(app.status().crl?.problem, null)
})

t.test(
  'what was fetched is kept for nobody else to read, and a start goes by it while the CA is down',
  async t => {
    const { ca, configFor } = await startSite(t)
    const directory = join(t.testdir({}), 'state', 'lists')
    const kept = listOf(5n, serial)
    ca.give(kept)
    const first = await start(t, configFor(fetchedLists({ directory })))
    await judged(ca)
    await first.app.stop()
    const file = join(directory, 'revocation-lists.pem')
    t.equal(readFileSync(file, 'utf8'), kept)
    t.equal(statSync(file).mode & 0o777, 0o600)
    t.equal(statSync(directory).mode & 0o777, 0o700)

    ca.answer(response => response.destroy())
    const { app, log, statusOf } = await start(t, configFor(fetchedLists({ directory })))
    t.equal(await readyAt(app.adminPort), 200)
    t.equal(await statusOf(gone), 403)
    t.equal(await statusOf(here), 200)
    t.equal(app.status().crl?.source, file)
    await judged(ca)
    t.match(app.status().crl, { fetchedAt: null, problem: /^it (closed|reset) the connection/ })

    ca.give(listOf(4n))
    await log.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
    t.equal(await statusOf(gone), 403, 'nor does an older list count than the one that was kept')
    ca.give(listOf(6n))
    await log.line(fetched)
    t.equal(await statusOf(gone), 200)
  }
)

t.test('a kept list that is damaged is told of, and the CA is asked', async t => {
  const { configFor } = await startSite(t)
  const directory = t.testdir({ 'revocation-lists.pem': '-----BEGIN X509 CRL-----\nhalf' })
  const { app, log } = await start(t, configFor(fetchedLists({ directory })))
  t.match(await log.line({ msg: 'certificate revocation list that was kept is unusable; the CA is asked' }), {
    source: join(directory, 'revocation-lists.pem')
  })
  t.equal(app.status().crl?.number, '1')
})

t.test('a directory that cannot be written is told of once, and the list counts', async t => {
  const { ca, configFor } = await startSite(t)
  const directory = join(t.testdir({ file: '' }), 'file', 'below')
  const { app, log } = await start(t, configFor(fetchedLists({ directory })))
  await judged(ca)
  t.equal(app.status().crl?.number, '1')
  const told = log.lines.filter(({ msg }) => /cannot be kept/.test(msg))
  t.match(told, [{ directory, cause: /^(ENOTDIR|EEXIST)$/ }])
  t.equal(told.length, 1)
})

t.test('of a file and the CA the newer list counts, whichever that is', async t => {
  const { ca, configFor } = await startSite(t)
  const file = join(t.testdir({ 'crl.pem': listOf(3n, serial) }), 'crl.pem')
  const { app, log, statusOf } = await start(t, configFor(fetchedLists({ file })))
  await judged(ca)
  t.equal(await statusOf(gone), 403, 'the file is newer')
  t.equal(app.status().crl?.source, file)
  t.match(
    log.lines.filter(({ msg }) => /list is unusable/.test(msg)),
    [{ reasons: ['infrastructure'] }],
    'that the CA gives less is told'
  )
  ca.give(listOf(4n))
  await log.line(fetched)
  t.equal(await statusOf(gone), 200, 'the CA is newer')
  writeFileSync(`${file}.new`, listOf(5n, serial, 7n))
  renameSync(`${file}.new`, file)
  await log.line({ msg: 'certificate revocation list is read again' })
  t.equal(await statusOf(gone), 403, 'the file is again')
  t.equal(app.status().crl?.number, '5')
  const refused = log.lines.filter(({ msg }) => /list is unusable/.test(msg))
  t.same(
    refused.filter(({ source }) => source === file),
    [],
    'that the file lags behind meanwhile is no fault'
  )
})

t.test('a reload that turns fetching on has the list before it is in force, or changes nothing', async t => {
  const { ca, configFor } = await startSite(t)
  let config = configFor(undefined)
  const { app, statusOf } = await start(t, config, () => config)
  ca.answer(response => response.writeHead(500).end())
  config = configFor(fetchedLists())
  t.match(await app.reload(), {
    ok: false,
    problems: [
      /^test\.yaml:3:9 tls\.crl\.fetch: is true, but the CA at https:.* gives no revocation list: it answered 500; /
    ]
  })
  t.equal(await statusOf(here), 200, 'and nobody is refused')
  ca.give(listOf(2n, serial))
  t.equal((await app.reload()).ok, true)
  t.equal(await statusOf(gone), 403)
  t.equal(await statusOf(here), 200)
  const directory = join(t.testdir({}), 'lists')
  config = configFor(fetchedLists({ directory }))
  t.equal((await app.reload()).ok, true)
  await judged(ca)
  await judged(ca)
  t.ok(existsSync(join(directory, 'revocation-lists.pem')), 'a directory that is named later gets it too')
  config = configFor(undefined)
  t.equal((await app.reload()).ok, true)
  t.equal(await statusOf(gone), 200)
  t.equal(app.status().crl, null)
})
