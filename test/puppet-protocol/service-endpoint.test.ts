import t from 'tap'
import { classify } from '../../src/puppet/endpoint.ts'
import { type Row, verdictOn } from './verdict.ts'

/** Status, metrics, administration and the extras of Puppet Enterprise. */
const rows: readonly Row[] = [
  ['GET /status/v1/simple', 'status pool-status'],
  ['HEAD /status/v1/simple', 'status pool-status'],
  ['GET /status/v1/simple?timeout=5', 'status pool-status'],
  ['GET /status/v1/simple/', 'status pool-status'],
  ['GET /status/v1/simple/server', 'status pool-status'],
  ['HEAD /status/v1/simple/server', 'status pool-status'],
  ['GET /status/v1/simple/master', 'status pool-status'],
  ['GET /status/v1/s%69mple', 'status pool-status'],
  ['OPTIONS /status/v1/simple', 'status pool-status'],
  ['POST /status/v1/simple', 'status master'],
  ['GET /status/v1/simple/server/x', 'status master repeatable'],
  ['GET /status/v1/simple/pe-master', 'status master repeatable'],
  ['GET /status/v1/simple/ca', 'ca ca'],
  ['HEAD /status/v1/simple/ca', 'ca ca'],
  ['GET /status/v1/simple/c%61', 'ca ca'],
  ['GET /status/v1/simple/ca%2F', 'ca ca'],
  ['GET /status//v1//simple//ca/', 'ca ca'],
  ['GET /status/v1/simple/cab', 'status master repeatable'],
  ['GET /status/v1/services/ca', 'ca ca'],
  ['GET /status/v1/services/ca?level=debug', 'ca ca'],
  ['GET /status/v1/services', 'admin master restricted'],
  ['GET /status/v1/services?level=debug', 'admin master restricted'],
  ['GET /status/v1/services/jruby-metrics', 'admin master restricted'],
  ['GET /status/v1/services/file-sync-storage-service', 'admin master restricted'],
  ['GET /status/v1/servic%65s', 'admin master restricted'],
  ['GET /status/v2/simple', 'admin master restricted'],
  ['GET /status', 'admin master restricted'],
  ['GET /metrics/v1/mbeans', 'admin master restricted'],
  ['GET /metrics/v2/read/java.lang:type=Memory', 'admin master restricted'],
  ['POST /metrics/v2', 'admin master restricted'],
  ['GET /metrics', 'admin master restricted'],
  ['GET //m%65trics/v2/list', 'admin master restricted'],
  ['DELETE /puppet-admin-api/v1/environment-cache', 'admin every-master restricted'],
  ['DELETE /puppet-admin-api/v1/environment-cache?environment=production', 'admin every-master restricted'],
  ['DELETE /puppet-admin-api/v1/jruby-pool', 'admin every-master restricted'],
  ['DELETE /puppet%2Dadmin-api/v1/jruby-pool', 'admin every-master restricted'],
  ['GET /puppet-admin-api/v1/environment-cache', 'admin master restricted'],
  ['DELETE /puppet-admin-api/v1/jruby-pool/thread-dump', 'admin master restricted'],
  ['GET /puppet-admin-api/v1/jruby-pool/thread-dump', 'admin master restricted'],
  ['DELETE /puppet-admin-api/v2/jruby-pool', 'admin master restricted'],
  ['GET /puppet-admin-api', 'admin master restricted'],
  ['GET /puppet-admin-apiX/v1/environment-cache', 'other master repeatable'],
  ['GET /file-sync/v1/latest-commits', 'admin ca restricted'],
  ['GET /file-sync-git/puppet-code.git', 'admin ca restricted'],
  ['GET /', 'status pool-status'],
  ['HEAD /', 'status pool-status'],
  ['OPTIONS /', 'status pool-status'],
  ['GET //?x=1', 'status pool-status'],
  ['POST /', 'other master'],
  ['GET /packages/current/install.bash', 'static master repeatable'],
  ['HEAD /packages/2019.8.1/el-8-x86_64/x.rpm', 'static master repeatable'],
  ['POST /packages/current', 'static master']
]

for (const [request, expected] of rows)
  t.test(`${request} is ${expected}`, async t => {
    t.equal(verdictOn(request), expected)
  })

t.test('the list of services is for the CA only when the CA command asks', async t => {
  const list = 'GET /status/v1/services'
  t.equal(verdictOn(list, 'PuppetserverCaCli'), 'ca ca')
  t.equal(verdictOn(`${list}?level=critical`, 'PuppetserverCaCli/2.6'), 'ca ca')
  t.equal(verdictOn('GET /status/v1/s%65rvices', 'PuppetserverCaCli'), 'ca ca')
  t.equal(verdictOn(list, 'Mozilla PuppetserverCaCli'), 'admin master restricted')
  t.equal(verdictOn(list, 'puppetservercacli'), 'admin master restricted')
  t.equal(verdictOn(`${list}/jruby-metrics`, 'PuppetserverCaCli'), 'admin master restricted')
  t.equal(verdictOn('GET /status/v1/simple', 'PuppetserverCaCli'), 'status pool-status')
})

t.test('the hot path hands out the same frozen endpoint again and again', async t => {
  const once = classify('POST', '/puppet/v3/catalog/web01?environment=production', undefined)
  const again = classify('POST', '/puppet/v3/catalog/web02?environment=test', undefined)
  t.equal(once, again)
  t.ok(Object.isFrozen(once))
})
