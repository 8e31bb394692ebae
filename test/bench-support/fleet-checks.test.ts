import t from 'tap'
import { claimOrder } from '../bench/fleet-checks.ts'
import type { Receipt } from '../bench/fleet-messages.ts'

const receipts = (...startedAtMs: number[]): Receipt[] =>
  startedAtMs.map(each => ({
    master: 'm0',
    serviceMs: 1,
    startedAtMs: each,
    isCrowded: false,
    isVerified: true
  }))
const inOrder = { fillers: receipts(0, 0), lights: receipts(10, 12), catalogs: receipts(13, 20) }

t.test('light requests that all begin before catalogs are in order', async t => {
  t.doesNotThrow(() => claimOrder('haproxy-expert', inOrder))
})

t.test('one light request behind a catalog is out of order', async t => {
  t.throws(() => claimOrder('haproxy-expert', { ...inOrder, lights: receipts(10, 14) }), {
    message: 'haproxy-expert let a light request wait behind a catalog that came before it'
  })
})

t.test('a request that queued inside a master is told', async t => {
  const fillers = receipts(0, 0).map(each => ({ ...each, isCrowded: true }))
  t.throws(() => claimOrder('haproxy-expert', { ...inOrder, fillers }), {
    message: 'haproxy-expert let requests queue inside a master'
  })
})
