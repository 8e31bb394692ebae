import t from 'tap'
import { parseCapacityOptions } from '../bench/capacity-options.ts'

t.test('without arguments 16 JRubies are measured', async t => {
  t.match(parseCapacityOptions([]), {
    ...{ fleet: 'equal', sigma: 0.7, halfMinutes: 7, fullMinutes: 10, seed: 1, compression: 8, threads: 1 }
  })
})

for (const [argv, says] of [
  [['--masters', 'unequal'], '--masters is unequal, must be small or equal or large'],
  [['--sigma', '2'], '--sigma is 2, must be from 0.05 to 1.5'],
  [['--half-minutes', '5'], '--half-minutes is 5, must be from 6 to 10'],
  [['--full-minutes', '20'], '--full-minutes is 20, must be from 2 to 18'],
  [['--seed', '1.5'], '--seed is 1.5, must be a whole number']
] as const)
  t.test(says, async t => t.equal(parseCapacityOptions(argv), says))
