import t from 'tap'
import { createSortedNames } from '../../../src/control/agents/sorted-names.ts'
import { seededDice } from '../../support/runtime.ts'

t.test('whatever comes and goes, names are in order, each once', async t => {
  const dice = seededDice(1)
  const names = createSortedNames()
  const there = new Set<string>()
  for (let step = 0; step < 20_000; step++) {
    const name = `node-${Math.floor(dice() * 6_000)}`
    if (there.delete(name)) names.delete(name)
    else {
      there.add(name)
      names.add(name)
    }
    if (dice() < 0.002) t.same(names.all(), [...there].sort())
  }
})

t.test('while nobody comes or goes, they are not sorted again', async t => {
  const names = createSortedNames()
  for (const name of ['b', 'a']) names.add(name)
  const before = names.all()
  t.equal(names.all(), before)
  names.add('c')
  t.same(before, ['a', 'b'], 'who holds the old ones keeps them')
  t.same(names.all(), ['a', 'b', 'c'])
})
