import t from 'tap'
import { createGeneration, type Generation } from '../../src/data/generation.ts'
import type { Settings } from '../../src/model/settings.ts'
import { load, minimal } from '../config/fixture.ts'
import { masters } from '../support/masters.ts'

const pool = masters({ busy: 1, idle: 1, turn: 1 })

/** A world in which each policy but rendezvous chooses another master. */
const world = {
  busyness: ({ name }: { readonly name: string }) => (name === 'idle' ? 0 : 1),
  random: () => 0.5,
  nextTurn: () => 2
}

/** What a worker derives from settings that say `more`. */
const generationOf = (more: string): Generation => createGeneration(load(t, minimal(more)).settings, world)

t.test('a generation is its settings, and the policy that they name', async t => {
  for (const [policyName, chosen] of [
    ['least-loaded', 'idle'],
    ['round-robin', 'turn']
  ] as const) {
    const generation = generationOf(`balance: { policy: ${policyName} }`)
    t.equal(generation.policyName, policyName)
    t.equal(generation.policy(pool, { key: 'a' })?.name, chosen)
  }
  const byName = generationOf('balance: { policy: rendezvous }')
  const chosen = Array.from(
    { length: 30 },
    (_, index) => byName.policy(pool, { key: `agent-${index}` })?.name
  )
  t.equal(new Set(chosen).size, 3)
})

t.test('what plans depend on is in it', async t => {
  const generation = generationOf(
    'balance: { affinity: run }\naccess: { administrators: [a.example.com, b.example.com] }'
  )
  t.equal(generation.affinity, 'run')
  t.same([...generation.administrators], ['a.example.com', 'b.example.com'])
})

t.test('a request that began with a generation is not touched by the next one', async t => {
  const { settings } = load(t, minimal('queue: { limit: 7 }'))
  const first = createGeneration(settings, world)
  const next: Settings = { ...settings, queue: { ...settings.queue, limit: 8 } }
  t.equal(createGeneration(next, world).settings.queue.limit, 8)
  t.equal(first.settings.queue.limit, 7)
  t.ok(Object.isFrozen(first))
})
