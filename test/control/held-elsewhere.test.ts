import t from 'tap'
import { createHeldElsewhere } from '../../src/control/takeover/held-elsewhere.ts'

const m1 = { name: 'm1', url: 'https://m1.example.com:8140' }
const m2 = { name: 'm2', url: 'https://m2.example.com:8140' }
const key = 'm1 https://m1.example.com:8140'

t.test('what several processes hold adds up, for each master alone', async t => {
  const held = createHeldElsewhere(() => {})
  held.told('predecessor', { [key]: 2 })
  held.told('successor', { [key]: 1 })
  t.equal(held.of(m1), 3)
  t.equal(held.of(m2), 0)
  t.same(held.besides('successor'), { [key]: 2 }, 'nobody is told what it told itself')
  held.forget('predecessor')
  t.equal(held.of(m1), 1)
})

t.test('changes are told, and repetitions are not', async t => {
  let changes = 0
  const held = createHeldElsewhere(() => changes++)
  held.told('predecessor', { [key]: 2 })
  held.told('predecessor', { [key]: 2 })
  t.equal(changes, 1)
  held.told('predecessor', {})
  held.forget('predecessor')
  held.forget('predecessor')
  t.equal(changes, 3)
})

t.test('a successor that waits is left the last JRuby of a master that has several', async t => {
  const held = createHeldElsewhere(() => {})
  held.toldWaiting(true)
  t.equal(held.lent(m1, 4), 0, 'not before this process yields')
  held.yieldToSuccessor()
  t.equal(held.lent(m1, 4), 1)
  t.equal(held.lent(m1, 1), 0, 'the only one stays with those who came first')
  held.told('successor', { [key]: 3 })
  t.equal(held.lent(m1, 4), 3)
  held.toldWaiting(false)
  t.equal(held.lent(m2, 4), 0)
})
