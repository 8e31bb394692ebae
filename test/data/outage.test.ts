import t from 'tap'
import { createOutage, LONG_OUTAGE_MS } from '../../src/data/http/outage.ts'

function setUp() {
  let nowMs = 0
  const outage = createOutage(() => nowMs)
  /** A request finds nobody at this time: whether the outage is a long one by then. */
  const isLongAt = (ms: number) => {
    nowMs = ms
    outage.seen()
    return outage.isLong()
  }
  return { outage, isLongAt }
}

t.test('an outage is long once nobody was served for long', async t => {
  const { isLongAt } = setUp()
  t.notOk(isLongAt(1_000))
  t.notOk(isLongAt(1_000 + LONG_OUTAGE_MS))
  t.ok(isLongAt(1_001 + LONG_OUTAGE_MS))
  t.ok(isLongAt(2 * LONG_OUTAGE_MS), 'and stays so')
})

t.test('one request that is served ends it', async t => {
  const { outage, isLongAt } = setUp()
  isLongAt(0)
  t.ok(isLongAt(LONG_OUTAGE_MS - 1) || isLongAt(LONG_OUTAGE_MS + 1))
  outage.over()
  t.notOk(outage.isLong())
  t.notOk(isLongAt(LONG_OUTAGE_MS + 2))
})

t.test('of two that nothing was seen between, the second begins anew', async t => {
  const { isLongAt } = setUp()
  isLongAt(0)
  t.notOk(isLongAt(LONG_OUTAGE_MS + 1))
})
