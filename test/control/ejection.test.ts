import t from 'tap'
import { createEjection } from '../../src/control/master-watch/ejection.ts'

const noJitter = () => 0

t.test('each ejection lasts twice as long as the one before, up to a minute', async t => {
  const ejection = createEjection(noJitter)
  const lasted: (number | undefined)[] = []
  let now = 0
  for (let count = 0; count < 8; count++) {
    const durationMs = ejection.fail(now)
    lasted.push(durationMs)
    now += durationMs ?? 0
  }
  t.same(lasted, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
})

t.test('failures while it is out change nothing', async t => {
  const ejection = createEjection(noJitter)
  ejection.fail(0)
  t.equal(ejection.fail(500), undefined)
  t.ok(ejection.isEjected(999))
  t.notOk(ejection.isEjected(1_000))
  t.equal(ejection.fail(1_000), 2_000)
})

t.test('a minute without failures, or a recovery, starts again with the shortest', async t => {
  const ejection = createEjection(noJitter)
  ejection.fail(0)
  ejection.fail(1_000)
  t.equal(ejection.fail(3_000 + 60_001), 1_000)
  ejection.clear()
  t.notOk(ejection.isEjected(63_002))
  t.equal(ejection.fail(64_002), 1_000)
})

t.test('up to a tenth is added by the dice', async t => {
  t.equal(createEjection(() => 0.5).fail(0), 1_050)
})
