import t from 'tap'
import { createAgentsSeen } from '../../../src/control/insight/agents-seen.ts'

const FRAME_MS = 2_000

function watched() {
  let nowMs = 0
  let looked: string[] = []
  const look = createAgentsSeen(
    {
      list({ filter }) {
        looked.push(String(filter))
        return { total: nowMs, agents: [] }
      },
      census() {
        looked.push('census')
        return { seen: new Map([['1h', nowMs]]), expiring: new Map(), versions: new Map() }
      }
    },
    { now: () => nowMs }
  )
  return {
    lookAt(atMs: number) {
      nowMs = atMs
      looked = []
      const told = look()
      return { told, looked: looked.sort() }
    }
  }
}

const all = ['census', 'expiring', 'failing', 'slow']

t.test('who looks for the first time, or after long, sees all as it is', async t => {
  const { lookAt } = watched()
  t.same(lookAt(0).looked, all)
  const hourMs = 3_600_000
  const { told, looked } = lookAt(hourMs)
  t.same(looked, all)
  t.match(told, { seen: { hour: hourMs, day: 0 }, slow: { total: hourMs } })
})

t.test(
  'while a page is open, agents are looked through once a frame at most, and nothing is old',
  async t => {
    const { lookAt } = watched()
    lookAt(0)
    for (let atMs = FRAME_MS; atMs < 600_000; atMs += FRAME_MS) {
      const { told, looked } = lookAt(atMs)
      t.ok(looked.length <= 1)
      for (const { total } of [told.failing, told.expiring, told.slow]) t.ok(atMs - total < 30_000)
      t.ok(atMs - told.seen.hour < 30_000)
    }
  }
)
