import t from 'tap'
import { headStartMs, rankOf, ranks } from '../../src/balance/queue-order.ts'
import { classify } from '../../src/puppet/endpoint.ts'
import { heavyRank, lightRank, rankCount } from '../../src/shared/slots/layout.ts'

t.test('what needs a JRuby queues by how long it keeps one; what needs none does not queue', async t => {
  for (const [method, path, rank] of [
    ['POST', '/puppet/v3/catalog/a', 'catalog'],
    ['POST', '/puppet/v4/catalog', 'catalog'],
    ['POST', '/puppet/v3/compile', 'catalog'],
    ['PUT', '/puppet/v3/report/a', 'report'],
    ['GET', '/puppet/v3/node/a', 'light'],
    ['GET', '/puppet/v3/file_metadata/modules/a/b', 'light'],
    ['GET', '/puppet/v3/file_content/modules/a/b', 'light'],
    ['GET', '/puppet/v3/environment_classes', 'light'],
    ['HEAD', '/puppet/v3/file_bucket_file/md5/0', 'light'],
    ['GET', '/puppet/v3/static_file_content/modules/a/b', undefined],
    ['GET', '/puppet-ca/v1/certificate/ca', undefined],
    ['GET', '/status/v1/simple', undefined],
    ['GET', '/metrics/v2/list', undefined]
  ] as const)
    t.equal(rankOf(classify(method, path, undefined)), rank, `${method} ${path}`)
})

t.test('the table in shared memory knows the ranks in the same order', async t => {
  t.equal(ranks.length, rankCount)
  t.equal(ranks[lightRank], 'light')
  t.equal(ranks[heavyRank], 'catalog')
})

t.test('a better rank never waits longer for its head start', async t => {
  const starts = ranks.map(rank => headStartMs[rank])
  t.same(
    starts,
    [...starts].sort((a, b) => a - b)
  )
  t.ok(headStartMs.catalog < 600_000, 'agents wait ten minutes')
})
