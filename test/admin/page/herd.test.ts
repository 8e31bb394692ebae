import t from 'tap'
import { herdOf } from '../../../src/admin/page/view/herd.js'

const minute = (at: string, given: number | null, failed: number | null = 0) => ({
  at: `2026-01-01T${at}:00.000Z`,
  given,
  failed
})

t.test('runs are added up by the minute of the half hour, as a mean over the half hours', async t => {
  const herd = herdOf([
    minute('10:02', 40),
    minute('10:32', 10, 10),
    minute('10:33', 7),
    minute('11:03', null, null)
  ])
  t.equal(herd.length, 30)
  t.equal(herd[2], 30)
  t.equal(herd[3], 7, 'a minute that was not seen is none')
  t.equal(herd[4], null)
})
