import t from 'tap'
import { certnamePattern } from '../../src/puppet/certname-pattern.ts'

const cases: readonly (readonly [pattern: string, certname: string, matches: boolean])[] = [
  ['web-1.example.com', 'web-1.example.com', true],
  ['WEB-1.Example.com', 'web-1.example.com', true],
  ['web-1.example.com', 'web-1.example.com.evil', false],
  ['web-1', 'web-12', false],
  ['*.dmz.example.com', 'a.b.dmz.example.com', true],
  ['*.dmz.example.com', 'dmz.example.com', false],
  ['*.dmz.example.com', 'a.dmz-example.com', false],
  ['*', 'anything', true],
  ['web-*', 'web-', true],
  ['web*1', 'web1', true],
  ['web1*1', 'web1', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a*bc*c', 'a-bc', false],
  ['**a**', 'xay', true],
  ['a.c', 'abc', false]
]
for (const [pattern, certname, matches] of cases) {
  t.test(`${pattern} ${matches ? 'is' : 'is not'} a pattern for ${certname}`, async t => {
    t.equal(certnamePattern(pattern)(certname), matches)
  })
}

t.test('a pattern of many stars costs no more than its length', async t => {
  t.equal(certnamePattern(`${'*a'.repeat(500)}*b`)('a'.repeat(5_000)), false)
})
