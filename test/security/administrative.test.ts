import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { startScene } from './support/scene.ts'

/** Administration of masters, in the spellings that a master takes for the same. */
const targets: readonly (readonly [method: string, target: string])[] = [
  ['GET', '/puppet-admin-api/v1/jruby-pool/thread-dump'],
  ['DELETE', '/puppet-admin-api/v1/environment-cache'],
  ['DELETE', '/puppet-admin-api/v1/environment-cache?environment=production'],
  ['DELETE', '/puppet-admin-api/v1/jruby-pool'],
  ['GET', '/puppet-admin-api'],
  ['GET', '/metrics/v1/mbeans'],
  ['GET', '/metrics/v2/read/java.lang:type=Memory'],
  ['POST', '/metrics/v2'],
  ['GET', '/status/v1/services'],
  ['GET', '/status/v1/services/master?level=debug'],
  ['POST', '/puppet/v4/catalog'],
  ['POST', '/puppet/v3/compile'],
  ['GET', '/file-sync/v1/latest-commits'],
  ['GET', '/file-sync-git/puppet-code'],
  ['DELETE', '/%70uppet-admin-api/v1/environment-cache'],
  ['DELETE', '/puppet%2dadmin%2Dapi/v1/environment-cache'],
  ['DELETE', '/puppet-admin-api/v1/environment%2Dcache'],
  ['DELETE', '//puppet-admin-api///v1//environment-cache'],
  ['DELETE', '/puppet-admin-api/v1/environment-cache/'],
  ['GET', '/%6d%65trics/v2'],
  ['GET', '//metrics/v2'],
  ['GET', '/status/v1/%73ervices'],
  ['GET', '/status//v1/services/'],
  ['POST', '/puppet/%764/catalog'],
  ['POST', '/%70%75%70%70%65%74/v3/%63ompile'],
  ['POST', '//puppet//v3//compile'],
  ['GET', '/%66ile-sync/v1/latest-commits']
]

t.test('administrative paths are closed to clients without a certificate', async t => {
  const { app, pki, reached } = await startScene(t, { overrides: { access: { administrators: ['admin1'] } } })
  const agent = connectAgent(t, pki, app.port)
  for (const [method, path] of targets) await refused(t, agent.ask({ method, path }), path)
  t.same(reached(), [])
})

t.test('they are closed to certnames the configuration does not name, and by default to all', async t => {
  for (const allow of [['admin1'], []]) {
    const { app, pki, reached } = await startScene(t, { overrides: { access: { administrators: allow } } })
    for (const certname of ['agent1', 'Admin1', 'admin1.example.com', 'admin', 'admin1,', '*']) {
      const agent = connectAgent(
        t,
        pki,
        app.port,
        await pki.authority.issue({ certname: certname.replace(',', '\\,') })
      )
      for (const [method, path] of targets)
        await refused(t, agent.ask({ method, path }), `${certname} ${path}`)
    }
    t.same(reached(), [])
  }
})

t.test('nobody gets in by saying he is somebody else', async t => {
  const { app, pki, reached } = await startScene(t, { overrides: { access: { administrators: ['admin1'] } } })
  const headers = {
    'x-client-verify': 'SUCCESS',
    'x-client-dn': 'CN=admin1',
    'x-forwarded-for': '127.0.0.1',
    host: 'admin1',
    'x-original-url': '/puppet/v3/node/x',
    'x-http-method-override': 'GET'
  }
  for (const identity of [undefined, await pki.authority.issue({ certname: 'agent1' })]) {
    const agent = connectAgent(t, pki, app.port, identity, { servername: 'puppet' })
    for (const [method, path] of targets) await refused(t, agent.ask({ method, path, headers }), path)
  }
  t.same(reached(), [])
})

t.test('they are open to a certname the configuration names, and go on byte for byte', async t => {
  const { app, pki, reached } = await startScene(t, {
    overrides: { access: { administrators: ['other', 'admin1'] } }
  })
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname: 'admin1' }))
  for (const [method, path] of targets) {
    const answer = await agent.ask({ method, path })
    t.ok(answer.status === 200 || answer.status === 204, `${method} ${path} gets ${answer.status}`)
  }
  t.same([...reached()].sort(), targets.map(target => target.join(' ')).sort())
})

t.test('what only looks alike is open to everybody', async t => {
  const { app, pki, masters } = await startScene(t)
  const agent = connectAgent(t, pki, app.port)
  for (const path of [
    '/puppet/v3/file_metadata/modules/metrics/v2',
    '/puppet/v3/file_content/modules/a/puppet-admin-api/v1/environment-cache',
    '/puppet/v3/node/compile',
    '/metrics/catalog/agent1',
    '/puppet/v3/environments'
  ]) {
    t.equal((await agent.ask({ path })).status, 200, path)
  }
  t.equal(masters[0]?.seen.length, 5)
})

async function refused(
  t: { equal: (a: unknown, b: unknown, message: string) => unknown },
  answering: ReturnType<ReturnType<typeof connectAgent>['ask']>,
  what: string
): Promise<void> {
  const { status, headers } = await answering
  t.equal(status, 403, what)
  t.equal(headers['x-puppet-lb-reason'], 'admin-refused', what)
}
