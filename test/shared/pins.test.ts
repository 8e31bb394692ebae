import t from 'tap'
import { idOf } from '../../src/model/master.ts'
import { createPinTable, type Pin } from '../../src/shared/pins.ts'
import { seededDice } from '../support/runtime.ts'
import { startThread } from './threads.ts'

t.test('a certname stays pinned until its time is up, and each use prolongs it', async t => {
  const pins = createPinTable({ sets: 16, lifeMs: 10_000 })
  t.equal(pins.get('web-1', 5), -1)
  pins.set('web-1', 3, 1_000)
  t.equal(pins.get('web-1', 10_999), 3)
  t.equal(pins.get('web-1', 11_000), -1)
  pins.set('web-1', 2, 15_000)
  t.equal(pins.get('web-1', 24_000), 2)
})

t.test('times of this century and ids of 31 bits fit a pin', async t => {
  const pins = createPinTable({ sets: 16, lifeMs: 10_000 })
  const id = idOf(255, 2 ** 23 - 1)
  for (const nowMs of [Date.UTC(2026, 0), Date.UTC(2039, 0), Date.UTC(2100, 0)]) {
    pins.set('web-1', id, nowMs)
    t.equal(pins.get('web-1', nowMs + 9_000), id)
    t.equal(pins.get('web-1', nowMs + 11_000), -1)
  }
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

t.test('whether a pin leads to a master is known, until the last one has ended', async t => {
  const pins = createPinTable({ sets: 16, lifeMs: 1_000 })
  t.notOk(pins.isLedTo(0, 1), 'an empty place leads nowhere, not even to id 0')
  pins.set('web-1', 7, 0)
  pins.set('web-2', 7, 5_000)
  pins.set('web-3', 7, 5_000)
  t.ok(pins.isLedTo(7, 1))
  t.notOk(pins.isLedTo(idOf(7, 1), 1), 'nobody else who sits there later')
  pins.remove('web-2')
  t.ok(pins.isLedTo(7, 5_999), 'one has ended and one is removed, and one is left')
  t.notOk(pins.isLedTo(7, 6_000))
})

t.test(
  'of many masters each is led to until its own last pin has ended, whatever order they end in',
  async t => {
    const dice = seededDice(11)
    const pins = createPinTable({ sets: 64, lifeMs: 600_000 })
    const masterOf = new Map<string, number>()
    for (let index = 0; index < 200; index++) {
      const name = `web-${index}`
      masterOf.set(name, Math.floor(dice() * 5))
      pins.set(name, masterOf.get(name) as number, 0)
    }
    const standing = () => [...masterOf].filter(([name, id]) => pins.get(name, 1) === id)
    for (let left = standing(); left.length > 0; left = standing()) {
      for (let id = 0; id < 5; id++) {
        const isLedTo = left.some(each => each[1] === id)
        if (pins.isLedTo(id, 1) !== isLedTo) t.fail(`master ${id} with ${left.length} pins left`)
      }
      const [name] = left[Math.floor(dice() * left.length)] as [string, number]
      pins.remove(name)
    }
    t.same(
      [0, 1, 2, 3, 4].filter(id => pins.isLedTo(id, 1)),
      []
    )
  }
)

t.test('who asks on whether a pin still leads to a master has not all of them looked at', async t => {
  const pins = createPinTable({ sets: 1_024, lifeMs: 1_000 })
  pins.set('web-1', 7, 0)
  pins.isLedTo(7, 1)
  const reads = t.capture(Atomics, 'load', Atomics.load)
  for (let round = 0; round < 100; round++) pins.isLedTo(7, 1)
  t.ok(reads().length < 1_000, 'a few for each time')
})

t.test('all threads see the same pins', async t => {
  const one = createPinTable({ sets: 16, lifeMs: 1_000 })
  const other = createPinTable({ sets: 16, lifeMs: 1_000 }, one.buffer)
  one.set('web-1', 1, 0)
  t.equal(other.get('web-1', 1), 1)
})

t.test('a full set forgets the pin that would have ended first, and never grows', async t => {
  const pins = createPinTable({ sets: 1, lifeMs: 10_000 })
  for (let index = 0; index < 5; index++) pins.set(`web-${index}`, index, index * 1_000)
  t.equal(pins.get('web-0', 5_000), -1)
  t.same(
    [1, 2, 3, 4].map(index => pins.get(`web-${index}`, 5_000)),
    [1, 2, 3, 4]
  )
})

t.test('ten thousand certnames do not get into each other’s way', async t => {
  const pins = createPinTable({ sets: 16_384, lifeMs: 1_000 })
  for (let index = 0; index < 10_000; index++) pins.set(`agent-${index}.example.com`, index % 7, 0)
  let lost = 0
  for (let index = 0; index < 10_000; index++) {
    const id = pins.get(`agent-${index}.example.com`, 1)
    if (id === -1) lost++
    else if (id !== index % 7) t.fail(`agent-${index} has the pin of another`)
  }
  t.ok(lost < 20, `${lost} of 10,000 pins were pushed out`)
})

t.test('two threads that write one set never make a third read a master that is not the agent’s', async t => {
  const size = { sets: 1, lifeMs: 10_000 }
  const pins = createPinTable(size)
  const names = 12
  // Each name has ids of its own: 1000 times its number, and a little.
  const body = `
    const pins = exports.createPinTable(data.size, data.buffer)
    let foreign = 0
    for (let round = 0; round < 300000; round++) {
      const name = (round * 7 + data.seed) % ${names}
      pins.set('agent-' + name, name * 1000 + round % 1000, (round % 50) * 1000)
      if (round % 11 === 0) pins.remove('agent-' + name)
      const other = (round * 5 + data.seed) % ${names}
      const id = pins.get('agent-' + other, 0)
      if (id >= 0 && Math.floor(id / 1000) !== other) foreign++
    }
    post(foreign)`
  const threads = [1, 2].map(seed => startThread(t, 'pins.ts', body, { buffer: pins.buffer, size, seed }))
  const finished = Promise.all(threads.map(thread => thread.message()))
  let isOver = false
  void finished.then(() => {
    isOver = true
  })
  let found = 0
  let foreign = 0
  while (!isOver) {
    for (let name = 0; name < names; name++) {
      const id = pins.get(`agent-${name}`, 0)
      if (id >= 0) found++
      if (id >= 0 && Math.floor(id / 1000) !== name) foreign++
    }
    await new Promise(setImmediate)
  }
  t.same(await finished, [0, 0])
  t.equal(foreign, 0)
  t.ok(found > 0, 'and pins are read meanwhile')
})

t.test('a pin that is torn in any way is no pin', async t => {
  const dice = seededDice(3)
  const pins = createPinTable({ sets: 1, lifeMs: 10_000 })
  const cells = new Int32Array(pins.buffer)
  for (let round = 0; round < 2_000; round++) {
    cells.fill(0)
    pins.set('agent-a', 1, 0)
    const before = cells.slice()
    pins.remove('agent-a')
    cells.fill(0)
    pins.set(dice() < 0.5 ? 'agent-a' : 'agent-b', 2, 5_000)
    const after = cells.slice()
    // The first pin lies in the first cells, and so does the second.
    const differing = [...before.keys()].filter(at => before[at] !== after[at])
    const torn = differing.filter(() => dice() < 0.5)
    if (torn.length === 0 || torn.length === differing.length) continue
    for (const at of torn) cells[at] = before[at] as number
    if (pins.get('agent-a', 0) !== -1 || pins.get('agent-b', 0) !== -1) t.fail(`torn at ${torn}`)
  }
})

t.test('a pin is told once whoever is told has it, until it leads elsewhere or another one is told', t => {
  const pins = createPinTable({ sets: 8, lifeMs: 60_000 })
  pins.set('agent-a', 7, 0)
  t.ok(pins.isTold('agent-a'), 'nobody is to know of it')
  const tell = () => {
    const all: Pin[] = []
    pins.eachChanged(new Int32Array(pins.places), (_place, pin) => pin && all.push(pin))
    return () => {
      for (const pin of all) pins.setTold(pin)
    }
  }
  pins.beginTelling()
  t.notOk(pins.isTold('agent-a'))
  t.ok(pins.isTold('agent-b'), 'who has no pin may go anywhere')
  tell()()
  t.ok(pins.isTold('agent-a'))
  pins.set('agent-a', 7, 30_000)
  t.ok(pins.isTold('agent-a'), 'longer with the same master is no news')
  const late = tell()
  pins.set('agent-a', 8, 30_000)
  late()
  t.notOk(pins.isTold('agent-a'), 'the word that is taken is an older one')
  tell()()
  pins.beginTelling()
  t.notOk(pins.isTold('agent-a'), 'the next one knows nothing yet')
  pins.endTelling()
  t.ok(pins.isTold('agent-a'))
  t.end()
})

t.test('the pin of the next run is news, should it lead to the same master', t => {
  const pins = createPinTable({ sets: 8, lifeMs: 60_000 })
  const seen = new Int32Array(pins.places)
  const all: Pin[] = []
  const look = () => pins.eachChanged(seen, (_place, pin) => pin && all.push(pin))
  const taken = () => {
    for (const pin of all.splice(0)) pins.setTold(pin)
  }
  pins.beginTelling()
  pins.set('agent-a', 7, 0)
  look()
  taken()
  t.ok(pins.isTold('agent-a'))
  pins.remove('agent-a')
  pins.set('agent-a', 7, 10)
  t.notOk(pins.isTold('agent-a'), 'whoever is told may have heard of the end, and of nothing else')
  look()
  t.equal(all.length, 1)
  pins.remove('agent-a')
  pins.set('agent-a', 7, 20)
  taken()
  t.notOk(pins.isTold('agent-a'), 'the word that is taken is of the run before')
  t.end()
})

t.test('an agent that comes while its pin is put here is pinned by this process from then on', t => {
  const there = createPinTable({ sets: 8, lifeMs: 60_000 })
  there.set('agent-a', 7, 0)
  const carried: Pin[] = []
  there.eachChanged(new Int32Array(there.places), (_place, pin) => pin && carried.push(pin))
  const pin = carried[0] as Pin
  const here = createPinTable({ sets: 8, lifeMs: 60_000 })
  const worker = createPinTable({ sets: 8, lifeMs: 60_000 }, here.buffer)
  const { store } = Atomics
  let hasCome = false
  // The worker comes as soon as it could read the pin.
  t.intercept(Atomics, 'store', {
    value(cells: Int32Array, at: number, value: number) {
      store(cells, at, value)
      if (hasCome || worker.get('agent-a', 10) !== 7) return value
      hasCome = true
      worker.set('agent-a', 7, 10)
      return value
    }
  })
  here.put(pin)
  t.ok(hasCome)
  here.drop(pin)
  t.equal(here.get('agent-a', 20), 7, 'a late word of the process before ends nothing')
  t.end()
})
