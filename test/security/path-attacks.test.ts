import t from 'tap'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

/** Targets by which somebody might mean one path here and another at a master. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'dot segments': [
    '/puppet/v3/../../puppet-admin-api/v1/environment-cache',
    '/puppet/v3/node/..',
    '/puppet/v3/./node/x',
    '/./puppet-ca/v1/certificate/ca',
    '/../puppet-ca/v1/certificate/ca',
    '/puppet/v3/file_content/modules/a/../../../../etc/passwd'
  ],
  'encoded dot segments': [
    '/puppet/v3/%2e%2e/%2e%2e/puppet-admin-api/v1/environment-cache',
    '/puppet/v3/.%2E/node/x',
    '/puppet/v3/%2e./node/x',
    '/%2e/puppet-ca/v1/certificate/ca',
    '/puppet/v3/file_content/modules/a/%2e%2e%2fsecret',
    '/puppet/v3/file_content/modules/a/..%2fsecret',
    '/puppet/v3/file_content/modules/a/..%5csecret'
  ],
  'encoded slashes where the endpoint is decided': [
    '/puppet%2Fv3/node/x',
    '/puppet/v3%2fnode/x',
    '/%2fpuppet-ca/v1/certificate/ca',
    '/production%2fcertificate/ca',
    '/production/certificate%2fca',
    '/puppet%2dca%2fv1/certificate/ca'
  ],
  backslashes: ['/puppet\\v3\\node\\x', '/puppet%5cv3/node/x', '/puppet/v3/%5c/x'],
  'path parameters': [
    '/puppet/v3/node/x;jsessionid=1',
    '/puppet-admin-api;x/v1/environment-cache',
    '/puppet/v3/..;/..;/puppet-admin-api/v1/environment-cache',
    '/;/puppet-ca/v1/certificate/ca',
    '/puppet/v3/node/..%3b/x'
  ],
  'control characters': [
    '/puppet/v3/node/x%00',
    '/puppet/v3/node/%00/x',
    '/puppet/v3/node/x%0d%0aX-Client-Verify:%20SUCCESS',
    '/puppet/v3/node/x%0A',
    '/puppet/v3/node/x%7f',
    '/puppet/v3/node/x%c2%85'
  ],
  'what is not UTF-8, overlong spellings of a dot and a slash among it': [
    '/puppet/v3/%c0%ae%c0%ae/x',
    '/puppet/v3/node/%c0%af',
    '/puppet/v3/node/%ff',
    '/puppet/v3/node/%e0%80%ae',
    '/puppet/v3/node/%ed%a0%80'
  ],
  'broken encodings': [
    '/puppet/v3/node/%',
    '/puppet/v3/node/%2',
    '/puppet/v3/node/%zz',
    '/puppet/v3/node/%u002e'
  ],
  'targets that are no path': [
    'ftp://puppet/puppet/v3/node/x',
    'http://a:b@elsewhere.example.com/puppet/v3/node/x',
    'https://elsewhere.example.com/../x',
    '*',
    'puppet/v3/node/x',
    '?/puppet/v3/node/x',
    'elsewhere:8140'
  ],
  'fragments and raw bytes': [
    '/puppet/v3/node/x#/puppet-ca',
    '/puppet/v3/node/x\tHTTP/1.0',
    '/puppet/v3/node/\u00e9',
    '/puppet/v3/node/\u007f',
    '/puppet/v3/node/\u0001'
  ]
}

for (const [what, targets] of Object.entries(attacks)) {
  t.test(`${what} reach no master, for nobody`, async t => {
    const { app, pki, reached } = await startScene(t, {
      overrides: { access: { administrators: ['admin1'] } }
    })
    for (const identity of [undefined, await pki.authority.issue({ certname: 'admin1' })]) {
      for (const target of targets) {
        for (const method of target === '*' ? ['GET', 'POST'] : ['GET', 'DELETE', 'POST']) {
          const raw = await connectRaw(t, pki, app.port, identity)
          const bytes = `${method} ${target} HTTP/1.1\r\nHost: puppet\r\nContent-Length: 0\r\n\r\n`
          const answer = await raw.ask(Buffer.from(bytes, 'latin1'))
          t.equal(answer.status, 400, `${method} ${JSON.stringify(target)}`)
          t.match(answer.headers.get('x-puppet-lb-reason'), /^bad-(path|request)$/)
          t.notOk(answer.body.includes(target.slice(0, 20)) && target.length > 3, 'the target is not echoed')
          raw.socket.destroy()
        }
      }
    }
    t.same(reached(), [])
  })
}

t.test('what is merely unusual goes on byte for byte', async t => {
  const { app, pki, masters } = await startScene(t)
  const targets = [
    '/puppet/v3/file_bucket_file/md5/0123456789abcdef0123456789abcdef//etc/motd',
    '/puppet/v3/file_content/modules/a/b%20c%2Fd%252e.txt',
    '/puppet/v3/file_content/modules/a/..foo/.bar/baz..',
    '/puppet/v3/node/x%3By?a=%00&b=../..&c=%zz&d=;e',
    "/puppet/v3/file_metadata/modules/a/!$&'()*+,=:@~-._",
    '/puppet/v3/node/%E2%82%AC?environment=production&x=http://elsewhere/',
    '//puppet/v3//node/x'
  ]
  const raw = await connectRaw(t, pki, app.port)
  for (const target of targets) {
    const answer = await raw.ask(`GET ${target} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
    t.equal(answer.status, 200, target)
  }
  t.same(
    masters[0]?.seen.map(({ url }) => url),
    targets
  )
})
