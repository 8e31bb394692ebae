import t from 'tap'
import { afterConnects, afterResults, createEjection } from '../../src/control/master-watch/ejection.ts'
import { seededDice } from '../support/runtime.ts'

const noJitter = () => 0
const create = () => createEjection(afterConnects, noJitter)

t.test('each ejection lasts twice as long as the one before, up to a minute', async t => {
  const ejection = create()
  const lasted: (number | undefined)[] = []
  let now = 0
  for (let count = 0; count < 8; count++) {
    const durationMs = ejection.fail(now, 0)
    lasted.push(durationMs)
    now += durationMs ?? 0
  }
  t.same(lasted, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
})

t.test('failures while it is out change nothing', async t => {
  const ejection = create()
  ejection.fail(0, 0)
  t.equal(ejection.fail(500, 0), undefined)
  t.ok(ejection.isEjected(999))
  t.notOk(ejection.isEjected(1_000))
  t.equal(ejection.fail(1_000, 0), 2_000)
})

t.test('a minute without failures, or a recovery, starts again with the shortest', async t => {
  const ejection = create()
  ejection.fail(0, 0)
  ejection.fail(1_000, 0)
  t.equal(ejection.fail(3_000 + 60_001, 0), 1_000)
  ejection.clear()
  t.notOk(ejection.isEjected(63_002))
  t.equal(ejection.fail(64_002, 0), 1_000)
})

t.test('up to a tenth is added by the dice', async t => {
  t.equal(createEjection(afterConnects, () => 0.5).fail(0, 0), 1_050)
})

t.test(
  'whoever has done well often enough is forgiven one failure, and not the next one in a row',
  async t => {
    const ejection = create()
    t.equal(ejection.fail(0, 200), undefined)
    t.equal(ejection.fail(1, 203), 1_000)
    t.equal(ejection.fail(1_100, 222), 2_000, 'nineteen are too few')
    t.equal(ejection.fail(3_200, 242), undefined)
  }
)

t.test('one failed connect 50 s after each return keeps nobody out, however little it had to do', async t => {
  for (const successes of [1, 5, 500]) {
    const ejection = create()
    let [now, outMs] = [0, 0]
    for (let round = 1; round <= 100; round++) {
      const durationMs = ejection.fail(now, round * successes) ?? 0
      outMs += durationMs
      now += durationMs + 50_000
    }
    t.ok(outMs / now < 0.03, `with ${successes} successes it is out for ${outMs / now} of the time`)
  }
})

t.test('one of whom half of the connects fail is out for nearly all of the time', async t => {
  const ejection = create()
  const dice = seededDice(1)
  let [now, outMs, successes] = [0, 0, 0]
  while (now < 3_600_000) {
    if (dice() < 0.5) successes++
    else {
      const durationMs = ejection.fail(now, successes) ?? 0
      outMs += durationMs
      now += durationMs
    }
    now += 100
  }
  t.ok(outMs / now > 0.9, `out for ${outMs / now} of the time`)
})

t.test('an outlier is out for half a minute first, and for five at most', async t => {
  const ejection = createEjection(afterResults, noJitter)
  const lasted: (number | undefined)[] = []
  let now = 0
  for (let count = 0; count < 6; count++) {
    const durationMs = ejection.eject(now, 0)
    lasted.push(durationMs)
    now += (durationMs ?? 0) + 3_600_000
  }
  t.same(lasted, [30_000, 60_000, 120_000, 240_000, 300_000, 300_000], 'time alone makes up for nothing')
})

t.test('every ten catalogs that an outlier did well afterwards halve its next time out', async t => {
  const ejection = createEjection(afterResults, noJitter)
  let now = 0
  const ejectAgain = (successes: number) => {
    const durationMs = ejection.eject(now, successes)
    now += (durationMs ?? 0) + 1_000
    return durationMs
  }
  t.same([0, 0, 9, 19, 39, 1_000].map(ejectAgain), [30_000, 60_000, 120_000, 120_000, 60_000, 30_000])
})

t.test('successes are counted over the end of their counter', async t => {
  const ejection = createEjection(afterResults, noJitter)
  ejection.eject(0, 2 ** 31 - 5)
  ejection.eject(40_000, 2 ** 31 - 5)
  t.equal(ejection.eject(200_000, (2 ** 31 + 5) | 0), 60_000)
})
