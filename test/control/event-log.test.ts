import t from 'tap'
import { createEventLog } from '../../src/control/event-log.ts'
import type { Event } from '../../src/model/event.ts'
import { fakeRuntime } from '../support/runtime.ts'

const up = { kind: 'master-up', text: 'm1 is up', master: 'm1' }
const reload = { kind: 'reload', text: 'the configuration was read again' }

t.test('events are numbered, dated and kept in order', async t => {
  const runtime = fakeRuntime()
  const log = createEventLog(runtime.wallClock)
  log.add(up)
  await runtime.advance(1500)
  log.add(reload)
  t.strictSame(log.recent(), [
    { id: 1, at: '2026-01-01T00:00:00.000Z', ...up },
    { id: 2, at: '2026-01-01T00:00:01.500Z', ...reload }
  ])
})

t.test('only the last ones are kept, and their numbers go on', async t => {
  const log = createEventLog(fakeRuntime().wallClock, { size: 2 })
  for (let count = 0; count < 5; count++) log.add(reload)
  t.same(
    log.recent().map(event => event.id),
    [4, 5]
  )
})

t.test('what was handed out does not change', async t => {
  const log = createEventLog(fakeRuntime().wallClock, { size: 1 })
  log.add(up)
  const before = log.recent()
  log.add(reload)
  t.match(before, [{ id: 1 }])
  t.equal(before.length, 1)
})

t.test('a subscriber hears what comes after, until it has had enough', async t => {
  const log = createEventLog(fakeRuntime().wallClock)
  const heard: Event[] = []
  log.add(up)
  const unsubscribe = log.subscribe(event => heard.push(event))
  log.add(reload)
  unsubscribe()
  log.add(up)
  t.same(
    heard.map(event => event.id),
    [2]
  )
})

t.test('one function that subscribes twice hears twice, and ends each by itself', async t => {
  const log = createEventLog(fakeRuntime().wallClock)
  let heard = 0
  const listener = () => heard++
  const [first] = [log.subscribe(listener), log.subscribe(listener)]
  first()
  log.add(up)
  t.equal(heard, 1)
})

t.test('a subscriber that leaves while an event is told stops the others from nothing', async t => {
  const log = createEventLog(fakeRuntime().wallClock)
  const heard: string[] = []
  const leave = log.subscribe(() => {
    heard.push('first')
    leave()
    leaveThird()
  })
  log.subscribe(() => heard.push('second'))
  const leaveThird = log.subscribe(() => heard.push('third'))
  log.add(up)
  t.same(heard, ['first', 'second'], 'and who was taken out hears no more')
})
