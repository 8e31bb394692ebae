import t from 'tap'
import type { App } from '../../src/app.ts'
import { connectAgent } from '../support/agent.ts'
import type { TestPki } from '../support/balancer.ts'
import { startScene } from './support/scene.ts'

const allow = { access: { administrators: ['admin1'] } }
const flush = { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache?environment=production' }

for (const path of [
  flush.path,
  '/puppet-admin-api/v1/jruby-pool',
  '/%70uppet-admin-api//v1/environment-cache'
]) {
  t.test(`DELETE ${path} reaches every master once, as the administrator, and no other`, async t => {
    const { app, pki, masters, ca } = await startScene(t, {
      masters: 3,
      overrides: allow,
      script: (_request, response) => response.writeHead(204).end()
    })
    const answer = await (await connectAdmin(t, app, pki)).ask({ ...flush, path })
    t.equal(answer.status, 204)
    t.equal(answer.body, '')
    t.equal(answer.headers['content-length'], undefined)
    for (const { seen } of masters) {
      t.equal(seen.length, 1)
      t.equal(`${seen[0]?.method} ${seen[0]?.url}`, `DELETE ${path}`)
      t.same(seen[0]?.header('x-client-dn'), ['CN=admin1'])
    }
    t.equal(ca.seen.length, 0)
  })
}

t.test('a master that refuses makes it 502, which names it and what it said', async t => {
  let count = 0
  const { app, pki } = await startScene(t, {
    masters: 3,
    overrides: allow,
    script: (_request, response) => response.writeHead(count++ === 1 ? 403 : 204).end()
  })
  const answer = await (await connectAdmin(t, app, pki)).ask(flush)
  t.equal(answer.status, 502)
  t.equal(answer.headers['x-puppet-lb-reason'], 'fan-out-incomplete')
  t.match(
    answer.body,
    /^Not every Puppet master carried out this request: done on m\d, m\d; not on m\d \(answered 403\)\. Request \S+$/
  )
})

t.test(
  'a master that is dead makes it 502, which names it and no address, and the others did it',
  async t => {
    const { app, pki, masters } = await startScene(t, { masters: 3, overrides: allow })
    await masters[1]?.kill()
    const answer = await (await connectAdmin(t, app, pki)).ask(flush)
    t.equal(answer.status, 502)
    t.match(answer.body, /: done on m1, m3; not on m2 \(it refuses connections\)\. Request \S+$/)
    for (const { port } of masters) t.notMatch(answer.body, String(port))
    t.notMatch(answer.body, /127\.0\.0\.1|localhost/)
    t.same(
      masters.map(({ seen }) => seen.length),
      [1, 0, 1]
    )
  }
)

t.test('with every master dead it is 502 as well', async t => {
  const { app, pki, masters } = await startScene(t, { masters: 2, overrides: allow })
  for (const master of masters) await master.kill()
  const answer = await (await connectAdmin(t, app, pki)).ask(flush)
  t.equal(answer.status, 502)
  t.match(
    answer.body,
    /: done on none; not on m1 \(it refuses connections\), m2 \(it refuses connections\)\. Request \S+$/
  )
})

async function connectAdmin(t: Parameters<typeof startScene>[0], app: App, pki: TestPki) {
  return connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'admin1' }))
}
