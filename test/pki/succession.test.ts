import t from 'tap'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import type { AuthorityList } from '../../src/pki/crl.ts'
import {
  laterOf,
  neverChanged,
  servedProblems,
  sizeChanges,
  successionProblems
} from '../../src/pki/succession.ts'
import { createAuthority } from '../../src/simulation/certificates.ts'

const DAY_MS = 86_400_000
let made = 0

function list(of: Partial<AuthorityList>): AuthorityList {
  return {
    authority: 'ca',
    issuer: 'CN=Puppet CA',
    entries: 10,
    thisUpdateMs: 100 * DAY_MS,
    nextUpdateMs: undefined,
    number: 5n,
    digest: `list ${made++}`,
    width: 1,
    rows: new Uint8Array(),
    ...of
  }
}

const inForce = list({})
const unnumbered = list({ number: undefined })
const later = { thisUpdateMs: 101 * DAY_MS }
const earlier = { thisUpdateMs: 99 * DAY_MS }

const followers: Readonly<
  Record<string, readonly [before: AuthorityList, after: AuthorityList, reason?: string]>
> = {
  'a higher number': [inForce, list({ number: 6n, ...later })],
  'a higher number with fewer entries': [inForce, list({ number: 6n, entries: 1 })],
  'a higher number although the clock went back': [inForce, list({ number: 6n, ...earlier })],
  'a number longer than 64 bits': [list({ number: 1n << 80n }), list({ number: (1n << 80n) + 1n })],
  'a lower number longer than 64 bits': [
    list({ number: (1n << 80n) + 1n }),
    list({ number: 1n << 80n }),
    'older'
  ],
  'the same list': [inForce, { ...inForce }],
  'the same number with other content': [inForce, list({ ...later }), 'same-number'],
  'a lower number of an earlier day': [inForce, list({ number: 4n, ...earlier, entries: 9 }), 'older'],
  'a lower number of a later day with as many entries': [inForce, list({ number: 4n, ...later }), 'older'],
  'a lower number of a later day with fewer entries': [
    inForce,
    list({ number: 0n, ...later, entries: 2 }),
    'infrastructure'
  ],
  'no number where there was one': [inForce, list({ number: undefined, ...later }), 'older'],
  'no number and a later day': [unnumbered, list({ number: undefined, ...later })],
  'no number and the same second': [unnumbered, list({ number: undefined })],
  'no number and an earlier day': [unnumbered, list({ number: undefined, ...earlier }), 'older'],
  'the first number and a later day': [unnumbered, list({ number: 0n, ...later })],
  'the first number and an earlier day': [unnumbered, list({ number: 9n, ...earlier }), 'older']
}

for (const [what, [before, after, reason]] of Object.entries(followers)) {
  t.test(`${what} is ${reason === undefined ? 'taken' : 'refused'}`, async t => {
    const problems = successionProblems([before], [after], new Set(['ca']))
    t.same(
      problems.map(each => each.reason),
      reason === undefined ? [] : [reason]
    )
    for (const { text } of problems) t.match(text, /^holds .*"CN=Puppet CA"/)
    t.equal(laterOf([before], [after], new Set(['ca']))[0], reason === undefined ? after : before)
  })
}

t.test('a list that is left out is missing, unless its CA has gone', async t => {
  const other = list({ authority: 'other' })
  t.match(successionProblems([inForce], [other], new Set(['ca', 'other'])), [{ reason: 'missing' }])
  t.same(successionProblems([inForce], [other], new Set(['other'])), [])
})

t.test('a first list that came while others were read stays, unless its CA has gone', async t => {
  const other = list({ authority: 'other' })
  t.same(laterOf([inForce, other], [inForce], new Set(['ca', 'other'])), [inForce, other])
  t.same(laterOf([inForce, other], [inForce], new Set(['ca'])), [inForce])
})

t.test('the list of a CA that had none follows nothing', async t => {
  t.same(successionProblems([], [inForce], new Set(['ca'])), [])
})

t.test('fewer or more entries are told with both counts, as many are not', async t => {
  for (const entries of [9, 11])
    t.same(sizeChanges([inForce], [list({ entries })]), [
      { issuer: 'CN=Puppet CA', before: 10, after: entries }
    ])
  t.same(sizeChanges([inForce], [list({ entries: 10 })]), [])
  t.same(sizeChanges([], [inForce]), [])
})

const served: Readonly<Record<string, readonly [of: Partial<AuthorityList>, reason?: string]>> = {
  'a higher number': [{ number: 6n }],
  'a lower number of an earlier day and fewer entries': [
    { number: 0n, ...earlier, entries: 0 },
    'infrastructure'
  ],
  'the same number and fewer entries': [{ entries: 9 }, 'infrastructure'],
  'a lower number and as many entries': [{ number: 4n }, 'older'],
  'the same number and as many entries': [{ ...later }, 'same-number']
}

for (const [what, [of, reason]] of Object.entries(served)) {
  t.test(`${what}, served by the CA itself, is ${reason ?? 'taken'}`, async t => {
    const problems = servedProblems([inForce], [list(of)], new Set(['ca']))
    t.same(
      problems.map(each => each.reason),
      reason === undefined ? [] : [reason]
    )
  })
}

t.test('a list that a CA lacks is missing, whoever serves it', async t => {
  t.match(servedProblems([inForce], [], new Set(['ca'])), [{ reason: 'missing' }])
})

t.test(
  'a list that never changed in a month is one to wonder about, unless its CA issues CAs alone',
  async t => {
    const authorities = authoritiesOf((await createAuthority()).bundle)
    const [below, above] = authorities.map(({ keyId }) => keyId) as [string, string]
    const first = { number: 0n, entries: 0, nextUpdateMs: undefined }
    const doubts = (...lists: readonly AuthorityList[]) => neverChanged(lists, authorities, 131 * DAY_MS)
    const doubtful = list({ ...first, authority: below })
    t.same(doubts(doubtful, list({ ...first, authority: above })), [doubtful])
    for (const rest of [{ entries: 1 }, { number: 1n }, { number: undefined }, later])
      t.same(doubts(list({ ...first, authority: below, ...rest })), [])
  }
)
