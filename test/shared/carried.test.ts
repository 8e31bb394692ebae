import t from 'tap'
import { adoptCarried, carriedFrom } from '../../src/control/takeover/carried.ts'
import { createPinTable, type Pin } from '../../src/shared/pins.ts'
import { createReturnTurns } from '../../src/shared/return-turns.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import { fakeRuntime } from '../support/runtime.ts'

const size = { sets: 8, lifeMs: 60_000 }

t.test('pins that were written, moved or ended are found once', async t => {
  const pins = createPinTable(size)
  const seen = new Int32Array(pins.places)
  const changes = () => {
    const found: (Pin | undefined)[] = []
    pins.eachChanged(seen, (_place, pin) => found.push(pin))
    return found
  }
  t.same(changes(), [])
  pins.set('a.example.com', 7, 1_000)
  const [pin] = changes()
  t.match(pin, { id: 7, endsAtS: 61 })
  t.same(changes(), [])
  pins.set('a.example.com', 8, 1_000)
  t.match(changes(), [{ id: 8 }])
  pins.remove('a.example.com')
  t.same(changes(), [undefined])
})

t.test('a pin that is being prolonged while it is looked at has not ended', async t => {
  const pins = createPinTable(size)
  const seen = new Int32Array(pins.places)
  const found: (Pin | undefined)[] = []
  const look = () => pins.eachChanged(seen, (_place, pin) => found.push(pin))
  pins.set('a.example.com', 7, 1_000)
  look()
  const cells = new Int32Array(pins.buffer)
  const before = cells.slice()
  pins.set('a.example.com', 7, 2_000)
  const seal = cells.findIndex((cell, at) => cell !== before[at] && cell !== 62)
  const after = cells[seal] as number
  cells[seal] = before[seal] as number
  look()
  t.equal(found.length, 1, 'its end is written, and its seal is not yet')
  cells[seal] = after
  look()
  t.match(found[1], { id: 7, endsAtS: 62 })
})

/** Two processes, and what the second is told of the first one's pins. */
function kin() {
  const [from, to] = [createPinTable(size), createPinTable(size)]
  const tell = () => {
    const carried: Pin[] = []
    from.eachChanged(new Int32Array(from.places), (_place, pin) => pin && carried.push(pin))
    return carried
  }
  return { from, to, tell }
}

t.test('a pin that is put holds in another table, until it is dropped', async t => {
  const { from, to, tell } = kin()
  from.set('a.example.com', 7, 1_000)
  const [pin] = tell() as [Pin]
  to.put(pin)
  t.equal(to.get('a.example.com', 1_000), 7)
  from.set('a.example.com', 8, 1_000)
  const [moved] = tell() as [Pin]
  to.put(moved)
  t.equal(to.get('a.example.com', 1_000), 8)
  to.drop(pin)
  t.equal(to.get('a.example.com', 1_000), 8, 'a newer one is not dropped with it')
  to.drop(moved)
  t.equal(to.get('a.example.com', 1_000), -1)
})

t.test(
  'what is told late of an agent that has begun a run at the successor changes nothing there',
  async t => {
    const { from, to, tell } = kin()
    from.set('a.example.com', 7, 1_000)
    const [pin] = tell() as [Pin]
    to.set('a.example.com', 9, 1_000)
    to.put(pin)
    t.equal(to.get('a.example.com', 1_000), 9, 'its run stays where it is')
    to.drop(pin)
    t.equal(to.get('a.example.com', 1_000), 9)
  }
)

t.test('the end of a run at one process does not end the pin of the next run at its successor', async t => {
  const { from, to, tell } = kin()
  from.set('a.example.com', 7, 1_000)
  const [pin] = tell() as [Pin]
  to.put(pin)
  from.remove('a.example.com')
  // It is there before the word of the end is, follows the pin it finds, and prolongs it within the same second.
  to.set('a.example.com', to.get('a.example.com', 1_001), 1_001)
  to.drop(pin)
  t.equal(to.get('a.example.com', 1_001), 7)
  to.set('a.example.com', 8, 1_002)
  to.put(pin)
  t.equal(to.get('a.example.com', 1_002), 8)
})

t.test('an agent that was told when to come back keeps its turn over a takeover', async t => {
  const { schedule } = fakeRuntime()
  const [from, to] = [
    createReturnTurns({ workers: 1, schedule }),
    createReturnTurns({ workers: 1, schedule })
  ]
  const wish = { nowMs: 0, earliestMs: 10_000, latestMs: 100_000, paceMs: 1_000 }
  const turn = from.turnOf(0, 'a.example.com', wish)
  await to.adopt(from.given(0))
  t.equal(to.turnOf(0, 'a.example.com', wish), turn)
  t.equal(to.turnOf(0, 'b.example.com', wish), turn + 1_000, 'and others come behind it')
})

t.test(
  'the queue of each pool goes on where it was, whatever its number is in the other process',
  async t => {
    const scene = (queue: number) => {
      const runtime = fakeRuntime()
      return {
        runtime,
        returns: createReturnTurns({ workers: 1, ...runtime }),
        slots: createSlotTable({ workers: 1, entries: 4 }, runtime),
        pools: () => [
          { name: 'default', queue: 0 },
          { name: 'dmz', queue }
        ]
      }
    }
    const [from, to] = [scene(1), scene(2)]
    await from.runtime.advance(5_000)
    const wish = (of: ReturnType<typeof scene>, queue: number) => {
      const nowMs = of.runtime.now()
      return { nowMs, earliestMs: nowMs + 10_000, latestMs: nowMs + 100_000, paceMs: 1_000, queue }
    }
    const waits = (of: ReturnType<typeof scene>, name: string, queue: number) =>
      of.returns.turnOf(0, name, wish(of, queue)) - of.runtime.now()
    t.equal(waits(from, 'dmz/a.example.com', 1), 11_000)
    await from.slots.learnMeans(1, [10, 20, 3_000])
    const carried = JSON.parse(JSON.stringify(carriedFrom(from, new Map())))
    await adoptCarried(carried, to)
    t.same(to.slots.meansMs(2), [10, 20, 3_000])
    t.same(to.slots.meansMs(0), [0, 0, 0])
    t.equal(waits(to, 'dmz/a.example.com', 2), 11_000, 'its turn is kept')
    t.equal(waits(to, 'dmz/b.example.com', 2), 12_000, 'and others come behind it')
    t.equal(waits(to, 'c.example.com', 0), 11_000, 'but not those of another pool')
    await adoptCarried({ ...carried, queues: { gone: carried.queues.dmz } }, to)
  }
)

t.test('JRubies that are lent leave less room, and nobody tries his luck there', async t => {
  const { now, schedule } = fakeRuntime()
  const table = createSlotTable({ workers: 1, entries: 4 }, { now, schedule })
  const room = async (limits: { readonly foreign?: number; readonly lent?: number }) => {
    await table.setSeats(new Map([[0, { capacity: 2, foreign: 0, takesNewRuns: true, ...limits }]]))
    return table.hasRoom(0)
  }
  t.equal(await room({ foreign: 2 }), true)
  t.equal(await room({ lent: 1 }), true)
  t.equal(await room({ lent: 2 }), false)
  t.equal(await room({ lent: 0 }), true)
})
