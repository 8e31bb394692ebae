import t from 'tap'
import { pauseMs } from '../../src/data/http/retry-pace.ts'

const rounds = [0, 1, 2, 3, 4, 5, 6, 30, 2_000]
const paces = (after: string) => rounds.map(round => pauseMs(after, round, 0.5))

t.test('each round is waited for twice as long, up to a bound', async t => {
  t.same(paces('connect-failed'), [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000])
  t.same(paces('master-unavailable'), paces('connect-failed'))
})

t.test('a master that is busy is left alone for longer', async t => {
  t.same(paces('master-busy'), [5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000, 30_000])
})

t.test('those who failed together do not try together', async t => {
  t.equal(pauseMs('connect-failed', 1, 0), 800)
  t.equal(Math.round(pauseMs('connect-failed', 1, 0.999_999)), 1_200)
})
