import t from 'tap'
import { isUnmodified } from '../../src/data/http/ca-documents.ts'

const date = 'Thu, 01 Jan 2026 00:00:00 GMT'
const later = 'Thu, 01 Jan 2026 00:00:01 GMT'
const earlier = 'Wed, 31 Dec 2025 23:59:59 GMT'
const sinceMs = Date.parse(date)
const plain = { lastModified: undefined, etag: undefined, sinceMs }

t.test('without conditions nobody has it already', async t => {
  t.equal(isUnmodified({ ...plain, lastModified: date, etag: '"a"' }, {}), false)
})

t.test("the CA's Last-Modified decides, to the second", async t => {
  const document = { ...plain, lastModified: date, sinceMs: sinceMs + 86_400_000 }
  for (const [asked, is] of [
    [date, true],
    [later, true],
    [earlier, false],
    ['yesterday', false]
  ] as const)
    t.equal(isUnmodified(document, { 'if-modified-since': asked }), is, asked)
})

t.test('without one the date decides since when the CA has been giving it', async t => {
  const document = { ...plain, sinceMs: sinceMs + 999 }
  for (const [asked, is] of [
    [date, true],
    [later, true],
    [earlier, false]
  ] as const)
    t.equal(isUnmodified(document, { 'if-modified-since': asked }), is, asked)
})

t.test('a tag decides alone, strong or weak, one of several or any', async t => {
  const document = { ...plain, etag: '"a,b"', lastModified: date }
  for (const [tags, is] of [
    ['"a,b"', true],
    ['W/"a,b"', true],
    ['"x", "a,b"', true],
    ['*', true],
    ['"a"', false],
    ['a,b', false],
    ['', false]
  ] as const)
    t.equal(isUnmodified(document, { 'if-none-match': tags, 'if-modified-since': later }), is, tags)
  t.equal(isUnmodified({ ...document, etag: 'W/"a,b"' }, { 'if-none-match': '"a,b"' }), true)
  t.equal(isUnmodified(plain, { 'if-none-match': '"a,b"' }), false, 'a CA without tags')
})
