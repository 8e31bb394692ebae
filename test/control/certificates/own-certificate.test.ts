import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { renewalDueMs } from '../../../src/control/certificates/due.ts'
import { createOwnCertificate } from '../../../src/control/certificates/own-certificate.ts'
import type { RevokedSet } from '../../../src/model/messages.ts'
import type { Settings } from '../../../src/model/settings.ts'
import { authoritiesOf } from '../../../src/pki/authorities.ts'
import { readRevocations } from '../../../src/pki/crl.ts'
import { generateKeyPair, importKeyPair } from '../../../src/pki/key-pair.ts'
import { leafOf } from '../../../src/pki/server-certificate.ts'
import { createSigningRequest } from '../../../src/pki/signing-request.ts'
import type { CaRules } from '../../../src/simulation/ca-registry.ts'
import { createAuthority, loadAuthority, renewAuthority } from '../../../src/simulation/certificates.ts'
import { testConfig } from '../../support/balancer.ts'
import { captureLog } from '../../support/log-lines.ts'
import { fakeRuntime } from '../../support/runtime.ts'
import { certname, ownDirectory, startCa, textOf, tryToEnrol } from './scene.ts'

const DAY_MS = 86_400_000
/** Longer than the pause between two looks, and than that while somebody is to sign. */
const LOOK_MS = 11 * 60_000
const HINDERED_LOOK_MS = 70_000
type Test = Parameters<typeof ownDirectory>[0] & { equal: (found: unknown, wanted: unknown) => boolean }

/** An enrolled balancer whose certificate ends in so many days, at a CA that signs as of today from now on. */
async function startScene(
  t: Test,
  { daysLeft = 1000, isEnrolled = true, ...rules }: CaRules & { daysLeft?: number; isEnrolled?: boolean } = {}
) {
  let clockMs = Date.now() - (5 * 365 - daysLeft) * DAY_MS
  const authority = await createAuthority({ wallClock: () => clockMs })
  const ca = await startCa(t, rules, authority)
  const directory = ownDirectory(t)
  const enroll = {
    name: certname,
    keyType: 'ecdsa',
    directory,
    caFingerprint: ca.fingerprint,
    altNames: ['puppet']
  } as const
  const { problem } = await tryToEnrol(ca.master.url, enroll)
  t.equal(problem, '')
  clockMs = Date.now()
  const before = ca.master.requestCount

  async function inForce(): Promise<Settings> {
    const [cert = '', key = '', bundle = ''] = await Promise.all(
      ['cert.pem', 'key.pem', 'ca.pem'].map(name => textOf(directory, name))
    )
    const own = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem'), cert, key }
    const pki = { authority, server: await authority.issue({ certname }) }
    const tls = { ca: bundle, certificates: [own] }
    const upstream = { tls: { ca: bundle, client: undefined, serverName: undefined, verify: true } }
    const { settings } = testConfig(pki, { ca: ca.master.url, masters: [] }, { tls, upstream })
    return { ...settings, ...(isEnrolled && { enroll }) }
  }

  let settings = await inForce()
  let revoked: RevokedSet = []
  const { log, lines, line } = captureLog()
  const runtime = fakeRuntime({ wallClockMs: Date.now() })
  const looked = Promise.withResolvers<void>()
  const renewed = Promise.withResolvers<void>()
  const own = createOwnCertificate({
    runtime: {
      ...runtime,
      schedule(delayMs, task) {
        // It waits for its next look, so this one is over.
        looked.resolve()
        return runtime.schedule(delayMs, task)
      }
    },
    log,
    events: { add: () => {} },
    settings: () => settings,
    revoked: () => revoked,
    caAddresses: () => ['127.0.0.1'],
    renewed: renewed.resolve
  })
  t.teardown(() => own.stop())
  return {
    ...ca,
    own,
    lines,
    line,
    runtime,
    renewed: renewed.promise,
    looked: looked.promise,
    serial: async () => leafOf(await textOf(directory, 'cert.pem'))?.serialNumber,
    key: () => textOf(directory, 'key.pem'),
    bundle: () => textOf(directory, 'ca.pem'),
    cert: () => textOf(directory, 'cert.pem'),
    put: (name: string, text: string) => writeFile(join(directory, name), text),
    /** As a reload does. */
    async takeFiles() {
      settings = await inForce()
      own.review()
    },
    takeLists(text: string) {
      const lists = readRevocations(Buffer.from(text), authoritiesOf(authority.bundle), Date.now())
      revoked = lists.map(list => ({ ...list, validUntilMs: Number.POSITIVE_INFINITY }))
      own.review()
    },
    /** Until the CA was asked so often since it enrolled. */
    asked: (times: number) => ca.master.until(({ requestCount }) => requestCount - before >= times)
  }
}

t.test('a certificate is due with a third of its life left, or 30 days, and not all at once', async t => {
  const of = (days: number) => ({ validFromDate: new Date(0), validToDate: new Date(days * DAY_MS) })
  t.equal(renewalDueMs(of(1825), 0), (1825 - 30) * DAY_MS)
  t.equal(renewalDueMs(of(60), 0), 40 * DAY_MS)
  t.equal(renewalDueMs(of(60), 1), 42 * DAY_MS)
})

t.test('one that is due is renewed where the CA does that, with the same key', async t => {
  const scene = await startScene(t, { daysLeft: 20, renewal: true })
  const [serial, key] = [await scene.serial(), await scene.key()]
  scene.own.start()
  await scene.renewed
  t.not(await scene.serial(), serial)
  t.equal(await scene.key(), key)
  await scene.takeFiles()
  t.equal(scene.own.standing().state, 'good')
  t.ok(scene.lines.some(({ msg }) => msg.startsWith('the certificate of lb.example.com is renewed')))
})

t.test('one that is not due is left alone, and looked for at the CA now and then', async t => {
  const scene = await startScene(t, { daysLeft: 100, renewal: true })
  const serial = await scene.serial()
  scene.own.start()
  await scene.looked
  await scene.asked(1)
  await scene.runtime.advance(LOOK_MS)
  await scene.asked(2)
  t.equal(await scene.serial(), serial)
  t.equal(scene.own.standing().state, 'good')
  t.same(scene.lines, [])
})

t.test('a CA that renews none: the commands are said, and obeyed they bring a new certificate', async t => {
  const scene = await startScene(t, { daysLeft: 20 })
  const serial = await scene.serial()
  scene.own.start()
  const { msg, level } = await scene.line({ state: 'renewal-due' })
  t.equal(level, 'warn')
  t.match(msg, /ends on .*renews no certificates .*already has a signed certificate/)
  t.match(msg, /signed\/lb\.example\.com\.pem.*puppetserver ca sign --certname lb\.example\.com/)
  t.equal(scene.own.standing().state, 'renewal-due')
  scene.registry.forget(certname)
  await scene.runtime.advance(HINDERED_LOOK_MS)
  await scene.renewed
  t.not(await scene.serial(), serial)
})

t.test('another machine that got its name is told of, and nothing is renewed against it', async t => {
  const scene = await startScene(t, { daysLeft: 20, renewal: true })
  scene.registry.forget(certname)
  await scene.registry.submit(
    certname,
    await createSigningRequest({ name: certname, altNames: [] }, await generateKeyPair('ec'))
  )
  scene.own.start()
  const { msg } = await scene.line({ state: 'replaced' })
  t.match(msg, /of another key: another machine enrolled under this name/)
})

t.test('cleaned at the CA, it says so with what to do', async t => {
  const scene = await startScene(t, { daysLeft: 500 })
  scene.registry.clean(certname)
  scene.own.start()
  const { msg, level } = await scene.line({ state: 'cleaned' })
  t.equal(level, 'error')
  t.match(msg, /no certificate for lb\.example\.com any more.*puppetserver ca sign/)
  t.equal(scene.own.standing().cause, msg)
})

for (const isEnrolled of [true, false]) {
  t.test(`named by the list in force it says that it is revoked, enrolled: ${isEnrolled}`, async t => {
    const scene = await startScene(t, { isEnrolled })
    scene.takeLists(await scene.registry.crl())
    t.equal(scene.own.standing().state, 'good')
    scene.registry.clean(certname)
    scene.takeLists(await scene.registry.crl())
    const { msg, level } = await scene.line({ state: 'revoked' })
    t.equal(level, 'error')
    t.match(msg, /is revoked by the list in force: agents that have that list refuse it\. A new one: /)
    const hint = isEnrolled
      ? /with 403, it believes identity headers: see/
      : /see "If the certificate is lost"/
    t.match(msg, hint)
    scene.takeLists(await scene.authority.crl())
    t.match(scene.lines.at(-1), { level: 'info', msg: /good again/ })
  })
}

t.test('a CA that renews to an earlier end, or without a name, is told of and changes nothing', async t => {
  for (const [days, altNames, why] of [
    [
      10,
      ['puppet'],
      /the next one that the CA at \S+ gives would end on .*, no later \(auto-renewal-cert-ttl/
    ],
    [1000, [], /the next one that the CA at \S+ gives lacks puppet\. puppet-lb enroll --renew takes it/]
  ] as const) {
    const scene = await startScene(t, { daysLeft: 20, renewal: true })
    const serial = await scene.serial()
    const begunMs = Date.now() - (5 * 365 - days) * DAY_MS
    const ca = loadAuthority(scene.authority.save(), () => begunMs)
    let signed = 0
    async function renew() {
      signed++
      const keys = importKeyPair(await scene.key())
      return (await ca.sign(await createSigningRequest({ name: certname, altNames }, keys))).cert
    }
    Object.assign(scene.registry, { renew })
    scene.own.start()
    t.match((await scene.line({ state: 'renewal-due' })).msg, why)
    const asked = scene.master.requestCount
    await scene.runtime.advance(HINDERED_LOOK_MS)
    await scene.master.until(({ requestCount }) => requestCount >= asked + 2)
    t.equal(signed, 1, 'and it is not made to sign one a minute')
    t.equal(await scene.serial(), serial)
  }
})

t.test('a renewal whose answer got lost is made good', async t => {
  const scene = await startScene(t, { daysLeft: 200, renewal: true })
  const newer = leafOf((await scene.registry.renew(scene.registry.certificate(certname) ?? '')) ?? '')
  scene.own.start()
  await scene.renewed
  t.equal(await scene.serial(), newer?.serialNumber)
})

t.test('where its file got damaged, the one in force is put back, and that is told', async t => {
  for (const kept of [0, 100, -100]) {
    const scene = await startScene(t, { daysLeft: 200 })
    const before = await scene.cert()
    await scene.put('cert.pem', before.slice(0, kept))
    scene.own.start()
    t.match((await scene.line({ level: 'warn' })).msg, /cert\.pem held no certificate that can be read/)
    t.equal(await scene.cert(), before)
    await scene.asked(1)
  }
})

t.test('one in its file that cannot serve is told of, and a renewal takes its place', async t => {
  for (const daysLeft of [20, 200]) {
    const scene = await startScene(t, { daysLeft, renewal: true })
    const before = await scene.serial()
    const { chain } = await scene.authority.issue({ certname })
    const stranger = leafOf(chain)?.serialNumber
    await scene.put('cert.pem', chain)
    scene.own.start()
    if (daysLeft === 20) await scene.renewed
    else
      t.match(
        (await scene.line({ state: 'renewal-due' })).msg,
        /cert\.pem holds a certificate that was made for another key\. It is not taken/
      )
    const serial = await scene.serial()
    t.not(serial, before)
    t.equal(serial === stranger, daysLeft === 200)
  }
})

t.test('a CA that renewed its own certificate is followed, and nobody else', async t => {
  const scene = await startScene(t, { daysLeft: 200 })
  const heir = await renewAuthority(scene.authority)
  const stranger = await createAuthority()
  scene.registry.succeed(heir, heir.bundle + stranger.bundle)
  scene.own.start()
  await scene.looked
  t.equal(await scene.bundle(), scene.authority.bundle, 'one with a stranger in it is not')
  scene.registry.succeed(heir, heir.bundle)
  await scene.runtime.advance(LOOK_MS)
  await scene.renewed
  t.equal(await scene.bundle(), heir.bundle)
})

t.test(
  'while the CA is away, one that is due says that it is not renewed, and no other says anything',
  async t => {
    for (const [daysLeft, state] of [
      [20, 'renewal-due'],
      [200, 'good']
    ] as const) {
      const scene = await startScene(t, { daysLeft, renewal: true })
      await scene.master.close()
      scene.own.start()
      await scene.looked
      if (state === 'good') t.same(scene.lines, [])
      else
        t.match((await scene.line({ state })).msg, /ends on .* not renewed yet: the CA at .* cannot be asked/)
    }
  }
)

t.test('what is not mended is told again after a day, and not before', async t => {
  const scene = await startScene(t)
  scene.registry.clean(certname)
  scene.takeLists(await scene.registry.crl())
  const told = () => scene.lines.filter(({ state }) => state === 'revoked').length
  await scene.runtime.advance(DAY_MS - 1)
  scene.own.review()
  t.equal(told(), 1)
  await scene.runtime.advance(1)
  scene.own.review()
  t.equal(told(), 2)
})
