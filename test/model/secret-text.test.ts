import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { holdsSecret, withoutSecrets } from '../../src/model/secret-text.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secrets: Readonly<Record<string, string>> = {
  'a key of PKCS #8': privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  'a key of SEC 1': privateKey.export({ type: 'sec1', format: 'pem' }) as string,
  'a key as a URL carries it': encodeURIComponent(
    privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  ),
  'a key as JSON carries it': JSON.stringify(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  'a key that is cut': (privateKey.export({ type: 'pkcs8', format: 'pem' }) as string).slice(0, 120),
  'a key without its frame': privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  'credentials of Bearer': 'Bearer 0123456789abcdef',
  'credentials of Basic': 'authorization: basic cHVwcGV0LWxiOnNlY3JldA==',
  'a URL with a password': 'https://me:s3cr/et@puppet.example.com:8140',
  'a URL with a user': 'http://s3cret@puppet'
}

for (const [what, secret] of Object.entries(secrets)) {
  t.test(`of ${what} nothing is left in a message`, async t => {
    t.ok(holdsSecret(secret))
    const told = withoutSecrets(`it failed: ${secret}; go on`)
    t.match(told, /^it failed: .*left out/)
    for (const part of secret.split(/[^\w+/=]+/).filter(text => /\d/.test(text) && text.length > 5))
      if (!part.startsWith('puppet')) t.notOk(told.includes(part), part)
  })
}

t.test('what is no secret stays as it is', async t => {
  for (const text of [
    'connect ECONNREFUSED 127.0.0.1:8140',
    'https://puppet.example.com:8140',
    '/etc/puppet-lb/tls/MASTER-ONE.example.com.pem is not there',
    'error:1E08010C:DECODER routines::unsupported',
    'at file:///opt/puppet-lb/node_modules/@fastify/ajv-compiler/index.js:1:1',
    'the certificate of CN=puppet.example.com, mail=me@example.com',
    ''
  ]) {
    t.equal(withoutSecrets(text), text)
    t.notOk(holdsSecret(text))
  }
})
