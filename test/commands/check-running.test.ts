import { join } from 'node:path'
import t from 'tap'
import { summaryOf } from '../../src/config/summary.ts'
import { startScene } from '../admin/scene.ts'
import { load, minimal, pemFiles } from '../config/fixture.ts'
import { puppetLb } from './puppet-lb.ts'

type Test = { testdir: (content: Record<string, string>) => string; teardown: (task: () => unknown) => void }

const token = 'a-token-of-some-length'

/** A balancer that runs with one configuration, and another one as a file. */
async function startRunning(t: Test, { running = '', file = '' }) {
  const settings = summaryOf(load(t, minimal(running)))
  const scene = await startScene(t, {
    deps: { settings: () => settings },
    admin: { token, host: '0.0.0.0' }
  })
  const path = join(t.testdir({ ...pemFiles, 'puppet-lb.yaml': minimal(file) }), 'puppet-lb.yaml')
  const env = { PUPPET_LB_ADMIN_TOKEN: token, PUPPET_LB_ADMIN_PORT: String(scene.port) }
  return { ...scene, args: ['check', '--config', path, '--against-running'], env }
}

t.test('what a reload would change is told, with what needs a restart', async t => {
  const { args, env, origin } = await startRunning(t, {
    file: 'balance: { policy: round-robin }\nlisten: { port: 8141 }'
  })
  for (const way of [args, [...args, '--admin', origin], [...args.slice(0, -1), '--admin', origin]]) {
    const { code, out, err } = await puppetLb(way, { env })
    t.equal(code, 0)
    t.match(err, /^warning: .* tls\.crl: is missing/)
    t.match(out, 'tls.crl: 3 revoked, number 7 -> none\n', 'the content of a file counts as well')
    t.match(out, 'balance.policy: least-loaded -> round-robin\n')
    t.match(out, 'listen.port: 8140 -> 8141 (needs a restart)\n')
    t.notMatch(out, 'queue.limit')
  }
})

t.test('a bad file is told before anybody is asked', async t => {
  const { args, env } = await startRunning(t, { file: 'listen: { prot: 1 }' })
  t.match(await puppetLb(args, { env }), { code: 1, out: '', err: /listen\.prot/ })
})

t.test('a balancer that is not there ends it with 2', async t => {
  const { args, env, close } = await startRunning(t, {})
  await close()
  t.match(await puppetLb(args, { env }), { code: 2, out: '', err: /cannot be reached: ECONNREFUSED\n$/ })
})

t.test('what operators said to the running one is told, for it stays', async t => {
  const { args, env } = await startRunning(t, {})
  t.match(await puppetLb(args, { env }), {
    code: 0,
    out: `operators have said, which stays:
  b: draining
  b: weight 1 (configured: 10)
  rr/192.0.2.9: maint
`
  })
})

t.test('what the CA would give is no change that a file could tell', async t => {
  const tls = 'tls: { cert: server.pem, key: server.key, ca: ca.pem, crl: { fetch: true } }'
  const settings = summaryOf(load(t, minimal().replace(/^tls: .*$/m, tls)))
  const scene = await startScene(t, {
    deps: { settings: () => settings },
    admin: { token, host: '0.0.0.0' }
  })
  const path = join(t.testdir({ ...pemFiles, 'puppet-lb.yaml': minimal() }), 'puppet-lb.yaml')
  const env = { PUPPET_LB_ADMIN_TOKEN: token, PUPPET_LB_ADMIN_PORT: String(scene.port) }
  const { out } = await puppetLb(['check', '--config', path, '--against-running'], { env })
  t.match(out, 'tls.crl.fetch: true -> none\n')
  t.notMatch(out, 'tls.crl: ')
})
