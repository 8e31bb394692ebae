import t from 'tap'
import { createConnectionTable } from '../../src/shared/connections.ts'
import { seededDice } from '../support/runtime.ts'
import { startThread } from './threads.ts'

const size = { workers: 3, cells: 64 }
const create = () => createConnectionTable(size, seededDice(1))

t.test('connections are counted by state, over all workers', async t => {
  const table = create()
  table.count(0, 'open', 1)
  table.count(2, 'open', 1)
  table.count(2, 'secured', 1)
  t.same([table.sum('open'), table.sum('secured'), table.sum('active')], [2, 1, 0])
})

t.test('a dead worker gives back all it was counted for', async t => {
  const table = create()
  const [address, certname] = [table.addresses.keyOf('192.0.2.7'), table.certnames.keyOf('web')]
  for (const worker of [0, 1]) {
    table.count(worker, 'open', 1)
    table.count(worker, 'upstream', 1)
    table.addresses.add(worker, address)
    table.certnames.add(worker, certname)
  }
  table.wipe(1)
  t.same(
    [table.sum('open'), table.sum('upstream'), table.addresses.of(address), table.certnames.of(certname)],
    [1, 1, 1, 1]
  )
})

t.test('who has strangers is asked to close one, as often as it has one', async t => {
  const table = create()
  t.equal(table.askOthers(0, 0), false, 'nobody has any')
  table.count(0, 'strangers', 5)
  t.equal(table.askOthers(0, 0), false, 'nobody else has any')
  table.count(2, 'strangers', 2)
  t.same([table.askOthers(0, 0), table.askOthers(0, 0), table.askOthers(0, 0)], [true, true, false])
  const closed: number[] = []
  const heard = Promise.withResolvers<void>()
  const stop = table.onAsked(2, count => {
    closed.push(count)
    heard.resolve()
  })
  await heard.promise
  t.same(closed, [2])
  t.equal(table.sum('asked'), 0)
  stop()
})

t.test('who has strangers whose requests take too long is asked for one of them, once that is so', t => {
  // Among them moments at which the low 32 bits of the time begin anew.
  for (const atMs of [1_000.5, Date.UTC(2026, 0), 2 ** 41, 2 ** 41 - 0.5]) {
    const table = create()
    table.setOverdueAt(2, atMs)
    t.equal(table.askOthers(0, atMs - 1), false)
    t.same([table.askOthers(0, atMs + 2), table.askOthers(0, atMs + 2)], [true, false])
    table.wipe(2)
    t.equal(table.askOthers(0, atMs + 2), false)
    table.setOverdueAt(2, atMs)
    table.setOverdueAt(2, undefined)
    t.equal(table.askOthers(0, atMs + 2), false)
  }
  t.end()
})

t.test('a worker is woken by another thread', async t => {
  const table = create()
  table.count(0, 'strangers', 1)
  const asked = Promise.withResolvers<number>()
  const stop = table.onAsked(0, asked.resolve)
  const body = `
    const table = exports.createConnectionTable(data.size, () => 0, data.buffers)
    post(table.askOthers(1, 0))`
  const thread = startThread(t, 'connections.ts', body, { buffers: table.buffers, size })
  t.equal(await thread.message(), true)
  t.equal(await asked.promise, 1)
  stop()
})
