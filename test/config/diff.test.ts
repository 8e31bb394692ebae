import t from 'tap'
import { diffOf, diffOfSummaries, isBootKey, renderDiff } from '../../src/config/diff.ts'
import { leaves } from '../../src/config/schema-tree.ts'
import { summaryOf } from '../../src/config/summary.ts'
import { authority, load, minimal, pemFiles } from './fixture.ts'

const secret = 'correct-horse-battery-staple'
const other = await authority.issue({ certname: 'puppet.example.com' })

const full = `tls: { cert: server.pem, key: server.key, ca: ca.pem, crl: { file: crl.pem, fetch: true, directory: lists, refresh: 1m } }
enroll: { name: puppet.example.com, altNames: [puppet], caFingerprint: "${'AB:'.repeat(31)}CD" }
ca: { url: "https://ca" }
masters:
  - { name: m1, url: "https://m1", capacity: 4 }
  - { name: m2, url: "https://m2", weight: 3, priority: 1 }
  - { name: raw, url: "https://raw", pools: [raw] }
discovery: { srv: { domain: site-a.example.com, servers: [10.0.0.53] } }
upstream: { tls: { ca: ca.pem, cert: server.pem, key: server.key, serverName: puppet } }
access: { administrators: [ops, dev] }
admin: { hosts: [lb], socket: /run/lb.sock, token: { file: admin.token } }
state: { directory: state }
log: { file: lb.log }
`
const ways = 'listen: { proxyProtocol: { from: [10.0.0.0/8] }, tcp: [{ port: 8141, pool: raw }] }\n'
const files = { 'admin.token': secret }

t.test('a summary says every key of the file, and masters by name', async t => {
  const summary = summaryOf(load(t, `${full}${ways}`, { files }))
  const named = leaves.map(({ path }) => path.join('.'))
  // Masters follow by name, the old name of the administrators means another key, and a token is one however it comes.
  const expected = named.flatMap(key => {
    if (key === 'admin.allow') return []
    if (key === 'admin.token.file') return ['admin.token']
    return key === 'masters' || key === 'routes' ? [] : [key]
  })
  const keys = Object.keys(summary)
  t.same(keys.filter(key => !/^(masters\.|routes\[|listen\.tcp\.)/.test(key)).toSorted(), expected.toSorted())
  t.same(
    keys.filter(key => /^masters\.m[12]\./.test(key)),
    [
      'masters.m1.url',
      'masters.m1.weight',
      'masters.m1.priority',
      'masters.m1.capacity',
      'masters.m1.resolve',
      'masters.m1.pools',
      'masters.m2.url',
      'masters.m2.weight',
      'masters.m2.priority',
      'masters.m2.resolve',
      'masters.m2.pools'
    ]
  )
  t.match(summary, {
    'listen.drainTimeout': '10m',
    'listen.drainDelay': '0s',
    'tls.crl.refresh': '1m',
    'access.administrators': 'ops, dev',
    'admin.token': 'set',
    'tls.cert': /\/server\.pem \(sha256 [0-9a-f]{12}\)$/
  })
})

t.test('a summary holds no secret', async t => {
  const printed = JSON.stringify(summaryOf(load(t, full, { files })))
  t.notMatch(printed, secret)
  for (const line of pemFiles['server.key'].split('\n').filter(line => line && !line.startsWith('-'))) {
    t.notOk(printed.includes(line))
  }
})

t.test('nothing differs from itself', async t => {
  const config = load(t, full, { files })
  t.same(diffOf(config, config), { changed: [], needsRestart: [] })
  t.equal(renderDiff(diffOf(config, config)), 'nothing would change')
})

/** Loads two versions of one file from one place, so that paths do not differ. */
function between(before: string, after: string, change: { readonly files?: Record<string, string> } = {}) {
  const first = load(t, before, { files })
  return { before: first, after: load(t, after, { files: { ...files, ...change.files } }) }
}

t.test('what differs is told key by key, and which key needs a restart', async t => {
  const changed = full
    .replace('weight: 3', 'weight: 5')
    .replace(', capacity: 4', '')
    .replace('hosts: [lb]', 'port: 9141, hosts: []')
  const { before, after } = between(
    full,
    `${changed}listen: { port: 8141 }\nqueue: { limit: 1, timeout: 1m }\n`
  )
  const diff = diffOf(before, after)
  t.same(renderDiff(diff).split('\n'), [
    'listen.port: 8140 -> 8141 (needs a restart)',
    'masters.m1.capacity: 4 -> none',
    'masters.m2.weight: 3 -> 5',
    'queue.limit: 4000 -> 1',
    'queue.timeout: 5m -> 1m',
    'admin.port: 9140 -> 9141 (needs a restart)',
    'admin.hosts: lb -> none (needs a restart)'
  ])
  t.same(diff.needsRestart, ['listen.port', 'admin.port', 'admin.hosts'])
  t.same(diffOfSummaries(summaryOf(before), summaryOf(after)), diff)
})

t.test('the order of masters does not count, their names do', async t => {
  const renamed = full.replace('name: m2', 'name: m3')
  const { before, after } = between(full, renamed)
  t.same(
    diffOf(before, after).changed.map(({ key, from, to }) => [key, from, to]),
    [
      ['masters.m2', 'https://m2', null],
      ['masters.m3', null, 'https://m2']
    ],
    'one that comes or goes is told as such'
  )
  const [head, m1 = '', m2 = '', ...rest] = full.split(/(?<= \}\n)(?= {2}- )|(?<=masters:\n)|(?=discovery:)/)
  const turned = between(full, [head, m2, m1, ...rest].join(''))
  t.same(diffOf(turned.before, turned.after).changed, [])
})

t.test('a file of the same name with another content differs', async t => {
  const { before, after } = between(minimal(), minimal(), {
    files: { 'server.pem': other.chain, 'server.key': other.key }
  })
  const { changed, needsRestart } = diffOf(before, after)
  t.same(
    changed.map(({ key }) => key),
    ['tls.cert', 'tls.key']
  )
  t.same(needsRestart, [])
})

t.test('another token counts and needs a restart, and neither is shown', async t => {
  const next = 'another-horse-battery-staple'
  const { before, after } = between(full, full, { files: { 'admin.token': next } })
  const diff = diffOf(before, after)
  t.equal(renderDiff(diff), 'admin.token: set -> set to another one (needs a restart)')
  t.same(diff.needsRestart, ['admin.token'])
  t.same(diffOfSummaries(summaryOf(before), summaryOf(after)).changed, [], 'summaries cannot tell')
})

t.test('a token that comes or goes is told once', async t => {
  const without = full.replace(', token: { file: admin.token }', '')
  const { before, after } = between(full, without)
  t.equal(renderDiff(diffOf(before, after)), 'admin.token: set -> none (needs a restart)')
  t.equal(renderDiff(diffOf(after, before)), 'admin.token: none -> set (needs a restart)')
})

t.test('a restart is for listeners and worker threads alone', async t => {
  const boot = leaves.map(({ path }) => path.join('.')).filter(isBootKey)
  t.same(
    boot.filter(key => !key.startsWith('admin.')),
    ['listen.host', 'listen.port', 'listen.workers', 'listen.tcp']
  )
})
