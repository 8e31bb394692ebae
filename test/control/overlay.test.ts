import t from 'tap'
import {
  describeOverride,
  noOverlay,
  type Overlay,
  overlaid,
  withGroupWord,
  withWord
} from '../../src/control/overlay.ts'
import { formatOverlay, parseOverlay } from '../../src/control/overlay-file.ts'
import { createRoster } from '../../src/control/roster.ts'
import { seededDice } from '../support/runtime.ts'

const named = (name: string, weight = 1) => ({
  name,
  url: `https://${name}:8140`,
  weight,
  priority: 0,
  source: 'file' as const,
  addresses: []
})

t.test('a word counts for its names alone, and the words about mode and weight apart', t => {
  const drained = withWord(noOverlay, ['a', 'b'], { mode: 'draining' })
  const weighed = withWord(drained, ['b'], { weight: 0 })
  t.match(overlaid([named('a', 7), named('b', 7), named('c', 7)], weighed), [
    { name: 'a', weight: 7, mode: 'draining' },
    { name: 'b', weight: 0, mode: 'draining' },
    { name: 'c', weight: 7, mode: undefined }
  ])
  t.same(
    [...withWord(weighed, ['b'], { mode: 'active' })],
    [
      ['a', { mode: 'draining' }],
      ['b', { weight: 0 }]
    ]
  )
  t.same([...noOverlay], [], 'what was there stays as it was')
  t.end()
})

t.test('a word about a group holds for those that come, until it is taken back', t => {
  const drained = withGroupWord(noOverlay, 'rr', { mode: 'draining' })
  const modes = (overlay: Overlay, ...names: string[]) =>
    overlaid(
      names.map(name => named(name)),
      overlay
    ).map(({ mode = 'active' }) => mode)
  t.same(modes(drained, 'rr/1', 'rr/2', 'rr', 'other'), ['draining', 'draining', 'active', 'active'])
  const weighed = withGroupWord(drained, 'rr', { weight: 7 })
  t.match(overlaid([named('rr/1')], weighed), [{ mode: 'draining', weight: 7 }])
  const back = withGroupWord(weighed, 'rr', { mode: 'active' })
  t.match(overlaid([named('rr/1')], back), [{ mode: undefined, weight: 7 }])
  t.equal(withGroupWord(back, 'rr', { weight: 'default' }).size, 0)
  t.end()
})

t.test('one of a group may be unlike the others, until the next word about all of them', t => {
  const drained = withGroupWord(noOverlay, 'rr', { mode: 'draining' })
  const one = withWord(withWord(drained, ['rr/1'], { mode: 'active' }), ['rr/2'], { mode: 'maint' })
  const modes = (overlay: Overlay) =>
    overlaid([named('rr/1'), named('rr/2'), named('rr/3')], overlay).map(({ mode = 'active' }) => mode)
  t.same(modes(one), ['active', 'maint', 'draining'])
  t.same(modes(parseOverlay(formatOverlay(one))), modes(one), 'over a restart as well')
  t.same([...withWord(one, ['rr/1'], { mode: 'draining' }).keys()], ['rr/', 'rr/2'], 'like them again')
  t.same(modes(withGroupWord(one, 'rr', { mode: 'maint' })), ['maint', 'maint', 'maint'])
  t.equal(withGroupWord(one, 'rr', { mode: 'active' }).size, 0)
  t.end()
})

t.test('what is taken back leaves nothing', t => {
  const said = withWord(withWord(noOverlay, ['a'], { mode: 'maint' }), ['a'], { weight: 3 })
  const back = withWord(withWord(said, ['a'], { mode: 'active' }), ['a'], { weight: 'default' })
  t.equal(back.size, 0)
  t.equal(withWord(noOverlay, ['b'], { weight: 'default' }).size, 0, 'nor what was never said')
  t.end()
})

t.test('it is told in a sentence', t => {
  t.equal(describeOverride('a', { mode: 'maint' }), 'a is in maintenance, as an operator said')
  t.equal(
    describeOverride('rr/', { mode: 'maint' }),
    'every master rr/… is in maintenance, as an operator said'
  )
  t.equal(
    describeOverride('a', { mode: 'draining', weight: 0 }),
    'a is draining and has the weight 0, as an operator said'
  )
  t.end()
})

t.test('what is written is read again, whatever the names', t => {
  const names = ['a', 'rr/192.0.2.1', 'm.example.com:8140', '__proto__', 'constructor', 'ü']
  let overlay: Overlay = noOverlay
  for (const [index, name] of names.entries())
    overlay = withWord(
      overlay,
      [name],
      index % 2 ? { mode: 'maint' } : { weight: 1_000_000, mode: 'draining' }
    )
  t.same([...parseOverlay(formatOverlay(overlay))], [...overlay])
  t.end()
})

/** What one master is to be by all that happened, reckoned without the code under test. */
interface Wanted {
  configured: number | undefined
  mode: 'active' | 'draining' | 'maint'
  weight: number | undefined
}

t.test(
  'over any row of reloads and words every member is what its file and the last words about it say',
  t => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededDice(seed)
      const pick = (count: number) => Math.floor(random() * count)
      const names = ['a', 'b', 'c', 'd', 'e']
      const wanted = new Map<string, Wanted>(
        names.map(name => [name, { configured: 1, mode: 'active', weight: undefined }])
      )
      const of = (name: string) => wanted.get(name) as Wanted
      const roster = createRoster()
      let overlay: Overlay = noOverlay
      let masters = names.map(name => named(name))
      const ids = new Map<string, number>()
      for (let step = 0; step < 40; step++) {
        const name = names[pick(names.length)] as string
        if (random() < 0.4) {
          const left = names.filter(() => random() < 0.8)
          masters = left.map(each => named(each, pick(5)))
          for (const each of names) of(each).configured = masters.find(master => master.name === each)?.weight
        } else if (random() < 0.6) {
          const mode = (['active', 'draining', 'maint'] as const)[pick(3)] as Wanted['mode']
          overlay = withWord(overlay, [name], { mode })
          of(name).mode = mode
        } else {
          const weight = random() < 0.3 ? ('default' as const) : pick(9)
          overlay = withWord(overlay, [name], { weight })
          of(name).weight = weight === 'default' ? undefined : weight
        }
        roster.adopt(
          roster.propose({ masters: overlaid(masters, overlay), ca: { url: 'https://ca', addresses: [] } })
        )
        for (const { name, mode, weight, id } of roster.current().masters) {
          const { configured, ...said } = of(name)
          const expected =
            configured === undefined
              ? { mode: 'leaving' }
              : { mode: said.mode, weight: said.weight ?? configured }
          const actual = configured === undefined ? { mode } : { mode, weight }
          if (JSON.stringify(actual) !== JSON.stringify(expected))
            t.fail(`seed ${seed}, step ${step}: ${name} is ${JSON.stringify(actual)}`)
          // It stays a member over all of it, and so it stays the same one.
          if ((ids.get(name) ?? id) !== id) t.fail(`seed ${seed}, step ${step}: ${name} is another one`)
          ids.set(name, id)
        }
      }
    }
    t.pass('200 rows')
    t.end()
  }
)
