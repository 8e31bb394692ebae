import t from 'tap'
import { CA_PLACES, type CaWaiter, createCaPlaces } from '../../src/data/http/ca-places.ts'
import { fakeRuntime } from '../support/runtime.ts'

const A_NETWORK = CA_PLACES.all * CA_PLACES.networkShare

function setUp(workers = 1) {
  const runtime = fakeRuntime()
  const log: string[] = []
  const onDefect = (error: unknown) => log.push(`defect: ${(error as Error).message}`)
  const places = createCaPlaces({ workers, runtime, onDefect })
  let isUp = false
  const enter = (name: string, remote = name, rest: Partial<CaWaiter> = {}) =>
    places.enter(
      {
        remote,
        isServed: () => isUp,
        goOn: () => log.push(`${name} goes on`),
        giveUp: () => log.push(`${name} gives up`),
        fail: defect => log.push(`${name} fails: ${(defect as Error).message}`),
        ...rest
      },
      60_000
    )
  const rise = () => {
    isUp = true
    places.reconsider()
  }
  return { runtime, places, log, enter, rise }
}

t.test('who waits for the CA goes on when it is up, and gives up when the time is over', async t => {
  const { runtime, places, log, enter, rise } = setUp()
  enter('early')
  await runtime.advance(30_000)
  enter('late')?.leave()
  places.reconsider()
  t.same(log, [])
  await runtime.advance(30_000)
  t.same(log, ['early gives up'])
  const again = enter('again')
  rise()
  again?.reconsider()
  await runtime.advance(120_000)
  t.same(log, ['early gives up', 'again goes on'], 'each hears of it once, and who has left does not')
})

t.test('places are bounded, and one network has a quarter of them', async t => {
  const { enter } = setUp()
  for (let count = 0; count < A_NETWORK; count++) t.ok(enter('192.0.2.1'), { silent: true })
  t.equal(enter('192.0.2.1'), undefined)
  t.equal(enter('::ffff:192.0.2.1'), undefined, 'by whatever socket it comes')
  t.ok(enter('192.0.2.2'), 'others have places')
  for (let count = 0; count < A_NETWORK; count++) enter(`x${count}`, `2001:db8::${count.toString(16)}`)
  t.equal(enter('y', '2001:db8::ffff'), undefined, 'a network of IPv6 is one, whatever its hosts are called')
  let taken = 2 * A_NETWORK + 1
  while (enter(`198.51.100.${taken}`)) taken++
  t.equal(taken, CA_PLACES.all)
})

t.test('a place that is left is free again', async t => {
  const { enter } = setUp(4)
  const held = []
  for (let place = enter('192.0.2.1'); place; place = enter('192.0.2.1')) held.push(place)
  t.equal(held.length, A_NETWORK / 4, 'workers share them')
  held[0]?.leave()
  held[0]?.leave()
  t.ok(enter('192.0.2.1'))
  t.equal(enter('192.0.2.1'), undefined, 'and only once')
})

const breaks = () => {
  throw new Error('broken')
}

for (const [what, broken] of [
  ['being asked', { isServed: breaks }],
  ['going on', { goOn: breaks }]
] as const)
  t.test(`a defect of one in ${what} does not reach the others`, async t => {
    const { runtime, log, enter, rise } = setUp()
    enter('first', 'first', broken)
    enter('other')
    rise()
    t.same(log, ['first fails: broken', 'other goes on'])
    rise()
    await runtime.advance(60_000)
    t.equal(log.length, 2, 'each hears of it once')
  })

t.test('nor does one in giving up, or in failing', async t => {
  const { runtime, places, log, enter, rise } = setUp()
  enter('first', 'first', { giveUp: breaks })
  await runtime.advance(60_000)
  t.same(log, ['first fails: broken'])
  enter('second', 'second', { goOn: breaks, fail: breaks })
  enter('other')
  rise()
  t.same(log.slice(1), ['defect: broken', 'other goes on'])
  enter('third', 'third', { giveUp: breaks, fail: breaks })
  enter('last')
  places.close()
  t.same(log.slice(3), ['defect: broken', 'last gives up'])
})

t.test('when the waiting ends for all, they give up, and nobody waits any more', async t => {
  const { places, log, enter } = setUp()
  enter('a')
  enter('b')
  places.close()
  t.same(log, ['a gives up', 'b gives up'])
  t.equal(enter('c'), undefined)
})
