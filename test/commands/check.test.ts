import { join } from 'node:path'
import t from 'tap'
import { check } from '../../src/commands/check.ts'
import { authority, minimal, pemFiles, tls } from '../config/fixture.ts'

t.test('a right configuration is OK, with what it comes to', async t => {
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': minimal('listen: { workers: 1 }') }), 'lb.yaml')
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
      '  agents on [::]:8140 (the main thread, 2 certificates, CRL read every 5m), operators on 127.0.0.1:9140',
      '  CA at https://ca.example.com:8140, 2 masters of 2 priorities, round-robin'
    ].join('\n')
  )
})
