import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { redraw } from '../../src/commands/screen.ts'

t.test('each line takes away what was left of the one before it, and the last all below', async t => {
  t.equal(redraw('a\nb'), '\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J')
})

t.test('what the window has no room for is counted', async t => {
  const lines = stripVTControlCharacters(redraw('1\n2\n3\n4\n5\n6', 5)).split('\n')
  t.same(lines, ['1', '2', '3', '… 3 more lines: make the window taller', ''])
  t.notOk(redraw('1\n2\n3', 4).includes('more lines'), 'all of it fits')
})
