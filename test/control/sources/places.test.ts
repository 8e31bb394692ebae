import t from 'tap'
import { createPlaces } from '../../../src/control/sources/places.ts'

/** Lookups by name that end when the test says. */
function setUp() {
  const places = createPlaces()
  const running = new Map<string, () => void>()
  const run = (name: string, isSuspect = false) =>
    places.run(isSuspect, () => new Promise(resolve => void running.set(name, resolve)))
  const end = async (name: string) => {
    running.get(name)?.()
    running.delete(name)
    await null
    await null
  }
  return { run, end, running: () => [...running.keys()] }
}

t.test('two run at once, in the order in which they were asked for', async t => {
  const { run, end, running } = setUp()
  for (const name of ['a', 'b', 'c', 'd']) run(name)
  t.same(running(), ['a', 'b'])
  await end('b')
  t.same(running(), ['a', 'c'])
  await end('a')
  t.same(running(), ['c', 'd'])
})

t.test('names that failed before have one place, so that silent ones keep nobody waiting', async t => {
  const { run, end, running } = setUp()
  for (const name of ['silent-1', 'silent-2', 'silent-3']) run(name, true)
  run('a')
  run('b')
  t.same(running(), ['silent-1', 'a'])
  await end('a')
  t.same(running(), ['silent-1', 'b'])
  await end('silent-1')
  t.same(running(), ['b', 'silent-2'])
})
