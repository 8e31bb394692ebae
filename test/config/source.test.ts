import t from 'tap'
import { readSource } from '../../src/config/source.ts'

const lines = (text: string) =>
  readSource('f', text).problems.map(({ where, key, text }) => `${where} ${key}: ${text}`)

const mistakes: readonly (readonly [behaviour: string, text: string, problems: readonly string[]])[] = [
  ['a tab as indentation', 'a:\n\tb: 1\n', ['f:2:1 yaml: a tab indents this line, only spaces may']],
  [
    'a quote left open',
    'a: "x\nb: 1\n',
    [
      'f:3:1 yaml: a quote, comma or bracket is missing before this place, or a line is not indented as its neighbours'
    ]
  ],
  [
    'a key indented between two levels',
    'a:\n  - b: c\n   d: e\n',
    [
      'f:3:1 yaml: a quote, comma or bracket is missing before this place, or a line is not indented as its neighbours'
    ]
  ],
  [
    'a bracket too many',
    'a: ]\n',
    ['f:1:4 yaml: this character has no place here; a text that contains it must be in quotes']
  ],
  [
    'two keys on a line',
    'a: b: c\n',
    ['f:1:4 yaml: a second "key:" on one line; put it on a line of its own, or the value in quotes']
  ],
  [
    'a value that begins with @',
    'a: @x\n',
    ['f:1:4 yaml: a value that begins with this character must be in quotes']
  ],
  [
    'a second document',
    'a: 1\n---\nb: 1\n',
    ['f:2:1 yaml: a second document begins here, the file may hold one only']
  ],
  ['a tag', 'a: !secret b\n', ['f:1:4 yaml: tags such as !name are not known here']],
  [
    'an alias of nothing',
    'a: *b\n',
    ['f:1:4 yaml: *b refers to nothing; a text that begins with * must be in quotes']
  ],
  ['an asterisk alone', 'a: *\n', ['f:1:4 yaml: a text that begins with * must be in quotes']],
  ['an escape that is none', 'a: "\\q"\n', ['f:1:5 yaml: Invalid escape sequence \\q']],
  [
    'a directive, without what may be behind its colon',
    '%a:b c\n---\n',
    ['f:1:1 yaml: Unknown directive %a']
  ],
  ['a list as a key', '? [a]\n: 1\n', ['f:1:3 yaml: a key must be a name']],
  [
    'a key written twice',
    'a: 1\nb: { c: 1, c: 2 }\na: 3\n',
    ['f:3:1 a: is here twice, must be there once only', 'f:2:12 b.c: is here twice, must be there once only']
  ],
  [
    'a key written twice in a list',
    'a:\n  - b: 1\n  - b: 1\n    b: 2\n',
    ['f:4:5 a[1].b: is here twice, must be there once only']
  ]
]

for (const [mistake, text, problems] of mistakes) {
  t.test(`${mistake} is told with its place`, async t => t.same(lines(text), problems))
}

t.test('mistakes on several lines are told at once', async t => {
  t.equal(lines('a: @x\nb: @y\n').length, 2)
})

t.test('a file that repeats itself without end is refused', async t => {
  const bomb = ['a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]']
  for (const [name, before] of ['ba', 'cb', 'dc', 'ed'])
    bomb.push(`${name}: &${name} [${`*${before}, `.repeat(9)}]`)
  t.same(lines(bomb.join('\n')), [
    'f:1:1 yaml: aliases repeat too much of this file, must be 1000 values at most'
  ])
})

t.test('with a syntax mistake there is no data to go on with', async t => {
  t.equal(readSource('f', 'a: @x\n').data, undefined)
})

t.test('a mistake in the text does not repeat the text', async t => {
  const pasted =
    'key: -----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\nlog: ["c2VjcmV0"] c2VjcmV0\n'
  t.ok(lines(pasted).length > 0)
  t.notMatch(lines(pasted).join('\n'), 'c2VjcmV0')
})

t.test('places', async t => {
  const text = [
    '# a comment',
    'a:',
    '  b: 1',
    '  c:',
    '  - d',
    '  - e: f',
    'g: &g { h: 1 }',
    'i: *g',
    ''
  ].join('\n')
  const { locate } = readSource('f', text)
  t.equal(locate(['a', 'b']), 'f:3:6', 'of a value')
  t.equal(locate(['a', 'b'], 'key'), 'f:3:3', 'of a key')
  t.equal(locate(['a', 'c', 0]), 'f:5:5', 'of an entry')
  t.equal(locate(['a', 'c', 1, 'e']), 'f:6:8', 'of a value in an entry')
  t.equal(locate(['a', 'x']), 'f:2:1', 'of what is missing: the group around it')
  t.equal(locate(['a', 'c', 1, 'x']), 'f:6:5', 'of what is missing in an entry')
  t.equal(locate(['x', 'y']), 'f:2:1', 'of a missing group: the begin of the file')
  t.equal(locate(['i', 'h']), 'f:7:12', 'of a value behind an alias')
})

t.test('an empty file has the place 1:1', async t => {
  t.equal(readSource('f', '').locate(['a']), 'f:1:1')
})
