import pino from 'pino'
import t from 'tap'
import { createOwnPlaces } from '../../../src/control/sources/own-places.ts'
import type { Answer, Question } from '../../../src/control/sources/question.ts'
import { createSources, type SourceSettings } from '../../../src/control/sources/sources.ts'
import { fakeRuntime } from '../../support/runtime.ts'
import { at, domain, master, records, settingsOf } from './scene.ts'

/** Sources over answers that the test says; every question is remembered. */
function setUp(settings: SourceSettings, first: Readonly<Record<string, Answer | string>>) {
  const runtime = fakeRuntime()
  const answers = new Map(Object.entries(first))
  const asked: Question[] = []
  let changes = 0
  const sources = createSources(settings, {
    async ask(question) {
      asked.push(question)
      const answer = answers.get(question.name) ?? 'ENOTFOUND'
      if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
      return answer
    },
    ownPlaces: createOwnPlaces({ host: '::', port: 8140, tcpPorts: [8141] }, () => ['192.0.2.80']).now,
    changed: () => void changes++,
    runtime,
    log: pino({ level: 'silent' }),
    events: { add() {} }
  })
  t.teardown(() => sources.stop())
  const names = () => sources.named().masters.map(({ name }) => name)
  return { runtime, answers, asked, sources, names, changes: () => changes }
}

const record = `_x-puppet._tcp.${domain}`
const caRecord = `_x-puppet-ca._tcp.${domain}`

t.test(
  'what records lead to is asked of the same name servers, and only the file asks the system',
  async t => {
    const { asked, sources } = setUp(settingsOf([master('a')], { ca: null, bySrv: true }), {
      [record]: records([0, 1, 'm.example.com']),
      [caRecord]: records([0, 1, 'ca.example.com']),
      'm.example.com': at('192.0.2.1'),
      'ca.example.com': at('192.0.2.2'),
      'a.example.com': at('192.0.2.3')
    })
    await sources.settled(1_000)
    const servers = (name: string) => asked.find(question => question.name === name)?.servers
    t.same([record, caRecord, 'm.example.com', 'ca.example.com'].map(servers), Array(4).fill(['10.0.0.53']))
    t.same(servers('a.example.com'), [])
    t.equal(asked.length, 5)
    t.match(sources.named(), {
      masters: [{ name: 'a' }, { name: 'm.example.com:8140', addresses: ['192.0.2.1'] }],
      ca: { url: 'https://ca.example.com:8140', addresses: ['192.0.2.2'] }
    })
  }
)

t.test('with a CA in the file its record is not asked for', async t => {
  const { asked, sources } = setUp(settingsOf([], { bySrv: true }), {})
  await sources.settled(1_000)
  t.same(asked.map(({ name }) => name).toSorted(), [record, 'ca.example.com'])
})

t.test('records that lead elsewhere are in force once somebody there was found', async t => {
  const { answers, names, sources, runtime, changes } = setUp(settingsOf([], { bySrv: true }), {
    [record]: records([0, 1, 'old.example.com']),
    'old.example.com': at('192.0.2.1')
  })
  await sources.settled(1_000)
  t.same(names(), ['old.example.com:8140'])
  answers.set(record, records([0, 1, 'new.example.com']))
  await runtime.advance(30_000)
  t.same(names(), ['old.example.com:8140'], 'of the new one nothing is known')
  const before = changes()
  answers.set('new.example.com', at('192.0.2.2'))
  await runtime.advance(5_000)
  t.same(names(), ['new.example.com:8140'])
  t.ok(changes() > before)
})

t.test(
  'other settings are looked up before they are in force, and those in force stay until then',
  async t => {
    const { names, sources } = setUp(settingsOf([master('a')]), { 'b.example.com': at('192.0.2.2') })
    await sources.settled(1_000)
    const prepared = await sources.prepare(settingsOf([master('b')]), 1_000)
    t.match(prepared.named.masters, [{ name: 'b', addresses: ['192.0.2.2'] }])
    t.same(names(), ['a'])
    prepared.commit()
    t.same(names(), ['b'])
  }
)

t.test('what settings that were refused lead to is asked no more', async t => {
  const { names, sources, asked, runtime } = setUp(settingsOf([master('a')]), {})
  const prepared = await sources.prepare(settingsOf([master('b')]), 1_000)
  prepared.cancel()
  t.same(names(), ['a'])
  const before = asked.length
  await runtime.advance(20_000)
  t.notOk(asked.slice(before).some(({ name }) => name === 'b.example.com'))
  t.ok(asked.length > before)
})

t.test('a reload asks everything anew', async t => {
  const { sources, asked } = setUp(settingsOf([master('a')]), { 'a.example.com': at('192.0.2.1') })
  await sources.settled(1_000)
  await sources.prepare(settingsOf([master('a')]), 1_000)
  t.equal(asked.filter(({ name }) => name === 'a.example.com').length, 2)
})

t.test('a name that the file and a record both name is asked for once of each', async t => {
  const { sources, asked, names } = setUp(
    settingsOf([master('a'), master('other', { url: 'https://a.example.com:1' })], { bySrv: true }),
    {
      [record]: records([0, 1, 'a.example.com', 9]),
      'a.example.com': at('192.0.2.1')
    }
  )
  await sources.settled(1_000)
  t.same(
    asked.filter(({ name }) => name === 'a.example.com').map(({ kind }) => kind),
    ['host', 'target']
  )
  t.same(names(), ['a', 'other', 'a.example.com:9'])
})

t.test('a record that names this balancer itself is left out, and taken when it leads elsewhere', async t => {
  const { sources, names, answers, runtime } = setUp(settingsOf([master('a')], { ca: null, bySrv: true }), {
    [record]: records(
      [0, 1, 'm.example.com'],
      [0, 1, 'puppet.example.com'],
      [0, 1, 'other.example.com', 8140]
    ),
    [caRecord]: records([0, 1, 'puppet.example.com', 8141], [1, 1, 'ca.example.com']),
    'm.example.com': at('192.0.2.1'),
    'puppet.example.com': at('192.0.2.7', '192.0.2.80'),
    'other.example.com': at('127.0.1.1'),
    'ca.example.com': at('192.0.2.2'),
    'a.example.com': at('192.0.2.3')
  })
  await sources.settled(1_000)
  t.same(names(), ['a', 'm.example.com:8140'])
  t.match(sources.named().remarks, [
    /_x-puppet\._tcp\.\S+ names other\.example\.com:8140, which is this balancer itself; it is left out/,
    /names puppet\.example\.com:8140, which is this balancer itself/,
    /_x-puppet-ca\._tcp\.\S+ names puppet\.example\.com:8141, which is this balancer itself/
  ])
  t.equal(sources.named().ca.url, 'https://ca.example.com:8140')
  answers.set('puppet.example.com', at('192.0.2.7'))
  await runtime.advance(30_000)
  await sources.settled(1_000)
  t.same(names(), ['a', 'm.example.com:8140', 'puppet.example.com:8140'])
  t.equal(sources.named().ca.url, 'https://puppet.example.com:8141')
})

t.test('a master that raw TCP leads to is no CA, whoever says so', async t => {
  const raw = master('raw', { pools: ['raw'] })
  const settings = {
    ...settingsOf([master('a'), raw], { ca: null, bySrv: true }),
    listen: { tcp: [{ port: 8142, pool: 'raw', proxyProtocol: undefined }] }
  }
  const { sources } = setUp(settings, {
    [record]: 'ENOTFOUND',
    [caRecord]: records([0, 1, 'raw.example.com']),
    'raw.example.com': at('192.0.2.1')
  })
  await sources.settled(1_000)
  t.match(sources.named().remarks, [
    /names raw\.example\.com:8140, which is raw, to which listen\.tcp passes TLS on: .*; it is left out/
  ])
  t.equal(sources.named().ca.url, `https://${caRecord}`, 'there is none')
})
