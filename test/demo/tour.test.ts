import t from 'tap'
import { playTour, type TourParts } from '../../src/demo/tour.ts'
import type { MasterStatus } from '../../src/model/status.ts'
import { fakeRuntime } from '../support/runtime.ts'

/** A tour whose doors are noted, and open at once but for what `parts` say. */
function scene(parts: Partial<TourParts> = {}) {
  const clock = fakeRuntime()
  const ending = new AbortController()
  const happened: string[] = []
  const note = (what: string) => async () => void happened.push(what)
  const master = { name: 'm3', state: 'up', mode: 'active' }
  const played = playTour({
    runtime: clock,
    signal: ending.signal,
    say: line => happened.push(line.replace(/[;:.].*$/, '')),
    operator: {
      masters: async () => [master] as unknown as readonly MasterStatus[],
      drain: note('drain'),
      undrain: note('undrain'),
      revoke: note('revoke'),
      deleteCertificate: note('delete')
    },
    largest: { name: 'm3', atWork: async () => {}, die: note('die'), comeBack: note('come back') },
    drained: 'm3',
    revoked: 'web01',
    agents: { areServed: async () => {}, isRefused: async () => {}, isServedAgain: async () => {} },
    ...parts
  })
  return { clock, ending, happened, played, master }
}

t.test('a step ends when what it shows has happened, and not before', async t => {
  const { clock, happened, master, played } = scene()
  await clock.advance(60_000)
  t.equal(happened.at(-1), 'die')
  master.state = 'down'
  await clock.advance(60_000)
  t.equal(happened.at(-1), 'come back')
  master.state = 'up'
  await clock.advance(60_000)
  t.equal(happened.at(-1), 'drain')
  master.mode = 'draining'
  await clock.advance(60_000)
  t.equal(happened.at(-1), 'drain')
  master.mode = 'drained'
  await clock.advance(60_000)
  t.equal(happened.at(-1), 'undrain')
  master.mode = 'active'
  await clock.advance(60_000)
  t.same(happened.slice(-2), ['delete', 'The tour is over'])
  await played
})

t.test('it ends wherever it is when the demonstration does', async t => {
  const never = () => new Promise<never>(() => {})
  const waiting = scene({ agents: { areServed: never, isRefused: never, isServedAgain: never } })
  const looking = scene()
  const asking = scene()
  await looking.clock.advance(0)
  await asking.clock.advance(60_000)
  for (const { ending, played } of [waiting, looking, asking]) {
    ending.abort(new Error('stopped'))
    await t.rejects(played, { message: 'stopped' })
  }
})
