import t from 'tap'
import { checkPath } from '../../src/puppet/path.ts'
import { encodeSome, pick, seeded } from './seeded.ts'

const rounds = 40_000
const innocent = 'abcXYZ019-_~!$&\'()*+,:=@"<>[]^`{|}'
const pieces = [
  '/',
  '//',
  '.',
  '..',
  'a',
  'puppet',
  'v3',
  '\\',
  '%',
  '%2',
  '%2f',
  '%5C',
  '%00',
  '%ff',
  '%C3',
  '%A4',
  ';',
  '%3b',
  'ü',
  ' ',
  '#',
  '%2e',
  '%252e',
  '%u002e'
] as const

/** The rules once more, byte by byte and segment by segment, without a regular expression in common. */
function isAcceptable(target: string): boolean {
  const path = target.split('?')[0] ?? ''
  if (path[0] !== '/') return false
  for (const character of path)
    if (character <= ' ' || character > '~' || character === ';' || character === '#') return false
  const bytes: number[] = []
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== '%') {
      bytes.push(path.charCodeAt(at))
      continue
    }
    const digits = path.slice(at + 1, at + 3).toLowerCase()
    if (digits.length < 2 || [...digits].some(digit => !'0123456789abcdef'.includes(digit))) return false
    bytes.push(Number.parseInt(digits, 16))
    at += 2
  }
  const threeSegments = path.split('/').filter(Boolean).slice(0, 3).join(' ').toLowerCase()
  if (['%2f', '%5c', '\\'].some(slash => threeSegments.includes(slash))) return false
  let decoded: string
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return false
  }
  for (const character of decoded) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false
  }
  return !decoded.split(/[/\\]/).some(segment => ['.', '..'].includes(segment.split(';')[0] ?? ''))
}

t.test('a path is accepted exactly when its decoded form is harmless', async t => {
  const random = seeded(20_140)
  let acceptedCount = 0
  for (let round = 0; round < rounds; round++) {
    let target = random() < 0.95 ? '/' : ''
    for (let left = Math.floor(random() * 9); left > 0; left--) {
      const piece = pick(random, pieces)
      target += random() < 0.2 ? encodeSome(random, piece, 0.7) : piece
      if (random() < 0.3) target += '/'
    }
    if (random() < 0.1) target += `?${pick(random, pieces)}`
    const accepted = checkPath(target) === undefined
    if (accepted) acceptedCount++
    if (accepted !== isAcceptable(target)) t.fail(`${JSON.stringify(target)}: ${checkPath(target)}`)
  }
  t.ok(acceptedCount > rounds / 20, `enough accepted ones to mean something: ${acceptedCount}`)
  t.ok(acceptedCount < rounds / 2, `and enough refused ones: ${rounds - acceptedCount}`)
})

t.test('no accepted path decodes to a dot segment', async t => {
  const random = seeded(8140)
  let acceptedCount = 0
  for (let round = 0; round < rounds; round++) {
    let target = ''
    for (let left = 4 + Math.floor(random() * 4); left > 0; left--)
      target += `/${encodeSome(random, pick(random, ['a', '..', '.', '...', '.a', 'a\\..', 'b', 'cde', 'x/..']), 0.3)}`
    if (checkPath(target) !== undefined) continue
    acceptedCount++
    const segments = decodeURIComponent(target).split(/[/\\]/)
    if (segments.includes('.') || segments.includes('..')) t.fail(target)
  }
  t.ok(acceptedCount > 100, `${acceptedCount} were accepted`)
})

t.test('every path of ordinary characters is accepted', async t => {
  const random = seeded(9140)
  for (let round = 0; round < rounds; round++) {
    let target = ''
    for (let left = 1 + Math.floor(random() * 6); left > 0; left--) {
      target += '/'
      for (let length = Math.floor(random() * 8); length > 0; length--)
        target += innocent[Math.floor(random() * innocent.length)]
    }
    const encoded = encodeSome(random, target, 0).replaceAll('!', () => (random() < 0.5 ? '%C3%A4' : '%20'))
    if (checkPath(target) !== undefined) t.fail(target)
    if (checkPath(encoded) !== undefined) t.fail(encoded)
  }
  t.equal(checkPath('/'), undefined)
})
