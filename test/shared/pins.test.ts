import t from 'tap'
import { createPinTable } from '../../src/shared/pins.ts'

t.test('a certname stays pinned until its time is up, and each use prolongs it', async t => {
  const pins = createPinTable({ sets: 16, lifeMs: 1_000 })
  t.equal(pins.get('web-1', 5), -1)
  pins.set('web-1', 3, 10)
  t.equal(pins.get('web-1', 1_009), 3)
  t.equal(pins.get('web-1', 1_010), -1)
  pins.set('web-1', 2, 1_500)
  t.equal(pins.get('web-1', 2_400), 2)
})

t.test('a pin that is removed is gone, and no other', async t => {
  const pins = createPinTable({ sets: 16, lifeMs: 1_000 })
  pins.set('web-1', 1, 0)
  pins.set('web-2', 2, 0)
  pins.remove('web-1')
  pins.remove('never-seen')
  t.equal(pins.get('web-1', 1), -1)
  t.equal(pins.get('web-2', 1), 2)
})

t.test('all threads see the same pins', async t => {
  const one = createPinTable({ sets: 16, lifeMs: 1_000 })
  const other = createPinTable({ sets: 16, lifeMs: 1_000 }, one.buffer)
  one.set('web-1', 1, 0)
  t.equal(other.get('web-1', 1), 1)
})

t.test('a full table forgets the pin that would have ended first, and never grows', async t => {
  const pins = createPinTable({ sets: 1, lifeMs: 1_000 })
  for (let index = 0; index < 5; index++) pins.set(`web-${index}`, index, index)
  t.equal(pins.get('web-0', 10), -1)
  t.same(
    [1, 2, 3, 4].map(index => pins.get(`web-${index}`, 10)),
    [1, 2, 3, 4]
  )
})

t.test('ten thousand certnames do not get into each other’s way', async t => {
  const pins = createPinTable({ sets: 16_384, lifeMs: 1_000 })
  for (let index = 0; index < 10_000; index++) pins.set(`agent-${index}.example.com`, index % 7, 0)
  let lost = 0
  for (let index = 0; index < 10_000; index++) {
    const master = pins.get(`agent-${index}.example.com`, 1)
    if (master === -1) lost++
    else if (master !== index % 7) t.fail(`agent-${index} has the pin of another`)
  }
  t.ok(lost < 20, `${lost} of 10,000 pins were pushed out`)
})
