import t from 'tap'
import { connectionTokens, hopByHopHeaders } from '../../src/data/http/hop-by-hop.ts'

t.test('headers of one connection are known by their lower-case names', async t => {
  const names = [
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'te'
  ]
  for (const name of [...names, 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'http2-settings'])
    t.ok(hopByHopHeaders.has(name), name)
  for (const name of ['content-length', 'host', 'content-type', 'x-client-dn', 'trailers'])
    t.notOk(hopByHopHeaders.has(name), name)
})

t.test('Connection names headers in any case, with any space, also empty ones', async t => {
  t.same(connectionTokens('X-Foo'), ['x-foo'])
  t.same(connectionTokens('keep-alive, Upgrade ,\tX-Foo,, ,HTTP2-Settings'), [
    'keep-alive',
    'upgrade',
    'x-foo',
    'http2-settings'
  ])
})

t.test('the usual values name nothing', async t => {
  for (const value of ['keep-alive', 'Keep-Alive', 'close', 'Close', '', ',', ' , '])
    t.same(connectionTokens(value), [])
  t.same(connectionTokens('close, X-Foo'), ['x-foo'])
})

t.test('Connection cannot name away what a message is and whom it is for', async t => {
  const value = 'Host, Content-Length, content-TYPE, Content-Encoding, Authorization, X-Authentication'
  t.same(connectionTokens(`${value}, X-Puppet-Version, close, X-Foo`), ['x-foo'])
})
