import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { redraw } from '../../src/commands/screen.ts'

t.test('each line takes away what was left of the one before it, and the last all below', async t => {
  t.equal(redraw('a\nb'), '\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J')
})

t.test('what the window has no room for is counted', async t => {
  const lines = stripVTControlCharacters(redraw('1\n2\n3\n4\n5\n6', { rows: 5 })).split('\n')
  t.same(lines, ['1', '2', '3', '… 3 more lines: make the window larger', ''])
  t.notOk(redraw('1\n2\n3', { rows: 4 }).includes('more lines'), 'all of it fits')
})

t.test('a line that is wider than the window takes several rows of it, and nothing scrolls away', async t => {
  const wide = 'x'.repeat(100)
  const text = `\x1b[31m${wide}\x1b[39m\n${wide}\n3\n4`
  const window = { rows: 8, columns: 50 }
  const lines = stripVTControlCharacters(redraw(text, window)).split('\n')
  t.same(lines, [wide, wide, '3', '4', ''], 'six rows fit into seven')
  const narrow = stripVTControlCharacters(redraw(text, { rows: 6, columns: 50 })).split('\n')
  t.same(narrow, [wide, wide, '… 2 more lines: make the window larger', ''])
  const tiny = stripVTControlCharacters(redraw(text, { rows: 3, columns: 50 })).split('\n')
  t.same(tiny, ['… 4 more lines: make the window larger', ''])
})
