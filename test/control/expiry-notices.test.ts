import t from 'tap'
import type { CertificateEnd } from '../../src/control/certificate-ends.ts'
import { createEventLog } from '../../src/control/event-log.ts'
import { createExpiryNotices } from '../../src/control/expiry-notices.ts'
import { captureLog } from '../support/log-lines.ts'
import { fakeRuntime } from '../support/runtime.ts'

const dayMs = 86_400_000
const hourMs = 3_600_000

function setUp(given: (nowMs: number) => CertificateEnd[]) {
  const runtime = fakeRuntime()
  let ends = given(runtime.wallClock())
  const { log, lines } = captureLog()
  const events = createEventLog(runtime.wallClock)
  const notices = createExpiryNotices({ ends: () => ends, runtime, log, events })
  return {
    runtime,
    notices,
    events,
    told: () => lines.map(({ msg, role, daysLeft }) => `${role} ${daysLeft} ${msg}`),
    replace: (next: (nowMs: number) => CertificateEnd[]) => {
      ends = next(runtime.wallClock())
    }
  }
}

const ending =
  (role: string, inMs: number, more: Partial<CertificateEnd> = {}) =>
  (nowMs: number): CertificateEnd[] => [
    { role, notAfter: new Date(nowMs + inMs), source: `${role}.pem`, ...more }
  ]
const soon = 'a certificate in use ends soon'

t.test('it is told once 30, 14, 7 and 1 days before and when it is over, whatever is reloaded', async t => {
  const { notices, runtime, told, events } = setUp(ending('server', 31 * dayMs))
  notices.start()
  for (let hour = 0; hour < 33 * 24; hour++) {
    await runtime.advance(hourMs)
    // As after a reload.
    notices.look()
  }
  t.same(told(), [
    `server 30 ${soon}`,
    `server 14 ${soon}`,
    `server 7 ${soon}`,
    `server 1 ${soon}`,
    'server -1 a certificate in use has expired'
  ])
  t.match(events.recent(), [
    { kind: 'certificate', text: /^a certificate in use ends soon: server, of server\.pem, on 2026-02-01/ }
  ])
})

t.test('what has less left at the start is told at once, for the stage it is at', async t => {
  const { notices, runtime, told } = setUp(ending('ca-1', 10 * dayMs))
  notices.start()
  await runtime.advance(2 * hourMs)
  t.same(told(), [`ca-1 10 ${soon}`])
})

t.test('another one in its place is told anew, and none once it is good', async t => {
  const { notices, told, replace } = setUp(ending('server', 5 * dayMs))
  notices.look()
  replace(ending('server', 400 * dayMs))
  notices.look()
  replace(ending('server', 6 * dayMs))
  notices.look()
  t.same(told(), [`server 5 ${soon}`, `server 6 ${soon}`])
})

t.test('a CA with an heir is not worth a word', async t => {
  const { notices, told } = setUp(ending('ca-1', -dayMs, { hasHeir: true }))
  notices.look()
  t.same(told(), [])
})

t.test('a list is told before; that it is out of date is told with what becomes of agents', async t => {
  const { notices, runtime, told } = setUp(ending('crl', 1.5 * dayMs))
  notices.start()
  await runtime.advance(3 * dayMs)
  t.same(told(), ['crl 1 a revocation list in use ends soon', 'crl 1 a revocation list in use ends soon'])
})

t.test('nothing is told any more once it is stopped', async t => {
  const { notices, runtime, told } = setUp(ending('server', 31 * dayMs))
  notices.start()
  notices.stop()
  await runtime.advance(40 * dayMs)
  t.same(told(), [])
})
