import t from 'tap'
import { reasonPhrase, requestHeaders, responseHeaders } from '../../src/data/http/headers.ts'

const identity = ['X-Client-Verify', 'SUCCESS', 'X-Client-DN', 'CN=a.example.com']

t.test('a master gets its own Host, the agent’s headers as they came, and the identity last', async t => {
  const raw = ['host', 'puppet:8140', 'X-Puppet-Version', '8.10.0', 'accept', 'a', 'ACCEPT', 'b']
  t.same(requestHeaders(raw, undefined, 'm1:8140', identity), [
    'Host',
    'm1:8140',
    'X-Puppet-Version',
    '8.10.0',
    'accept',
    'a',
    'ACCEPT',
    'b',
    ...identity
  ])
})

t.test('what is of one connection or forged does not reach a master, however it is spelt', async t => {
  const names = [
    'Connection',
    'KEEP-ALIVE',
    'te',
    'Expect',
    'Transfer-Encoding',
    'x-client-dn',
    'X_Client_DN'
  ]
  for (const name of names) t.same(requestHeaders([name, 'x'], undefined, 'm1', []), ['Host', 'm1'], name)
})

t.test('Connection takes away what it names, but nothing that was added for the master', async t => {
  const raw = ['X-One-Hop', '1', 'X-Other', '2', 'Content-Length', '3']
  const connection = 'keep-alive, X-One-Hop, X-Client-DN, Host, Content-Length'
  t.same(requestHeaders(raw, connection, 'm1', identity), [
    'Host',
    'm1',
    'X-Other',
    '2',
    'Content-Length',
    '3',
    ...identity
  ])
})

t.test('however many names are invented, each is judged by what it is', async t => {
  for (let count = 0; count < 3000; count++) {
    const kept = requestHeaders([`X-Invented-${count}`, '1', `x-client-dn`, 'x'], undefined, 'm1', [])
    if (kept.length !== 4) t.fail(`X-Invented-${count}`)
  }
  t.same(requestHeaders(['X-CLIENT-CERT', 'x', 'TRAILER', 'x'], undefined, 'm1', []), ['Host', 'm1'])
})

t.test('an agent gets a master’s headers one by one, without those of one connection', async t => {
  t.same(
    responseHeaders(
      {
        'content-type': 'text/plain',
        connection: 'close, X-One-Hop',
        'keep-alive': 'timeout=1',
        'transfer-encoding': 'chunked',
        'x-one-hop': '1',
        'set-cookie': ['a', 'b'],
        'x-missing': undefined
      },
      200
    ),
    ['content-type', 'text/plain', 'set-cookie', 'a', 'set-cookie', 'b']
  )
})

t.test('a master may name headers in several Connection headers', async t => {
  t.same(responseHeaders({ connection: ['X-A', 'X-B'], 'x-a': '1', 'x-b': '2', 'x-c': '3' }, 200), [
    'x-c',
    '3'
  ])
})

t.test(
  'the length goes last, whatever it stood in front of, and not with an answer that has none',
  async t => {
    const headers = { 'content-length': '5', 'content-disposition': 'a' }
    t.same(responseHeaders(headers, 200), ['content-disposition', 'a', 'content-length', '5'])
    t.same(responseHeaders(headers, 304), ['content-disposition', 'a', 'content-length', '5'])
    t.same(responseHeaders(headers, 204), ['content-disposition', 'a'])
  }
)

t.test('a reason phrase goes out as the bytes it came in, or not at all', async t => {
  t.equal(reasonPhrase(), '')
  t.equal(reasonPhrase('Not Found'), 'Not Found')
  t.equal(reasonPhrase('\u00fcnauffindbar'), '\u00c3\u00bcnauffindbar')
  t.equal(Buffer.from(reasonPhrase('\u898b'), 'latin1').toString(), '\u898b')
  for (const phrase of ['a\ufffd', 'a\r\nX: b', 'a\0', 'a\u007f']) t.equal(reasonPhrase(phrase), '')
})
