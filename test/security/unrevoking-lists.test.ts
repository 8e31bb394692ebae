import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { formatPem } from '../../src/pki/pem.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import {
  type CraftedList,
  type Crafter,
  craftersOf,
  craftList,
  extension,
  integer
} from '../support/crafted-list.ts'
import { startCrlScene } from './support/crl-scene.ts'

const path = '/puppet/v3/node/agent1'
const unusable = 'certificate revocation list is unusable; the last one stays in force'
const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
const serial = BigInt(`0x${gone?.serial}`)
const HOUR_MS = 3_600_000
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS)

/** The list in force: it names one agent and somebody else. */
const inForce: CraftedList = {
  by: signer,
  number: 10n,
  thisUpdate: ago(2),
  entries: [{ serial }, { serial: 2n }]
}
const ofRoot = craftList({ by: root, number: 3n })

/** A file with a list of both CAs. */
const fileWith = (list: Partial<CraftedList>) =>
  [craftList({ ...inForce, entries: [], number: 11n, ...list }), ofRoot]
    .map(der => formatPem('X509 CRL', der))
    .join('')
const point = (content: string) => extension('551d1c', Buffer.from(content, 'hex'), true)

/** Files that would let the revoked agent in again, each with the reason it is refused for. */
const files: Readonly<Record<string, string>> = {
  older: fileWith({ number: 9n, thisUpdate: ago(3) }),
  infrastructure: fileWith({ number: 0n, thisUpdate: ago(1), entries: [{ serial: 2n }] }),
  'same-number': fileWith({ number: 10n, thisUpdate: ago(1) }),
  delta: fileWith({ extensions: [extension('551d1b', integer(10n), true)] }),
  partial: fileWith({ extensions: [point('30038201ff')] }),
  indirect: fileWith({ extensions: [point('30038401ff')] }),
  'critical-extension': fileWith({ extensions: [extension('2a0304', integer(1n), true)] }),
  future: fileWith({ thisUpdate: ago(-1) }),
  missing: formatPem('X509 CRL', ofRoot),
  foreign: await (await createTestPki()).authority.crl(),
  damaged: fileWith({}).slice(0, 300)
}

async function refusals(port: number): Promise<readonly string[]> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return text.split('\n').filter(line => line.startsWith('puppet_lb_crl_refused_total{'))
}

const statusOf = async (t: Test, port: number, identity: typeof gone) =>
  (await connectAgent(t, pki, port, identity).ask({ path })).status

t.test('a list that would let revoked agents in is refused for its reason, and told once', async t => {
  const { app, replace, log } = await startCrlScene(t, fileWith(inForce), { pki })
  const toldOf = (reason: string) =>
    log.lines.filter(({ msg, reasons }) => msg === unusable && String(reasons) === reason)
  for (const [index, [reason, file]] of Object.entries(files).entries()) {
    await replace(file)
    const line = (await log.atLeast(index + 1, { msg: unusable, level: 'warn' })).at(-1)
    t.same(line?.reasons, [reason])
    t.match(line?.cause, /^(holds|lacks) /)
    t.equal(await statusOf(t, app.port, gone), 403, `${reason}: revoked`)
    t.equal(await statusOf(t, app.port, here), 200, `${reason}: another one`)
    t.equal((await app.reload()).ok, false, 'a reload does not take it either')
    t.equal(await statusOf(t, app.port, gone), 403, `${reason}: revoked after a reload`)
    t.equal(toldOf(reason).length, 1)
  }
  t.same(
    new Set(await refusals(app.adminPort)),
    new Set(Object.keys(files).map(reason => `puppet_lb_crl_refused_total{reason="${reason}"} 1`))
  )
  await replace(fileWith({ number: 12n, entries: [{ serial: 2n }, { serial: 3n }] }))
  await log.line({ msg: 'certificate revocation list is read again' })
  t.equal(await statusOf(t, app.port, gone), 200, 'a good one is taken afterwards')
})

t.test('a newer list that names fewer is taken, with both counts', async t => {
  const { app, replace, log } = await startCrlScene(t, fileWith(inForce), { pki })
  await replace(fileWith({ entries: [{ serial }] }))
  t.match(
    await log.line({
      msg: 'certificate revocation list names fewer certificates than the one before it; those left out are served again'
    }),
    { level: 'warn', before: 2, after: 1 }
  )
  t.equal(await statusOf(t, app.port, gone), 403)
})

t.test('a CA without a list is told of at the start', async t => {
  const { log } = await startCrlScene(t, formatPem('X509 CRL', craftList(inForce)), { pki })
  t.ok(
    log.lines.some(({ level, msg }) => level === 'warn' && /lacks the list of "CN=Puppet Root CA: /.test(msg))
  )
})

t.test('what is no complete list of today is not taken at the start either', async t => {
  for (const reason of [
    'delta',
    'partial',
    'indirect',
    'critical-extension',
    'future',
    'foreign',
    'damaged'
  ]) {
    await t.rejects(startCrlScene(t, files[reason] ?? '', { pki }), { name: 'ConfigError' }, reason)
  }
})

t.test(
  'a file that is older than before a restart is not believed, unless what was noted is removed',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-state-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const start = (file: string) => startCrlScene(t, file, { pki, directory })
    const newest = fileWith({ number: 12n, thisUpdate: ago(0.5), entries: [{ serial }, { serial: 3n }] })
    const first = await start(fileWith(inForce))
    await first.replace(newest)
    await first.log.line({ msg: 'certificate revocation list is read again' })
    await first.app.stop()

    const older = fileWith({ number: 11n })
    for (const file of [older, files.older, files.infrastructure, files['same-number'], files.missing])
      await t.rejects(start(file ?? ''), { name: 'ConfigError', message: /revocation-numbers\.json/ })
    const second = await start(newest)
    t.equal(await statusOf(t, second.app.port, gone), 403, 'the same list is good')
    await second.app.stop()

    rmSync(join(directory, 'revocation-numbers.json'))
    const third = await start(older)
    t.equal(await statusOf(t, third.app.port, gone), 200, 'the operator may go back')
  }
)

t.test('serial numbers of revoked certificates are found as DER, CRLF and among text', async t => {
  const pem = fileWith(inForce)
  const der = Buffer.concat([craftList(inForce), ofRoot])
  const ways = { der, crlf: `\u{feff}text before\r\n${pem.replaceAll('\n', ' \r\n')}` }
  for (const [way, file] of Object.entries(ways)) {
    const { app } = await startCrlScene(t, file, { pki })
    t.equal(await statusOf(t, app.port, gone), 403, way)
    t.equal(await statusOf(t, app.port, here), 200, way)
  }
})
