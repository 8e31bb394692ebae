import { join } from 'node:path'
import t from 'tap'
import { check } from '../../src/commands/check.ts'
import { formatMarks } from '../../src/control/revocation/seen-lists.ts'
import { authoritiesOf } from '../../src/pki/authorities.ts'
import { readRevocations } from '../../src/pki/crl.ts'
import { authority, minimal, pemFiles, tls } from '../config/fixture.ts'

t.test('a right configuration is OK, with what it comes to', async t => {
  const file = join(
    t.testdir({ ...pemFiles, 'lb.yaml': minimal('listen: { host: 0.0.0.0, workers: 1 }') }),
    'lb.yaml'
  )
  t.equal(
    check({ config: file }, {}).text,
    [
      `${file}: OK`,
      '  agents on 0.0.0.0:8140 (1 worker, 1 certificate, no CRL), operators on 127.0.0.1:9140',
      '  CA at https://ca.example.com:8140, 1 master of 1 priority, least-loaded'
    ].join('\n')
  )
})

t.test('more of everything is counted', async t => {
  const rsa = await authority.issue({ certname: 'puppet.example.com', keyType: 'rsa2048' })
  const yaml = `${minimal()}  - { name: beta, url: http://beta, priority: 1 }
listen: { host: "::", workers: 0 }
balance: { policy: round-robin }
`.replace(
    tls,
    'tls: { cert: [server.pem, rsa.pem], key: [server.key, rsa.key], ca: ca.pem, crl: { file: crl.pem } }'
  )
  const files = { ...pemFiles, 'rsa.pem': rsa.chain, 'rsa.key': rsa.key, 'lb.yaml': yaml }
  const file = join(t.testdir(files), 'lb.yaml')
  t.equal(
    check({ config: file }, {}).text,
    [
      `${file}: OK`,
      '  agents on [::]:8140 (the main thread, 2 certificates, CRL read every 1m), operators on 127.0.0.1:9140',
      '  CA at https://ca.example.com:8140, 2 masters of 2 priorities, round-robin'
    ].join('\n')
  )
})

t.test('other ways in are named', async t => {
  const yaml = `${minimal()}  - { name: beta, url: "https://beta:8140", pools: [old] }
listen: { host: "::", workers: 0, tcp: [{ port: 8141, pool: old }], proxyProtocol: { from: [192.0.2.1] } }
`
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': yaml }), 'lb.yaml')
  t.match(
    check({ config: file }, {}).text,
    'agents on [::]:8140 (the main thread, 1 certificate, no CRL), raw TCP on port 8141 to the pool old, PROXY protocol from 192.0.2.1, operators on 127.0.0.1:9140'
  )
})

t.test('what is right but old is warned of, apart from the rest', async t => {
  const yaml = minimal('listen: { workers: 1 }\nadmin: { allow: [ops] }').replace(
    'ca: ca.pem',
    'ca: ca.pem, crl: { file: crl.pem }'
  )
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': yaml }), 'lb.yaml')
  const { text, warnings } = check({ config: file }, {})
  t.match(text, /: OK\n/)
  t.notMatch(text, 'warning')
  t.same(warnings, [
    `warning: ${file}:6:10 admin.allow: is called access.administrators now, and is taken under its old name for one release; must be moved`
  ])
})

t.test('a right configuration without anything old has no warnings', async t => {
  const yaml = minimal().replace('ca: ca.pem', 'ca: ca.pem, crl: { file: crl.pem }')
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': yaml }), 'lb.yaml')
  t.same(check({ config: file }, {}).warnings, [])
})

t.test('a configuration without revocation lists is warned of: nobody else looks', async t => {
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': minimal() }), 'lb.yaml')
  const { warnings } = check({ config: file }, {})
  t.match(warnings, [/^warning: .*lb\.yaml:1:1 tls\.crl: is missing: masters trust the identity headers/])
  t.equal(warnings.length, 1)
})

t.test('lists that are fetched and kept nowhere are warned of', async t => {
  for (const [crl, count] of [
    ['fetch: true', 1],
    ['fetch: true, directory: lists', 0]
  ] as const) {
    const yaml = minimal().replace('ca: ca.pem', `ca: ca.pem, crl: { ${crl} }`)
    const file = join(t.testdir({ ...pemFiles, 'lb.yaml': yaml }), 'lb.yaml')
    const { warnings, text } = check({ config: file }, {})
    t.match(text, 'CRL fetched every 1m')
    t.equal(
      warnings.filter(each => / tls\.crl\.fetch: is true, and what is fetched is kept nowhere/.test(each))
        .length,
      count
    )
  }
})

t.test('a CA of the bundle whose list the file lacks is warned of', async t => {
  const yaml = minimal().replace('ca: ca.pem', 'ca: ca.pem, crl: { file: crl.pem }')
  const [one = ''] = String(pemFiles['crl.pem']).split(/(?<=END X509 CRL-----\n)/)
  const file = join(t.testdir({ ...pemFiles, 'crl.pem': one, 'lb.yaml': yaml }), 'lb.yaml')
  const { warnings } = check({ config: file }, {})
  t.match(warnings, [
    /^warning: .*lb\.yaml:1:\d+ tls\.crl\.file: names .*crl\.pem, which lacks the list of "CN=Puppet Root CA: /
  ])
  t.equal(warnings.length, 1)
})

t.test('a list that is out of date is warned of, with what that means for agents', async t => {
  const late = await authority.crl({ nextUpdate: new Date('2026-02-01') })
  for (const [expired, effect] of [
    ['keep', 'it still counts, and whoever was revoked since is served'],
    ['refuse', 'every agent of that CA is refused']
  ] as const) {
    const crl = `crl: { file: late.pem, expired: ${expired} }`
    const yaml = minimal().replace('ca: ca.pem', `ca: ca.pem, ${crl}`)
    const file = join(t.testdir({ ...pemFiles, 'late.pem': late, 'lb.yaml': yaml }), 'lb.yaml')
    const [warning = ''] = check({ config: file }, {}).warnings
    t.match(
      warning,
      /late\.pem, in which the list of "CN=Puppet CA.*" is out of date since 2026-02-01T00:00:00/
    )
    t.match(warning, `: ${effect}; must be the CA's newest list`)
  }
})

t.test(
  'a list that a start would refuse, being older than the one it went by, is refused here as well',
  async t => {
    const [older, newer] = [await authority.crl(), await authority.crl()]
    const authorities = authoritiesOf(authority.bundle)
    const marks = formatMarks(readRevocations(Buffer.from(newer), authorities, Date.now()))
    const yaml = minimal('state: { directory: . }').replace(
      'ca: ca.pem',
      'ca: ca.pem, crl: { file: crl.pem }'
    )
    for (const [crl, isRefused] of [
      [older, true],
      [newer, false]
    ] as const) {
      const files = { ...pemFiles, 'crl.pem': crl, 'lb.yaml': yaml, 'revocation-numbers.json': marks }
      const file = join(t.testdir(files), 'lb.yaml')
      if (!isRefused) t.match(check({ config: file }, {}).text, ': OK')
      else
        t.throws(() => check({ config: file }, {}), {
          message: /lb\.yaml:1:\d+ tls\.crl\.file: .* older list/
        })
    }
  }
)

t.test('the list of infrastructure nodes is told by its name', async t => {
  const yaml = minimal().replace('ca: ca.pem', 'ca: ca.pem, crl: { file: infra_crl.pem }')
  const files = { ...pemFiles, 'infra_crl.pem': pemFiles['crl.pem'], 'lb.yaml': yaml }
  const file = join(t.testdir(files), 'lb.yaml')
  t.throws(() => check({ config: file }, {}), {
    message:
      /infra_crl\.pem, the list of infrastructure nodes, which leaves out revoked agents; must be the CA's full/
  })
})
