import t from 'tap'
import { nextLists, noLists, type SrvLists } from '../../../src/control/sources/srv-members.ts'
import { at, domain, knowing, records } from './scene.ts'

const srv = `srv _x-puppet._tcp.${domain}`
const ca = `srv _x-puppet-ca._tcp.${domain}`
const hosts = ({ masters }: SrvLists) => masters.map(({ host }) => host)
const first = nextLists(
  noLists,
  domain,
  knowing({ [srv]: records([0, 1, 'a.example.com']), 'target a.example.com': at('192.0.2.1') })
)

t.test('without an answer the list stays', async t => {
  t.same(hosts(first), ['a.example.com'])
  t.same(hosts(nextLists(first, domain, knowing({ [srv]: 'ETIMEOUT' }))), ['a.example.com'])
  t.same(nextLists(noLists, domain, knowing({})), { masters: [], ca: [], remarks: [], wanted: [] })
})

t.test('a list none of whose targets can be found does not replace one that has some', async t => {
  const answer = records([0, 1, 'typo.example.com'], [0, 1, 'other.example.com'])
  const unfound = nextLists(first, domain, knowing({ [srv]: answer, 'target typo.example.com': 'ENOTFOUND' }))
  t.same(hosts(unfound), ['a.example.com'])
  t.match(unfound.remarks, [/no target that _x-puppet\._tcp\.site-a\.example\.com names can be used/])
  t.same(
    unfound.wanted.map(({ host }) => host),
    ['a.example.com', 'other.example.com', 'typo.example.com'],
    'but its names are looked up'
  )
  const known = knowing({ [srv]: answer, 'target other.example.com': at('192.0.2.2') })
  t.same(hosts(nextLists(unfound, domain, known)), ['other.example.com', 'typo.example.com'])
})

t.test('with nothing in force whatever is named is taken', async t => {
  const lists = nextLists(noLists, domain, knowing({ [srv]: records([0, 1, 'a.example.com']) }))
  t.same(hosts(lists), ['a.example.com'])
})

t.test('that there is no such service is believed; records that no host can have are not', async t => {
  t.same(hosts(nextLists(first, domain, knowing({ [srv]: records([0, 0, '.', 0]) }))), [])
  const odd = nextLists(first, domain, knowing({ [srv]: records([0, 0, 'a b']) }))
  t.same(hosts(odd), ['a.example.com'])
  t.match(odd.remarks[0], /names "a b" with port 8140, which no master can have/)
})

t.test('of the targets of the CA only the best one is looked up', async t => {
  const lists = nextLists(
    noLists,
    domain,
    knowing({ [ca]: records([5, 0, 'ca-2'], [0, 0, 'ca-3'], [0, 9, 'ca-1']) })
  )
  t.same(
    lists.ca.map(({ host }) => host),
    ['ca-1', 'ca-3', 'ca-2']
  )
  t.same([...new Set(lists.wanted.map(({ host }) => host))], ['ca-1'])
})
