import t from 'tap'
import { join } from '../../../src/control/sources/join.ts'
import { type SrvTarget, targetsOf } from '../../../src/control/sources/srv.ts'
import { at, knowing, master, settingsOf } from './scene.ts'

const target = (host: string, rest: Partial<SrvTarget> = {}): SrvTarget => ({
  host,
  port: 8140,
  priority: 0,
  weight: 10,
  ...rest
})
const none = { masters: [], ca: [], remarks: [] }
const namesOf = ({ masters }: ReturnType<typeof join>) => masters.map(({ name }) => name)

t.test('what the file names is a member, with or without an address', async t => {
  const known = knowing({ 'host a.example.com': at('192.0.2.1'), 'host b.example.com': 'EAI_AGAIN' })
  const { masters, ca, remarks } = join(settingsOf([master('a'), master('b')]), none, known)
  t.match(masters, [
    { name: 'a', source: 'file', addresses: ['192.0.2.1'] },
    { name: 'b', source: 'file', addresses: [] }
  ])
  t.same(ca, { url: 'https://ca.example.com:8140', addresses: [] })
  t.same(remarks, [])
})

t.test('an address in a URL is what it is', async t => {
  const settings = settingsOf([master('a', { url: 'http://192.0.2.1:8140' })], {
    ca: 'https://[2001:db8::1]'
  })
  const { masters, ca } = join(settings, none, knowing({}))
  t.match(masters, [{ addresses: ['192.0.2.1'] }])
  t.same(ca.addresses, ['2001:db8::1'])
})

t.test('with resolve: all each address is a master under the name of the entry, in order', async t => {
  const settings = settingsOf([
    master('rr', { resolve: 'all', weight: 5, priority: 1, capacity: 2 }),
    master('a')
  ])
  const known = knowing({ 'host rr.example.com': at('192.0.2.50', '192.0.2.4', '2001:db8::1') })
  const joined = join(settings, none, known)
  t.same(namesOf(joined), ['a', 'rr/192.0.2.4', 'rr/192.0.2.50', 'rr/2001:db8::1'])
  t.same(joined.masters[1], {
    ...{ name: 'rr/192.0.2.4', url: 'https://rr.example.com:8140', weight: 5, priority: 1, capacity: 2 },
    ...{ source: 'addresses', addresses: ['192.0.2.4'] }
  })
  t.same(
    namesOf(join(settings, none, knowing({ 'host rr.example.com': 'ETIMEOUT' }))),
    ['a'],
    'none is known'
  )
})

t.test(
  'targets of records are members as soon as their names were looked up, beside those of the file',
  async t => {
    const masters = [
      target('b.example.com', { priority: 1, weight: 750 }),
      target('c.example.com'),
      target('192.0.2.9')
    ]
    const known = knowing({ 'target b.example.com': at('192.0.2.2') })
    const joined = join(settingsOf([master('a')], { bySrv: true }), { ...none, masters }, known)
    t.same(
      namesOf(joined),
      ['a', 'b.example.com:8140', '192.0.2.9:8140'],
      'of c nobody knows yet whether it can be found'
    )
    t.match(joined.masters[1], {
      url: 'https://b.example.com:8140',
      ...{ source: 'srv', weight: 750, priority: 1, addresses: ['192.0.2.2'] }
    })
  }
)

t.test('the entry of the file wins over a record of its host and port, and that is told', async t => {
  const masters = [
    target('a.example.com'),
    target('a.example.com', { port: 8141 }),
    target('b.example.com', { port: 443 })
  ]
  const known = knowing({ 'target a.example.com': at('192.0.2.1'), 'target b.example.com': at('192.0.2.2') })
  const own = [master('first'), master('b', { url: 'https://b.example.com' })].map((each, index) =>
    index === 0 ? { ...each, url: 'https://a.example.com:8140', weight: 7 } : each
  )
  const joined = join(settingsOf(own, { bySrv: true }), { ...none, masters }, known)
  t.same(namesOf(joined), ['first', 'b', 'a.example.com:8141'])
  t.match(joined.masters[0], { weight: 7, source: 'file' })
  t.same(joined.remarks, [
    'an SRV record names a.example.com:8140, which is first of the configuration: its entry there counts',
    'an SRV record names b.example.com:443, which is b of the configuration: its entry there counts'
  ])
})

t.test('the CA of the file wins; else it is the best target, and none in its stead', async t => {
  const ca = [target('ca-1.example.com'), target('ca-2.example.com')]
  const known = knowing({ 'target ca-2.example.com': at('192.0.2.2') })
  t.equal(join(settingsOf([]), { ...none, ca }, known).ca.url, 'https://ca.example.com:8140')
  const bySrv = settingsOf([], { ca: null, bySrv: true })
  t.same(join(bySrv, { ...none, ca }, known).ca, { url: 'https://ca-1.example.com:8140', addresses: [] })
  t.same(join(bySrv, none, known).ca, { url: 'https://_x-puppet-ca._tcp.site-a.example.com', addresses: [] })
})

t.test(
  'there are no more than 128: the file first, then by rank of the records, and the rest is told',
  async t => {
    const found = Array.from({ length: 140 }, (_, index) =>
      target(`m${String(index).padStart(3, '0')}.example.com`)
    )
    const { targets } = targetsOf(
      found.toReversed().map(({ host: name, port }) => ({ name, port, priority: 0, weight: 1 }))
    )
    const known = knowing(Object.fromEntries(found.map(({ host }) => [`target ${host}`, at('192.0.2.1')])))
    const joined = join(settingsOf([master('a')], { bySrv: true }), { ...none, masters: targets }, known)
    t.equal(joined.masters.length, 128)
    t.same([joined.masters[0]?.name, joined.masters[127]?.name], ['a', 'm126.example.com:8140'])
    t.match(joined.remarks, [
      /^there are 13 masters more than the 128 there may be; left out: m127\.example\.com:8140, /
    ])
  }
)

t.test(
  'several addresses of a family are ways to one master, which is told; one of each needs no word',
  async t => {
    const remarksOf = (...addresses: string[]) =>
      join(settingsOf([master('a')]), none, knowing({ 'host a.example.com': at(...addresses) })).remarks
    t.match(remarksOf('192.0.2.1', '192.0.2.2'), [
      /^the name of a has the addresses 192\.0\.2\.1, 192\.0\.2\.2, /
    ])
    t.same(remarksOf('192.0.2.1', '2001:db8::1'), [])
  }
)
