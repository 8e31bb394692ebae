import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import type { FlushReport } from '../../src/model/code.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { operatorOf } from '../support/operator.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const client = await pki.authority.issue({ certname: 'lb-1.example.com' })
const path = '/puppet-admin-api/v1/environment-cache'

/** Masters over TLS that want a certificate of the Puppet CA, and over plain HTTP; the last one answers `status`. */
async function startScene(t: Test, { status = 204, withClient = true } = {}) {
  const start = (code: number, tls?: object) =>
    startScriptedMaster(
      t,
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(code).end(),
      tls
    )
  const secure = { tls: pki.server, ...(withClient && { clientCa: pki.authority.bundle }) }
  const [one, two, three, ca] = [
    await start(204, secure),
    await start(204),
    await start(status),
    await start(204)
  ]
  const masters = [
    { name: 'one', url: one.url },
    { name: 'two', url: two.url, weight: 0 },
    { name: 'three', url: three.url, priority: 1 },
    { name: 'raw', url: ca.url, pools: ['raw'] }
  ]
  const certificate = { certFile: 'c.pem', keyFile: 'c.key', cert: client.chain, key: client.key }
  const { log, ...logged } = captureLog()
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      { ca: ca.url, masters },
      {
        listen: { tcp: [{ port: 0, pool: 'raw', proxyProtocol: undefined }] },
        ...(withClient && { upstream: { tls: { client: certificate } as never } })
      }
    ),
    { log }
  )
  return { masters: [one, two, three], ca, logged, operator: operatorOf(app) }
}

t.test('an environment that was deployed is read anew by every master, and the balancer says so', async t => {
  const { masters, ca, operator, logged } = await startScene(t)
  const { code, out, err } = await operator.run('deployed', 'production')
  t.same({ code, err }, { code: 0, err: '' })
  t.equal(out, 'master  flushed  cause\none     yes\ntwo     yes\nthree   yes\n')
  for (const { seen } of masters) {
    t.match(seen, [{ method: 'DELETE', url: `${path}?environment=production` }])
    t.same(seen[0]?.header('x-client-verify'), ['SUCCESS'])
    t.same(seen[0]?.header('x-client-dn'), ['CN=lb-1.example.com'], 'as itself')
    t.match(decodeURIComponent(seen[0]?.header('x-client-cert')[0] ?? ''), /^-----BEGIN CERTIFICATE-----/)
  }
  t.equal(masters[0]?.seen[0]?.peer, 'lb-1.example.com', 'which its certificate shows')
  t.equal(ca.seen.length, 0, 'neither the CA nor a master of raw TCP is asked')
  const told = 'the cache of the environment production is flushed on 3 of 3 masters'
  t.match(await logged.line({ msg: told }), { level: 'info', asker: 'over TCP, from 127.0.0.1' })
  t.same((await operator.events()).at(-1), 'deployed')
})

t.test('or all environments', async t => {
  const { masters, operator } = await startScene(t)
  t.equal((await operator.run('deployed', '--all')).code, 0)
  for (const { seen } of masters) t.match(seen, [{ method: 'DELETE', url: path }])
})

t.test('a master that did not is named with its cause, and the others have done it', async t => {
  const { masters, operator, logged } = await startScene(t, { status: 403 })
  await masters[1]?.kill()
  t.equal((await operator.run('maint', 'one')).code, 0)
  const { code, out } = await operator.run('deployed', 'production', '--json')
  t.equal(code, 2)
  t.same(JSON.parse(out) as FlushReport, {
    environment: 'production',
    done: false,
    masters: [
      { name: 'one', done: false, cause: 'in maintenance' },
      { name: 'two', done: false, cause: 'it refuses connections (ECONNREFUSED)' },
      {
        name: 'three',
        done: false,
        cause: 'it answered 403: no rule of its auth.conf lets lb-1.example.com flush environments'
      }
    ]
  })
  t.equal(masters[0]?.seen.length, 0)
  t.match(
    await logged.line({
      level: 'warn',
      msg: 'the cache of the environment production is flushed on 0 of 3 masters'
    }),
    {
      failed: [/^one: in maintenance$/, /^two: /, /^three: /]
    }
  )
})

t.test('without a client certificate it goes by the one that agents see', async t => {
  const { masters, operator } = await startScene(t, { withClient: false, status: 500 })
  t.match(await operator.run('deployed', 'production'), { code: 2, out: /^three +NO +it answered 500$/m })
  for (const { seen } of masters) t.same(seen[0]?.header('x-client-dn'), ['CN=puppet.example.com'])
})
