import t from 'tap'
import { createRoute } from '../../src/upstream/route.ts'

t.test('the families take turns, beginning with that of the first address', async t => {
  const of = (addresses: readonly string[]) => createRoute(() => addresses).addresses()
  t.same(of(['::1', '::2', '127.0.0.1', '127.0.0.2']), ['::1', '127.0.0.1', '::2', '127.0.0.2'])
  t.same(of(['127.0.0.1', '127.0.0.2', '127.0.0.3', '::1']), ['127.0.0.1', '::1', '127.0.0.2', '127.0.0.3'])
  t.same(of(['127.0.0.1']), ['127.0.0.1'])
  t.same(of([]), [])
})

t.test('the address that worked last goes first, until it fails', async t => {
  const route = createRoute(() => ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
  route.worked('127.0.0.2')
  t.same(route.addresses(), ['127.0.0.2', '127.0.0.3', '127.0.0.1'])
  route.failed('127.0.0.2')
  t.same(route.addresses(), ['127.0.0.3', '127.0.0.1', '127.0.0.2'])
  route.failed('127.0.0.3')
  t.same(route.addresses(), ['127.0.0.1', '127.0.0.2', '127.0.0.3'])
})

t.test('an address that is gone is not tried, whatever it did', async t => {
  let known = ['127.0.0.1', '127.0.0.2']
  const route = createRoute(() => known)
  route.worked('127.0.0.2')
  known = ['127.0.0.3', '127.0.0.1']
  t.same(route.addresses(), ['127.0.0.3', '127.0.0.1'])
  route.failed('127.0.0.2')
  t.same(route.addresses(), ['127.0.0.3', '127.0.0.1'])
})
