import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  createSeenLists,
  formatMarks,
  parseMarks,
  seenFile
} from '../../src/control/revocation/seen-lists.ts'
import { captureLog } from '../support/log-lines.ts'

const list = {
  ...{ authority: 'key', issuer: 'CN=Puppet CA', entries: 3, thisUpdateMs: 1_700_000_000_000, digest: 'abc' },
  number: (1n << 150n) + 1n
}
const withoutNumber = { ...list, authority: 'other', number: undefined }

t.test('what is noted of lists is read again, numbers of any length included', async t => {
  const directory = join(t.testdir({}), 'made', 'if-need-be')
  const seen = createSeenLists(captureLog().log)
  t.same(await seen.read(directory), [])
  seen.keep(directory, [{ ...list, number: 1n }])
  seen.keep(directory, [list, withoutNumber])
  await seen.settled()
  t.same(await createSeenLists(captureLog().log).read(directory), [list, withoutNumber], 'the last one stays')
})

t.test('nothing is noted without a directory, and no list is no reason to forget one', async t => {
  const directory = t.testdir({})
  const seen = createSeenLists(captureLog().log)
  seen.keep(undefined, [list])
  t.same(await seen.read(undefined), [])
  seen.keep(directory, [list])
  seen.keep(directory, [])
  await seen.settled()
  t.same(await seen.read(directory), [list])
})

t.test('a damaged note is told and ignored', async t => {
  const good = JSON.parse(formatMarks([list])) as { readonly lists: readonly object[] }
  const damaged = [
    '',
    '[]',
    'null',
    JSON.stringify({ ...good, version: 2 }),
    JSON.stringify({ ...good, lists: [null] }),
    ...Object.keys(list).map(key => JSON.stringify({ ...good, lists: [{ ...good.lists[0], [key]: {} }] }))
  ]
  for (const text of damaged) {
    t.throws(() => parseMarks(text), text)
    const directory = t.testdir({})
    writeFileSync(seenFile(directory), text)
    const log = captureLog()
    t.same(await createSeenLists(log.log).read(directory), [])
    t.match(await log.line({ level: 'warn' }), { file: seenFile(directory), msg: /an older list is taken/ })
  }
})

t.test('what cannot be noted is told once', async t => {
  const directory = join(t.testdir({ file: 'in the way' }), 'file')
  const log = captureLog()
  const seen = createSeenLists(log.log)
  seen.keep(directory, [list])
  seen.keep(directory, [withoutNumber])
  await seen.settled()
  t.match(log.lines, [{ level: 'warn', msg: /cannot be kept/ }])
  t.equal(log.lines.length, 1)
  t.equal(readFileSync(directory, 'utf8'), 'in the way')
})
