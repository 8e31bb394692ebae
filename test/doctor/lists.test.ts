import t from 'tap'
import type { OwnLists, RunningFacts } from '../../src/doctor/facts.ts'
import { diagnoseLists, type RevocationFacts } from '../../src/doctor/revocation.ts'
import type { CrlSettings } from '../../src/model/settings.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { createTestPki } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem } from '../support/crafted-list.ts'
import { inShort } from '../support/doctor-site.ts'

const DAY_MS = 86_400_000
const YEARS_MS = 5 * 365 * DAY_MS
const nowMs = Date.now()
const pki = await createTestPki()
const authorities = authoritiesOf(pki.authority.bundle)
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const [, issuer = ''] = /^CN=(.*)$/m.exec(authorities[0]?.certificate.subject ?? '') ?? []

/** Lists of both CAs as Puppet Server makes them: good for five years. */
function listOf(number: number, daysOld: number, serials: readonly bigint[] = []): string {
  const atMs = nowMs - daysOld * DAY_MS
  const dates = { thisUpdate: new Date(atMs), nextUpdate: new Date(atMs + YEARS_MS) }
  const entries = serials.map(serial => ({ serial }))
  return (
    craftPem({ by: signer, ...dates, number: BigInt(number), entries }) +
    craftPem({ by: root, ...dates, number: 0n })
  )
}

const readOf = (pem: string) => readRevocations(Buffer.from(pem), authorities, nowMs)
const usual: CrlSettings = { file: undefined, refreshMs: 60_000, expired: 'keep', place: 'f:1:1' }
const byFetch = { ...usual, fetch: true }
const nothingHere: OwnLists = { files: [], isKept: undefined }

function here(key: 'tls.crl.file' | 'tls.crl.directory', pem: string): OwnLists {
  return { files: [{ key, file: '/f', lists: readOf(pem), problems: [] }], isKept: true }
}

/** What the CA serves, and until when its full list is good, by its age. */
function documents(list: string | undefined, fullDaysOld?: number): RevocationFacts['documents'] {
  const end = fullDaysOld === undefined ? undefined : nowMs - fullDaysOld * DAY_MS + YEARS_MS
  return { bundle: undefined, list, fullListEnds: end === undefined ? undefined : new Map([[issuer, end]]) }
}

type Crl = NonNullable<RunningFacts['crl']>
const goesBy = (facts: Partial<Crl> = {}) => ({
  crl: {
    ...{ entries: 0, thisUpdate: '', nextUpdate: null, number: '1', source: 'ca', problem: null, late: null },
    fetchedAt: new Date(nowMs - 30_000).toISOString(),
    ...facts
  }
})

const diagnose = (facts: Partial<RevocationFacts>) =>
  diagnoseLists({
    ...{ crl: byFetch, isShipped: facts.crl?.file !== undefined, authorities, own: nothingHere, nowMs },
    ...{ documents: documents(undefined), ownList: undefined, running: undefined },
    ...facts
  })
const short = (facts: Partial<RevocationFacts>) => diagnose(facts).findings.map(inShort)

t.test('with fetch and nothing kept, what the CA serves is what counts, and is judged', async t => {
  const served = documents(listOf(3, 2, [7n]), 2)
  t.same(short({ documents: served }), [])
  t.match(diagnose({ documents: served }).lists, [{ entries: 1 }, { entries: 0 }])
  t.same(short({ documents: documents('<html>') }), ['warning revocation ca'])
  t.match(diagnose({ documents: documents(listOf(3, 5 * 365 - 3)) }).findings[0], {
    ...{ level: 'warning', subject: 'tls.crl.fetch', message: /is to be replaced before/ }
  })
})

t.test('what is kept is compared with what the CA has, while a balancer runs', async t => {
  const own = here('tls.crl.directory', listOf(2, 9, [7n]))
  const newer = documents(listOf(3, 2, [7n, 8n]), 2)
  t.same(short({ own, documents: newer, running: goesBy({ number: '2' }) }), ['error revocation ca'])
  t.same(short({ own, documents: newer }), [], 'one that is to start asks first')
  t.same(short({ own, documents: documents(listOf(2, 9, [7n]), 9), running: goesBy() }), [])
})

t.test('where nothing is kept, the number of a running balancer is compared', async t => {
  const served = documents(listOf(3, 2, [7n, 8n]), 2)
  t.same(short({ documents: served, running: goesBy({ number: '3' }) }), [])
  const [finding] = diagnose({ documents: served, running: goesBy({ number: '2', entries: 1 }) }).findings
  t.match(finding, { level: 'error', subject: 'ca', message: /number 3 with 2 revoked.*number 2 with 1/ })
  t.same(
    short({ documents: served, own: { files: [], isKept: false }, running: goesBy({ number: '2' }) }),
    ['warning revocation tls.crl.directory', 'error revocation ca'],
    'a directory that keeps nothing'
  )
  const fresh = documents(listOf(3, 0.001, [7n, 8n]), 0.001)
  t.same(short({ documents: fresh, running: goesBy({ number: '2' }) }), [], 'it may be on its way')
})

t.test('what a running balancer says of its lists is told', async t => {
  const served = documents(listOf(1, 2), 2)
  const said = (crl: Partial<Crl>, own = nothingHere) =>
    diagnose({ documents: served, running: goesBy(crl), own }).findings
  t.same(said({}), [])
  t.match(said({ problem: 'it answered 500' }), [
    { level: 'warning', subject: 'tls.crl.fetch', message: /it last did at .*: it answered 500\.$/ }
  ])
  t.match(said({ problem: 'it answered 500', fetchedAt: null }), [{ message: /\(it never did\)/ }])
  t.match(said({ fetchedAt: new Date(nowMs - DAY_MS).toISOString() }), [
    { level: 'warning', message: /has not asked the CA for lists of late/ }
  ])
  const nextUpdate = new Date(nowMs - DAY_MS).toISOString()
  t.match(said({ late: 'keep', nextUpdate }), [
    { level: 'warning', message: /was to be replaced before 20.*stays/ }
  ])
  t.match(said({ late: 'refuse', nextUpdate }), [{ level: 'error', message: /are refused/ }])
  const late = { running: goesBy({ late: 'keep', nextUpdate }), documents: documents(listOf(1, 5 * 365 + 1)) }
  t.equal(
    diagnose(late).findings.filter(({ message }) => /was to be replaced/.test(message)).length,
    2,
    'once for each list that is seen to be late, and not once more'
  )
  t.match(said({}, { files: [], isKept: false }), [{ level: 'warning', subject: 'tls.crl.directory' }])
  t.match(diagnose({ documents: served, running: { crl: null } }).findings, [
    { level: 'error', subject: 'tls.crl.fetch', message: /has no revocation list in force/ }
  ])
})

t.test('the short list of a CA is known by the date of the full one, whatever it names', async t => {
  for (const short of [listOf(0, 40), listOf(0, 2), listOf(1, 2, [9n]), listOf(1, 0.5)]) {
    const [finding, ...more] = diagnose({ documents: documents(short, 1) }).findings
    t.same(more, [])
    t.match(finding, { level: 'error', subject: 'ca', message: /enable-infra-crl/, remedy: /ca_crl\.pem/ })
  }
  t.same(short({ documents: documents(listOf(0, 2), 2) }), [], 'one that never changed may be the full one')
})

t.test(
  'where the full list is shipped, the short one that is served is no fault while that is fresh',
  async t => {
    const crl = { ...byFetch, file: '/f' }
    const full = listOf(5, 2, [7n, 8n])
    const served = (fullDaysOld?: number) => documents(listOf(0, 40), fullDaysOld)
    t.same(short({ crl, own: here('tls.crl.file', full), documents: served(2) }), [])
    t.same(short({ crl, own: here('tls.crl.file', full), documents: served(0.5) }), ['error revocation ca'])
    t.same(short({ crl, own: here('tls.crl.file', full), documents: served(0.001) }), [], 'it is on its way')
    t.same(
      short({ crl, own: here('tls.crl.file', full), documents: served() }),
      ['note revocation ca'],
      'a CA that says nothing of its full list'
    )
  }
)

t.test(
  'a CA that does not say when its full list ends is told as a doubt, where nothing else tells',
  async t => {
    t.same(short({ documents: documents(listOf(1, 2)) }), ['note revocation ca'])
    const file = { ...usual, file: '/f' }
    t.same(
      short({ crl: file, own: here('tls.crl.file', listOf(1, 2)), documents: documents(listOf(1, 2)) }),
      []
    )
  }
)

t.test('the CA’s own file is compared by what it names, and a fresh one is given time', async t => {
  const own = here('tls.crl.file', listOf(1, 3, [10n]))
  const crl = { ...usual, file: '/f' }
  const compare = (pem: string, isNamed = true) =>
    short({ crl, own, ownList: { file: '/ca/ca_crl.pem', bytes: Buffer.from(pem), isNamed } })
  t.same(compare(listOf(2, 1, [10n])), [])
  t.same(compare(listOf(2, 1, [10n, 11n])), ['error revocation /ca/ca_crl.pem'])
  t.same(compare(listOf(2, 0, [10n, 11n])), [])
  t.same(compare('<html>'), ['warning revocation /ca/ca_crl.pem'])
  t.same(compare('<html>', false), [], 'left from another CA')
})

t.test('a file that cannot be used is told by the key that leads to it', async t => {
  const broken = (key: 'tls.crl.file' | 'tls.crl.directory'): OwnLists => ({
    files: [{ key, file: '/f', lists: [], problems: ['names /f, which is half a list'] }],
    isKept: true
  })
  t.match(diagnose({ own: broken('tls.crl.directory'), documents: documents(listOf(1, 2), 2) }).findings, [
    { level: 'warning', subject: 'tls.crl.directory', remedy: /Remove \/f/ }
  ])
  t.match(diagnose({ crl: { ...usual, file: '/f' }, own: broken('tls.crl.file') }).findings, [
    { level: 'error', subject: 'tls.crl.file', remedy: /ca_crl\.pem/ }
  ])
})
