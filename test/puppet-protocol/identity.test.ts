import t from 'tap'
import { certnameOf, identityHeaders } from '../../src/puppet/identity.ts'

const pem = '-----BEGIN CERTIFICATE-----\nMIIB+/a=\nAAAA\n-----END CERTIFICATE-----\n'
const dnOf = (certname: string) => identityHeaders({ certname, pem })[3]

t.test('a verified client is told by three headers', async t => {
  t.same(identityHeaders({ certname: 'web01.example.com', pem }), [
    'X-Client-Verify',
    'SUCCESS',
    'X-Client-DN',
    'CN=web01.example.com',
    'X-Client-Cert',
    '-----BEGIN%20CERTIFICATE-----%0AMIIB%2B%2Fa%3D%0AAAAA%0A-----END%20CERTIFICATE-----%0A'
  ])
})

t.test('a client without a certificate is told by one, and nothing is left empty', async t => {
  t.same(identityHeaders(undefined), ['X-Client-Verify', 'NONE'])
})

t.test('the headers are frozen, so that a connection may share them between requests', async t => {
  t.ok(Object.isFrozen(identityHeaders({ certname: 'a', pem })))
  t.ok(Object.isFrozen(identityHeaders(undefined)))
})

t.test('no certname can smuggle a second name into the DN', async t => {
  t.equal(dnOf('a,O=b'), 'CN=a\\,O\\=b')
  t.equal(dnOf('a+CN=b'), 'CN=a\\+CN\\=b')
  t.equal(dnOf('a"b'), 'CN=a\\"b')
  t.equal(dnOf('a\\,b'), 'CN=a\\\\\\,b')
  t.equal(dnOf('<a;b>'), 'CN=\\<a\\;b\\>')
  t.equal(dnOf('#a#'), 'CN=\\#a\\#')
})

t.test('spaces are kept, at the ends as hex pairs', async t => {
  t.equal(dnOf('a b'), 'CN=a b')
  t.equal(dnOf('  a '), 'CN=\\20\\20a\\20')
  t.equal(dnOf(' '), 'CN=\\20')
  t.equal(dnOf('a\\ '), 'CN=a\\\\\\20')
})

t.test('a chain, or no certificate at all, is our own mistake', async t => {
  t.throws(() => identityHeaders({ certname: 'a', pem: pem + pem }), RangeError)
  t.throws(() => identityHeaders({ certname: 'a', pem: '' }), RangeError)
})

t.test('a certname is one common name of printable ASCII without a slash', async t => {
  for (const name of ['web01.example.com', 'a b', '~', ' ', 'Web01', 'a,b=c'])
    t.equal(certnameOf(name), name, JSON.stringify(name))
  for (const name of ['', 'a/b', 'ä', 'a\nb', 'a\n', 'a\u0000', 'a\u007f', '\ta'])
    t.equal(certnameOf(name), undefined, JSON.stringify(name))
  t.equal(certnameOf(undefined), undefined)
  t.equal(certnameOf(['web01', 'web02']), undefined, 'two names are none')
  t.equal(certnameOf(['web01']), undefined, 'a list is not a name')
})
