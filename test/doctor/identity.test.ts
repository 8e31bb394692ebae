import t from 'tap'
import { verdictOf } from '../../src/doctor/asking/identity.ts'
import { checkIdentity } from '../../src/doctor/checks/identity.ts'
import type { IdentityFacts, MemberFacts } from '../../src/doctor/facts.ts'
import { inShort } from '../support/doctor-site.ts'
import { believing, memberFacts, siteFacts } from './facts.ts'

const found = (identity: Partial<IdentityFacts>, facts: Partial<MemberFacts> = {}) =>
  checkIdentity(siteFacts([{ ...facts, identity: { ...believing, ...identity } }])).map(inShort)

t.test('a master that believes the balancer alone is in order', async t => {
  t.same(found({}), [])
})

t.test('one that was asked in vain is not blamed', async t => {
  t.same(found({ withOurs: 'unclear', withNone: 'unclear', withPuppet: 'unclear' }), [])
  t.same(checkIdentity(siteFacts([{}])), [])
})

t.test('who takes no identity from headers is found, and so is a rule that allows too much', async t => {
  t.same(found({ withOurs: 'refused', asOurselves: 'allowed' }), ['error identity alpha'])
  t.same(found({ withOurs: 'refused' }), ['error identity alpha'])
  t.same(found({ forAnother: 'allowed' }), ['warning identity alpha'])
})

t.test('of open doors the widest is told', async t => {
  t.same(found({ withNone: 'allowed' }), ['error identity alpha'])
  t.same(found({ withPuppet: 'allowed' }), ['error identity alpha'])
  t.same(found({ withNone: 'allowed', withPuppet: 'allowed' }).length, 1)
})

t.test('over plain HTTP only the network keeps others out, which is no fault', async t => {
  const plain = { withNone: undefined, withPuppet: undefined }
  t.same(found(plain, { url: 'http://10.0.0.1:8140' }), ['note identity alpha'])
})

t.test('a master of raw TCP must believe nobody', async t => {
  t.same(found({ withOurs: 'unclear' }, { isRaw: true }), [])
  t.same(found({ withOurs: 'unclear', withNone: 'allowed' }, { isRaw: true }), ['error identity alpha'])
  t.same(found({ withOurs: 'allowed', withNone: undefined }, { isRaw: true }), ['error identity alpha'])
})

t.test('a CA need not believe the balancer, but must not believe others', async t => {
  const ca = (identity: Partial<IdentityFacts>) =>
    checkIdentity(
      siteFacts([], { ca: memberFacts({ name: 'ca', identity: { ...believing, ...identity } }) })
    ).map(inShort)
  t.same(ca({ withOurs: 'refused' }), [])
  t.same(ca({ withNone: 'allowed' }), ['error identity ca'])
})

t.test('a status says whether the rules took a request', async t => {
  t.same([400, 200, 403, 401, 404, 500].map(verdictOf), [
    'allowed',
    'allowed',
    'refused',
    'refused',
    'unclear',
    'unclear'
  ])
})
