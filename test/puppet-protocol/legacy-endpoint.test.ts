import t from 'tap'
import { checkPath } from '../../src/puppet/path.ts'
import { type Row, verdictOn } from './verdict.ts'

const md5 = 'd41d8cd98f00b204e9800998ecf8427e'

/** What Puppet 2.6 to 3.8 agents, tools and their masters' documentation say: `/<env>/<indirection>/<key>`. */
const rows: readonly Row[] = [
  ['GET /production/certificate/ca', 'ca ca'],
  ['GET /production/certificate/web01.example.com', 'ca ca'],
  ['PUT /production/certificate_request/web01.example.com', 'ca ca'],
  ['GET /production/certificate_request/web01.example.com', 'ca ca'],
  ['DELETE /production/certificate_request/web01.example.com', 'ca ca'],
  ['GET /production/certificate_requests/all', 'ca ca'],
  ['GET /production/certificate_revocation_list/ca', 'ca ca'],
  ['GET /production/certificate_status/web01.example.com', 'ca ca'],
  ['PUT /production/certificate_status/web01.example.com', 'ca ca'],
  ['DELETE /production/certificate_status/web01.example.com', 'ca ca'],
  ['GET /production/certificate_statuses/all', 'ca ca'],
  ['GET /production/node/web01.example.com', 'light master repeatable'],
  ['POST /production/node/web01.example.com', 'light master repeatable'],
  ['GET /production/catalog/web01.example.com?facts_format=pson', 'catalog master repeatable'],
  ['POST /production/catalog/web01.example.com', 'catalog master repeatable'],
  ['PUT /production/catalog/web01.example.com', 'catalog master'],
  ['GET /production/file_metadata/modules/ntp/ntp.conf', 'light master repeatable'],
  ['POST /production/file_metadata/modules/ntp/ntp.conf', 'light master repeatable'],
  ['GET /production/file_metadatas/plugins?recurse=true', 'light master repeatable'],
  ['GET /production/file_metadata_search/plugins', 'light master repeatable'],
  ['GET /production/file_content/modules/ntp/ntp.conf', 'light master repeatable'],
  [`HEAD /production/file_bucket_file/md5/${md5}/etc/motd`, `filebucket master repeatable md5/${md5}`],
  [`GET /production/file_bucket_file/md5/${md5}`, `filebucket master repeatable md5/${md5}`],
  [`PUT /production/file_bucket_file/md5/${md5}/etc/motd`, `filebucket master md5/${md5}`],
  ['PUT /production/report/web01.example.com', 'report master'],
  ['POST /production/report/web01.example.com', 'report master'],
  ['GET /production/report/web01.example.com', 'other master repeatable'],
  ['PUT /production/facts/web01.example.com', 'report master'],
  ['GET /production/facts/web01.example.com', 'other master repeatable'],
  ['POST /production/facts/web01.example.com', 'other master repeatable'],
  ['GET /production/facts_search/search?facts.os=Debian', 'other master repeatable'],
  ['GET /production/inventory/search', 'other master repeatable'],
  ['GET /production/resource_type/ntp', 'other master repeatable'],
  ['GET /production/resource_types/*', 'other master repeatable'],
  ['GET /production/resource/user/root', 'other master repeatable'],
  ['GET /production/data_binding/ntp::servers', 'other master repeatable'],
  ['GET /production/key/ca', 'other master repeatable'],
  ['PUT /production/instrumentation_probe/x', 'other master'],
  ['PUT /production/instrumentation_listener/x', 'other master'],
  ['GET /production/instrumentation_data/x', 'other master repeatable'],
  ['PUT /production/run/web01.example.com', 'other master'],
  ['GET /production/status/no_key', 'status master repeatable'],
  ['GET /production/statuses/no_key', 'status master repeatable'],
  ['GET /v2.0/environments', 'other master repeatable'],
  ['POST /RPC2', 'other refuse'],
  ['GET /RPC2/', 'other refuse']
]

for (const [request, expected] of rows)
  t.test(`pre-4: ${request} is ${expected}`, async t => {
    t.equal(verdictOn(request), expected)
    t.equal(checkPath(request.slice(request.indexOf(' ') + 1)), undefined, 'and its path is fine')
  })

t.test('an environment may be named like a service', async t => {
  t.equal(verdictOn('GET /puppet/certificate/ca'), 'ca ca')
  t.equal(verdictOn('POST /puppet/catalog/web01'), 'catalog master repeatable')
  t.equal(verdictOn('GET /status/certificate/ca'), 'ca ca')
  t.equal(verdictOn('GET /status/node/web01'), 'light master repeatable')
  t.equal(verdictOn('GET /metrics/file_content/modules/a/b'), 'light master repeatable')
  t.equal(verdictOn('PUT /packages/report/web01'), 'report master')
  t.equal(verdictOn('GET /RPC2/certificate/ca'), 'ca ca')
})

t.test('only the second segment makes a certificate request', async t => {
  t.equal(
    verdictOn('GET /production/file_content/modules/certificate/certificate.pem'),
    'light master repeatable'
  )
  t.equal(verdictOn('GET /production/file_metadatas/certificates'), 'light master repeatable')
  t.equal(verdictOn('GET /production/node/certificate'), 'light master repeatable')
  t.equal(verdictOn('GET /certificate'), 'other master repeatable')
  t.equal(verdictOn('GET /certificate/node/x'), 'light master repeatable')
  t.equal(verdictOn('GET /production/my_certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /production/certificat/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /production/x?y=/production/certificate/ca'), 'other master repeatable')
})

t.test('whatever begins with certificate is for the CA', async t => {
  t.equal(verdictOn('GET /production/certificates_foo'), 'ca ca')
  t.equal(verdictOn('GET /production/certificate'), 'ca ca')
  t.equal(verdictOn('GET /production/certificate?x'), 'ca ca')
  t.equal(verdictOn('PATCH /under_score9/certificate_new/x'), 'ca ca')
})

t.test('an environment is letters, digits and underscores', async t => {
  t.equal(verdictOn('GET /my-env/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('POST /my.env/catalog/web01'), 'other master')
  t.equal(verdictOn('GET /pr%C3%B6d/certificate/ca'), 'other master repeatable')
})

t.test('names are case-sensitive', async t => {
  t.equal(verdictOn('GET /production/Certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('POST /production/Catalog/web01'), 'other master')
  t.equal(verdictOn('GET /PUPPET-CA/v1/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('POST /rpc2'), 'other master')
})
