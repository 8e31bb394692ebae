import t from 'tap'
import { parseOptions } from '../soak/options.ts'

t.test('a soak takes ten minutes unless told otherwise', async t => {
  t.same(parseOptions([]), { minutes: 10, seed: 1, help: false })
  t.match(parseOptions(['--minutes', '1']), { minutes: 1 })
})

t.test('what is wrong with its options is said in a sentence', async t => {
  t.equal(parseOptions(['--minutes', 'x']), '--minutes is x, must be from 0.5 to 600')
  t.match(parseOptions(['--hours', '1']), /--hours/)
})
