import t from 'tap'
import { askedPools, canServe, tiersOf } from '../../src/model/snapshot.ts'
import { masters } from '../support/masters.ts'

const pool = masters({ m0: 1, m1: 1 })
const up = tiersOf(pool)
const raw = [{ pool: 'raw' }]

function poolNamed(name: string, isUp: boolean) {
  return { name, queue: 0, tiers: isUp ? up : [], isUp }
}

t.test('without pools of their own, any master that is up can serve', async t => {
  t.ok(canServe({ tiers: up }, []))
  t.notOk(canServe({ tiers: [] }, []))
})

t.test('masters that raw TCP leads to serve no requests, however well they are', async t => {
  const pools = [poolNamed('default', false), poolNamed('raw', true)]
  t.notOk(canServe({ tiers: up, pools }, raw))
  t.ok(canServe({ tiers: up, pools }, []), 'unless nothing of raw TCP leads there')
  t.ok(canServe({ tiers: up, pools: [poolNamed('default', true), poolNamed('raw', false)] }, raw))
})

t.test('where raw TCP leads to all there are, they count', async t => {
  t.ok(canServe({ tiers: up, pools: [poolNamed('raw', true)] }, raw))
  t.notOk(canServe({ tiers: [], pools: [poolNamed('raw', false)] }, raw))
})

t.test('a pool of raw TCP takes no part in the places of those who wait', t => {
  const pools = [poolNamed('default', true), poolNamed('raw', true)]
  t.same(
    askedPools({ tiers: up, pools }, raw).map(({ name }) => name),
    ['default']
  )
  t.equal(askedPools({ tiers: up }, []).length, 1, 'without pools there is the default one')
  t.end()
})
