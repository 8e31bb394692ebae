import t from 'tap'
import { createHealth } from '../../src/control/master-watch/health.ts'

t.test('the first probe decides alone, in either direction', async t => {
  const good = createHealth(() => ({ rise: 5, fall: 5 }))
  t.equal(good.state(), 'unknown')
  t.equal(good.record(true), true)
  t.equal(good.state(), 'up')
  const bad = createHealth(() => ({ rise: 5, fall: 5 }))
  bad.record(false)
  t.equal(bad.state(), 'down')
})

t.test('down only after `fall` bad probes in a row, up only after `rise` good ones', async t => {
  const health = createHealth(() => ({ rise: 2, fall: 3 }))
  const after = (...results: boolean[]) => {
    for (const result of results) health.record(result)
    return health.state()
  }
  t.equal(after(true), 'up')
  t.equal(after(false, false), 'up')
  t.equal(after(true, false, false), 'up', 'a good probe in between starts the count again')
  t.equal(after(false), 'down')
  t.equal(after(true, false, true), 'down')
  t.equal(after(true), 'up')
})

t.test('new limits count from the next probe on, with what came before', async t => {
  let limits = { rise: 1, fall: 5 }
  const health = createHealth(() => limits)
  for (const result of [true, false, false]) health.record(result)
  t.equal(health.state(), 'up')
  limits = { rise: 1, fall: 3 }
  t.equal(health.record(false), true)
  t.equal(health.state(), 'down')
})
