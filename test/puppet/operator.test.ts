import t from 'tap'
import { createEnrolledAgent } from './support/agent.ts'
import { operator, operatorCommand } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { caMaster, compileMasters } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { askProxy, startProxy } from './support/proxy.ts'

/** Puppet Server notes a request after it has sent the answer. */
const LOGGED_MS = 5000
const FLUSH = '/puppet-admin-api/v1/environment-cache'

t.teardown((await startProxy({ name: 'operator' })).end)

const agent = await createEnrolledAgent({ certname: 'plain.example.test' })

t.test('puppetserver ca list works through the balancer and shows an agent signed through it', async t => {
  t.match(await operatorCommand('list', '--all'), /plain\.example\.test/)
})

t.test('the CA master says through the balancer that it is online', async t => {
  t.equal((await askProxy('/status/v1/simple/ca')).body, 'running')
})

t.test('flushing the environment cache reaches every compile master by one request', async t => {
  const { status, body } = await askProxy(FLUSH, { method: 'DELETE', as: operator() })
  t.equal(status, 204, 'status', { body })
  for (const master of compileMasters) {
    const flushed = async () => accessLogOf(master).some(line => line.startsWith(`204 "DELETE ${FLUSH} `))
    t.ok(await reaches(flushed, LOGGED_MS), master.name)
  }
})

t.test('a plain agent flushes nothing, and no master is even asked', async t => {
  const asked = () =>
    [caMaster, ...compileMasters].flatMap(accessLogOf).filter(line => line.includes(FLUSH)).length
  const before = asked()
  const { status, headers } = await askProxy(FLUSH, { method: 'DELETE', as: agent.ssl })
  t.equal(status, 403)
  t.match(headers, { 'x-puppet-lb-reason': /./ }, 'refused by the balancer itself')
  t.equal(asked(), before)
})
