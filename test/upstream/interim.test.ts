import t from 'tap'
import { createInterimFilter } from '../../src/upstream/interim.ts'

/** What becomes of bytes that come in pieces of a size, behind a request. */
function passed(text: string, size = text.length): string {
  const filter = createInterimFilter()
  filter.begin()
  let out = ''
  for (let at = 0; at < text.length; at += size) {
    const chunk = Buffer.from(text.slice(at, at + size), 'latin1')
    filter.pass(chunk)
    out += chunk.toString('latin1')
  }
  return out
}

const go = 'HTTP/1.1 100 Continue\r\nX: \r\n\r\n'
const gone = 'HTTP/1.1 102 Continue\r\nX: \r\n\r\n'

t.test('a 100 before an answer becomes a 102, however it is cut into pieces', async t => {
  const answer = `HTTP/1.1 200 OK\r\n\r\n${go}`
  for (const [text, expected] of [
    [go + answer, gone + answer],
    [go + go + answer, gone + gone + answer],
    [`\r\n${go}${answer}`, `\r\n${gone}${answer}`],
    [`HTTP/1.1 103 Early\r\n\r\n${go}${answer}`, `HTTP/1.1 103 Early\r\n\r\n${gone}${answer}`],
    [`HTTP/1.0 100 \r\n\r\n${answer}`, `HTTP/1.0 102 \r\n\r\n${answer}`]
  ] as const)
    for (let size = 1; size <= text.length; size++) t.equal(passed(text, size), expected, `${size} at a time`)
})

t.test('whatever else comes is left as it is', async t => {
  for (const text of [
    'HTTP/1.1 200 100\r\n\r\n',
    'HTTP/1.1 101 100\r\n\r\nHTTP/1.1 110 Odd\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-A: HTTP/1.1 100\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n\r\n',
    ''
  ])
    for (let size = 1; size <= text.length; size++) t.equal(passed(text, size), text)
})

t.test('nothing is looked at before a request, and each request begins anew', async t => {
  const filter = createInterimFilter()
  const pass = (text: string) => {
    const chunk = Buffer.from(text, 'latin1')
    filter.pass(chunk)
    return chunk.toString('latin1')
  }
  t.equal(pass(go), go)
  filter.begin()
  t.equal(pass('HTTP/1.1 200 OK\r\n\r\n'), 'HTTP/1.1 200 OK\r\n\r\n')
  t.equal(pass(go), go)
  filter.begin()
  t.equal(pass(go), gone)
})
