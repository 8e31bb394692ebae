import t from 'tap'
import { checkPath } from '../../src/puppet/path.ts'
import { type Row, verdictOn } from './verdict.ts'

const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** What Puppet 4 and later agents, tools and Puppet Server's routes say. */
const rows: readonly Row[] = [
  ['GET /puppet/v3/node/web01.example.com?environment=production', 'light master repeatable'],
  ['POST /puppet/v3/catalog/web01.example.com?environment=production', 'catalog master repeatable'],
  ['GET /puppet/v3/catalog/web01.example.com?environment=production', 'catalog master repeatable'],
  ['PUT /puppet/v3/catalog/web01.example.com', 'catalog master'],
  ['GET /puppet/v3/file_metadata/modules/ntp/ntp.conf?environment=production', 'light master repeatable'],
  ['GET /puppet/v3/file_metadatas/plugins?environment=production', 'light master repeatable'],
  ['POST /puppet/v3/file_metadata/modules/ntp/ntp.conf', 'light master repeatable'],
  ['GET /puppet/v3/file_content/modules/ntp/ntp.conf', 'light master repeatable'],
  ['GET /puppet/v3/file_content/tasks/ntp/init.rb', 'light master repeatable'],
  ['GET /puppet/v3/static_file_content/modules/ntp/files/ntp.conf?code_id=x', 'static master repeatable'],
  ['POST /puppet/v3/static_file_content/modules/ntp/files/ntp.conf', 'static master'],
  [`HEAD /puppet/v3/file_bucket_file/sha256/${sha256}`, `filebucket master repeatable sha256/${sha256}`],
  [`GET /puppet/v3/file_bucket_file/sha256/${sha256}`, `filebucket master repeatable sha256/${sha256}`],
  [`PUT /puppet/v3/file_bucket_file/sha256/${sha256}//etc/motd`, `filebucket master sha256/${sha256}`],
  ['PUT /puppet/v3/facts/web01.example.com', 'report master'],
  ['PUT /puppet/v3/report/web01.example.com?environment=production', 'report master'],
  ['GET /puppet/v3/environments', 'other master repeatable'],
  ['GET /puppet/v3/environment_classes?environment=production', 'other master repeatable'],
  ['GET /puppet/v3/environment_modules', 'other master repeatable'],
  ['GET /puppet/v3/environment_transports?environment=production', 'other master repeatable'],
  ['GET /puppet/v3/tasks', 'other master repeatable'],
  ['GET /puppet/v3/tasks/ntp/init', 'other master repeatable'],
  ['GET /puppet/v3/plans', 'other master repeatable'],
  ['GET /puppet/v3/plans/ntp/init', 'other master repeatable'],
  ['POST /puppet/v3/compile', 'admin master restricted'],
  ['GET /puppet/v3/status/x?environment=production', 'status master repeatable'],
  ['GET /puppet/v3/resource_type/ntp', 'other master repeatable'],
  ['GET /puppet/v3/resource_types/*', 'other master repeatable'],
  ['GET /puppet/v3/environment/production', 'other master repeatable'],
  ['POST /puppet/v4/catalog', 'admin master restricted'],
  ['POST /puppet/v4/catalog/', 'admin master restricted'],
  ['GET /puppet-ca/v1/certificate/ca', 'ca ca'],
  ['GET /puppet-ca/v1/certificate/web01.example.com', 'ca ca'],
  ['GET /puppet-ca/v1/certificate_revocation_list/ca', 'ca ca'],
  ['PUT /puppet-ca/v1/certificate_revocation_list', 'ca ca'],
  ['GET /puppet-ca/v1/certificate_request/web01.example.com', 'ca ca'],
  ['PUT /puppet-ca/v1/certificate_request/web01.example.com', 'ca ca'],
  ['DELETE /puppet-ca/v1/certificate_request/web01.example.com', 'ca ca'],
  ['POST /puppet-ca/v1/certificate_renewal', 'ca ca'],
  ['GET /puppet-ca/v1/certificate_status/web01.example.com', 'ca ca'],
  ['PUT /puppet-ca/v1/certificate_status/web01.example.com', 'ca ca'],
  ['DELETE /puppet-ca/v1/certificate_status/web01.example.com', 'ca ca'],
  ['GET /puppet-ca/v1/certificate_statuses/any_key?state=requested', 'ca ca'],
  ['PUT /puppet-ca/v1/clean', 'ca ca'],
  ['POST /puppet-ca/v1/sign', 'ca ca'],
  ['POST /puppet-ca/v1/sign/all', 'ca ca'],
  ['GET /puppet-ca/v1/expirations', 'ca ca'],
  ['GET /puppet-ca', 'ca ca'],
  ['GET /puppet-ca?x', 'ca ca'],
  ['GET /puppet-ca/', 'ca ca']
]

for (const [request, expected] of rows)
  t.test(`4 and later: ${request} is ${expected}`, async t => {
    t.equal(verdictOn(request), expected)
    t.equal(checkPath(request.slice(request.indexOf(' ') + 1)), undefined, 'and its path is fine')
  })

t.test('a percent-encoded spelling means what it decodes to', async t => {
  t.equal(verdictOn('GET /puppet%2Dca/v1/certificate/ca'), 'ca ca')
  t.equal(verdictOn('GET /%70%75ppet-ca/v1/certificate/ca'), 'ca ca')
  t.equal(verdictOn('GET /production/%63ertificate/ca'), 'ca ca')
  t.equal(verdictOn('GET /pro%64uction/certificate/ca'), 'ca ca')
  t.equal(verdictOn('POST /puppet/%76%33/catalog/web01'), 'catalog master repeatable')
  t.equal(verdictOn('POST /puppet/v3/comp%69le'), 'admin master restricted')
  t.equal(verdictOn('POST /puppet/v4/%63atalog'), 'admin master restricted')
  t.equal(verdictOn('GET /puppet%252Dca/v1/certificate/ca'), 'other master repeatable', 'decoded once only')
})

t.test('repeated slashes count as one, as Puppet Server has it', async t => {
  t.equal(verdictOn('GET //puppet-ca//v1/certificate/ca'), 'ca ca')
  t.equal(verdictOn('GET //production///certificate//ca'), 'ca ca')
  t.equal(verdictOn('POST //puppet//v3//catalog//web01'), 'catalog master repeatable')
  t.equal(verdictOn('POST /puppet//v4//catalog'), 'admin master restricted')
})

t.test('neither prefix nor substring of a CA path is one', async t => {
  t.equal(verdictOn('GET /puppet-caX/v1/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /puppet-c/v1/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /x/puppet-ca/v1/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /puppet/v3/certificate/ca'), 'other master repeatable')
  t.equal(verdictOn('GET /puppet/v3/file_content/puppet-ca/certificate'), 'light master repeatable')
  t.equal(verdictOn('GET /puppet/v3/file_metadatas/modules/certificate'), 'light master repeatable')
  t.equal(verdictOn('GET /puppet/v3/node/certificate_status'), 'light master repeatable')
})

t.test('a query changes nothing, not even one full of paths and percent signs', async t => {
  t.equal(
    verdictOn('GET /puppet/v3/node/web01?a=%2Fpuppet-ca%2F&b=%zz&c=/../;d#e'),
    'light master repeatable'
  )
  t.equal(verdictOn('GET /puppet/v3?/catalog'), 'other master repeatable')
})

t.test('unknown paths go to any master, and only reading them may be repeated', async t => {
  t.equal(verdictOn('GET /favicon.ico'), 'other master repeatable')
  t.equal(verdictOn('HEAD /favicon.ico'), 'other master repeatable')
  t.equal(verdictOn('POST /puppet/v3/new_thing/x'), 'other master')
  t.equal(verdictOn('DELETE /puppet/v5/catalog/x'), 'other master')
  t.equal(verdictOn('OPTIONS /production/nonsense/x'), 'other master')
  t.equal(verdictOn('GET /puppet/v4/other'), 'other master repeatable')
})

t.test('the root is the state of the pool, for checks of a balancer in front', async t => {
  for (const method of ['GET', 'HEAD', 'OPTIONS']) t.equal(verdictOn(`${method} /`), 'status pool-status')
})

t.test('a path that cannot be decoded is judged as it stands', async t => {
  t.equal(verdictOn('GET /puppet/v3/node/%zz'), 'light master repeatable')
  t.equal(verdictOn('GET /puppet%2Dca/%ff'), 'other master repeatable')
})
