import type { IncomingMessage } from 'node:http'
import t from 'tap'
import type { Exchange } from '../../src/data/http/exchange.ts'
import { createRunTally, QUIET_MS, type RequestEnd, TELL_MS } from '../../src/data/runs.ts'
import type { RunPart } from '../../src/model/agents.ts'
import { fakeRuntime } from '../support/runtime.ts'

const wallClockMs = Date.UTC(2026, 0, 1)

/** A tally, with what it told, message by message. */
function scene() {
  const runtime = fakeRuntime({ wallClockMs })
  const told: (readonly RunPart[])[] = []
  const tally = createRunTally({ runtime, tell: parts => told.push(parts) })
  /** A request that took a second and has just ended. */
  function note(
    endpointClass: Exchange['class'],
    exchange: Partial<Exchange> & { readonly url?: string; readonly headers?: Record<string, string> } = {},
    end: Partial<RequestEnd> = {}
  ): void {
    const { url = `/puppet/v3/${endpointClass}/a?environment=production`, headers = {}, ...rest } = exchange
    const request = { url, headers } as unknown as IncomingMessage
    const made = {
      certname: 'a.example.com',
      class: endpointClass,
      request,
      startedAtMs: runtime.now() - 1_000,
      master: 'm1',
      upstreamMs: 800,
      isSentAway: false,
      certificateEndsAtMs: 7,
      ...rest
    } as Exchange
    tally.note(made, { status: 200, end: 'complete', atMs: runtime.now(), ...end })
  }
  return { runtime, told, tally, note, parts: () => told.flat() }
}

t.test('a run is told of once, as a whole, some seconds after its report', async t => {
  const { runtime, told, note } = scene()
  await runtime.advance(10_000)
  note('light', { headers: { 'x-puppet-version': '8.10.0' }, url: '/puppet/v3/node/a?environment=first' })
  await runtime.advance(5_000)
  note('catalog', { master: 'm2', url: '/puppet/v3/catalog/a?environment=canary', upstreamMs: 4_000 })
  await runtime.advance(5_000)
  note('light', { master: 'm3' })
  note('report', { master: 'm4', hasRunFailed: false })
  t.same(told, [], 'no request tells by itself')
  await runtime.advance(TELL_MS)
  t.same(told, [
    [
      {
        certname: 'a.example.com',
        startedAtMs: wallClockMs + 9_000,
        endedAtMs: wallClockMs + 20_000,
        requests: 4,
        failures: 0,
        catalog: 'given',
        compileMs: 4_000,
        report: 'fine',
        version: '8.10.0',
        environment: 'canary',
        master: 'm2',
        certificateEndsAtMs: 7
      }
    ]
  ])
  await runtime.advance(10 * QUIET_MS)
  t.equal(told.length, 1)
})

t.test(
  'an agent that falls silent is told of without a report, and what comes later is another part',
  async t => {
    const { runtime, note, parts } = scene()
    note('catalog')
    await runtime.advance(QUIET_MS - TELL_MS)
    t.same(parts(), [])
    await runtime.advance(2 * TELL_MS)
    t.match(parts(), [{ requests: 1, report: undefined }])
    note('report')
    await runtime.advance(TELL_MS)
    t.match(parts(), [{ requests: 1 }, { requests: 1, catalog: undefined, report: 'unread' }])
  }
)

t.test('one that never is silent is told of all the same', async t => {
  const { runtime, note, parts } = scene()
  for (let count = 0; count < 90; count++) {
    note('light')
    await runtime.advance(10_000)
  }
  t.equal(parts().length, 1)
})

t.test('when the control plane asks, it hears what has ended, and not what goes on', async t => {
  const { tally, note, parts } = scene()
  note('report')
  note('light', { certname: 'b.example.com' })
  tally.tellEnded()
  t.match(parts(), [{ certname: 'a.example.com' }])
  tally.tellAll()
  t.match(parts(), [{ certname: 'a.example.com' }, { certname: 'b.example.com' }])
})

t.test(
  'who shows no certificate, and who only asks how somebody is or for certificates, makes no run',
  async t => {
    const { tally, note, parts } = scene()
    note('light', { certname: undefined })
    for (const each of ['status', 'ca', 'admin', 'other'] as const) note(each)
    tally.tellAll()
    t.same(parts(), [])
  }
)

t.test('facts that are sent by themselves end no run', async t => {
  const { tally, note, parts } = scene()
  note('catalog')
  note('report', { url: '/puppet/v3/facts/a?environment=production' })
  tally.tellAll()
  t.match(parts(), [{ requests: 2, report: undefined }])
})

const cases: readonly (readonly [
  string,
  Exchange['class'],
  Partial<RequestEnd>,
  Partial<Exchange>,
  object
])[] = [
  ['a 500', 'light', { status: 500 }, {}, { failures: 1 }],
  ['a file that is not there', 'light', { status: 404 }, {}, { failures: 0 }],
  [
    'a refused catalog',
    'catalog',
    { status: 403 },
    {},
    { failures: 1, catalog: 'failed', compileMs: undefined }
  ],
  ['a catalog that broke off', 'catalog', { end: 'master-lost' }, {}, { failures: 1, catalog: 'failed' }],
  [
    'a catalog that its agent did not wait for',
    'catalog',
    { status: 499, end: 'agent-gone' },
    {},
    { failures: 0, catalog: undefined }
  ],
  [
    'an agent that is told to come back',
    'catalog',
    { status: 503, end: 'overloaded' },
    { isSentAway: true },
    { failures: 0, catalog: undefined }
  ],
  [
    'a report that is told to come back',
    'report',
    { status: 503 },
    { isSentAway: true },
    { failures: 0, report: undefined }
  ],
  ['a report of a failed run', 'report', {}, { hasRunFailed: true }, { failures: 0, report: 'failed' }]
]
for (const [what, endpointClass, end, exchange, expected] of cases) {
  t.test(`what counts as failed: ${what}`, async t => {
    const { tally, note, parts } = scene()
    note(endpointClass, exchange, end)
    tally.tellAll()
    t.match(parts(), [{ requests: 1, ...expected }])
  })
}

t.test('however many agents there are, they are told of in messages of 500, and none is lost', async t => {
  const { told, tally, note, parts } = scene()
  for (let count = 0; count < 25_000; count++) note('light', { certname: `a${count}` })
  t.equal(parts().length, 20_000, 'so many are followed at a time')
  tally.tellAll()
  t.ok(told.every(({ length }) => length <= 500))
  t.equal(new Set(parts().map(({ certname }) => certname)).size, 25_000)
})
