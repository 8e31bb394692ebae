import t from 'tap'
import { isForgeable } from '../../src/puppet/forged-headers.ts'

const forgeable = [
  'X-Client-Verify',
  'X-Client-DN',
  'X-Client-Cert',
  'X-Client-S-DN',
  'X-Client',
  'X-SSL-Subject',
  'X-SSL-Client-DN',
  'X-SSL-Client-Cert',
  'SSL-Client-Cert',
  'SSL_CLIENT_S_DN',
  'SSL_CLIENT_VERIFY',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Client-Cert',
  'X-Forwarded',
  'Forwarded',
  'X-Real-IP',
  'Client-IP',
  'HTTP_X_CLIENT_DN',
  'HTTP_X_CLIENT_VERIFY',
  'HTTP_X_SSL_CLIENT_CERT',
  'HTTP_SSL_CLIENT_S_DN'
]

const spellings: Readonly<Record<string, (name: string) => string>> = {
  'as it is': name => name,
  'lower case': name => name.toLowerCase(),
  'upper case': name => name.toUpperCase(),
  'alternating case': name =>
    name.replace(/[a-z]/gi, (c, at) => (at % 2 ? c.toUpperCase() : c.toLowerCase())),
  underscores: name => name.replaceAll('-', '_'),
  hyphens: name => name.replaceAll('_', '-'),
  'the last sign an underscore': name => name.replace(/[-_](?=[^-_]*$)/, '_'),
  'the last sign a hyphen': name => name.replace(/[-_](?=[^-_]*$)/, '-'),
  dots: name => name.replaceAll(/[-_]/g, '.'),
  'other signs': name => name.replaceAll(/[-_]/g, "!#$%&'*+^`|~"),
  'a sign before it': name => `_${name}`,
  'a sign behind it': name => `${name}_`
}

for (const [how, spell] of Object.entries(spellings))
  t.test(`no client may send an identity header, spelt with ${how}`, async t => {
    for (const name of forgeable) t.ok(isForgeable(spell(name)), spell(name))
  })

t.test('what agents and tools need passes', async t => {
  const needed = [
    ['Accept', 'Accept-Encoding', 'Authorization', 'Connection', 'Content-Encoding', 'Content-Length'],
    ['Content-Type', 'Cookie', 'Date', 'ETag', 'Expect', 'Host', 'If-Modified-Since', 'If-None-Match'],
    ['Transfer-Encoding', 'User-Agent', 'X-Authentication', 'X-Puppet-Version', 'X-Puppet-Profiling'],
    ['X-Request-Id', 'Via', 'X-Clients', 'X-SSLX', 'XClient-DN', 'Forwarded2', 'X-Real', 'Client', 'HTTP'],
    ['HTTP2-Settings', 'Not-X-Client-DN', 'SSL', 'X-Realm-IP', 'X', '']
  ].flat()
  for (const name of needed) t.notOk(isForgeable(name), name)
})
