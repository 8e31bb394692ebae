import t from 'tap'
import { createHeldElsewhere } from '../../src/control/takeover/held-elsewhere.ts'

const m1 = { name: 'm1', url: 'https://m1.example.com:8140' }
const m2 = { name: 'm2', url: 'https://m2.example.com:8140' }
const key = 'm1 https://m1.example.com:8140'

t.test('what several processes hold adds up, for each master alone', async t => {
  const held = createHeldElsewhere(() => {})
  held.told('predecessor', { jrubies: { [key]: 2 }, connections: { [key]: 7 } })
  held.told('successor', { jrubies: { [key]: 1 }, connections: { [key]: 1 } })
  t.equal(held.of(m1), 3)
  t.equal(held.connectionsOf(m1), 8)
  t.equal(held.of(m2), 0)
  const others = { jrubies: { [key]: 2 }, connections: { [key]: 7 } }
  t.same(held.besides('successor'), others, 'nobody is told what it told itself')
  held.forget('predecessor')
  t.equal(held.of(m1), 1)
})

t.test('changes are told, and repetitions are not', async t => {
  let changes = 0
  const held = createHeldElsewhere(() => changes++)
  held.told('predecessor', { jrubies: { [key]: 2 }, connections: { [key]: 7 } })
  held.told('predecessor', { jrubies: { [key]: 2 }, connections: { [key]: 7 } })
  t.equal(changes, 1)
  held.told('predecessor', { jrubies: { [key]: 2 }, connections: {} })
  t.equal(changes, 2, 'fewer connections are news')
  held.told('predecessor', { jrubies: {}, connections: {} })
  held.forget('predecessor')
  held.forget('predecessor')
  t.equal(changes, 4)
})

t.test('a successor that waits is left the last JRuby of a master that has several', async t => {
  const held = createHeldElsewhere(() => {})
  held.toldWaiting(['default'])
  t.equal(held.lent(m1, 4), 0, 'not before this process yields')
  held.yieldToSuccessor()
  t.equal(held.lent(m1, 4), 1)
  t.equal(held.lent(m1, 1), 0, 'the only one stays with those who came first')
  held.told('successor', { jrubies: { [key]: 3 }, connections: {} })
  t.equal(held.lent(m1, 4), 3)
  t.equal(held.lent({ ...m2, pools: ['b'] }, 4), 0, 'nobody waits there for one of another pool')
  held.toldWaiting([])
  t.equal(held.lent(m2, 4), 0)
})
