import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { puppetLb } from '../commands/puppet-lb.ts'
import { certname, ownDirectory, startCa } from '../control/certificates/scene.ts'
import { connectAgent } from '../support/agent.ts'
import { enrolVariables, spawnEnrolling } from '../support/enrolling-process.ts'

const token = 'a-token-of-operators-in-the-environment'
const wrong = 'a-wrong-token-that-somebody-tries-out'
const password = 'a-password-in-a-url'

t.test('enrolling, renewing, fetching lists and doctor tell no key, no token and no password', async t => {
  const { authority, registry, master, fingerprint } = await startCa(t, { renewal: true })
  const directory = ownDirectory(t)
  const tls = join(directory, 'tls')
  const other = join(directory, 'other')
  const variables = {
    ...enrolVariables({
      url: master.url,
      name: certname,
      fingerprint,
      altNames: ['puppet', 'localhost', '127.0.0.1']
    }),
    PUPPET_LB_ADMIN_TOKEN: token,
    PUPPET_LB_LOG_LEVEL: 'trace',
    PUPPET_LB_TLS_CRL_REFRESH: '1s'
  }
  const balancer = spawnEnrolling(t, directory, variables)
  const { port, adminPort } = await balancer.serving()
  const identity = await authority.issue({ certname: 'agent' })
  const agent = connectAgent(t, { authority, server: identity }, port, identity)
  t.equal((await agent.ask({ path: '/puppet/v3/node/agent?environment=production' })).status, 200)

  let printed = ''
  async function command(args: readonly string[], expected: number, env: NodeJS.ProcessEnv = {}) {
    const { code, out, err } = await puppetLb(args, {
      env: { ...variables, PUPPET_LB_ADMIN_PORT: String(adminPort), ...env }
    })
    t.equal(code, expected, args.join(' '), { out, err })
    printed += out + err
  }
  const config = ['--config', join(directory, 'puppet-lb.yaml')]
  const flags = ['--name', certname, '--ca-fingerprint', fingerprint, '--dir']
  await command(['doctor', ...config], 1)
  await command(['doctor', '--json', ...config], 1, { PUPPET_LB_ADMIN_TOKEN: wrong })
  await command(['enroll', ...config], 0)
  await command(['enroll', '--renew', ...config], 0)
  await command(['enroll', '--ca-url', `https://me:${password}@127.0.0.1:1`, ...flags, other], 1)
  registry.clean(certname)
  await command(['enroll', '--ca-url', master.url, ...flags, other], 0)
  await balancer.line({ state: 'revoked' })

  const keys = await Promise.all([tls, other].map(at => readFile(join(at, 'key.pem'), 'utf8')))
  const lines = keys.flatMap(pem => pem.split('\n').filter(line => line.length > 40 && !line.includes('-')))
  t.ok(lines.length >= 2)
  const key = keys[0] ?? ''
  for (const slip of [
    key.replace(lines[0] ?? '', 'half a key'),
    keys[1] ?? '',
    key.replaceAll(/-----[^-]*-----|\n/g, '')
  ]) {
    await writeFile(join(tls, 'key.pem'), slip)
    await command(['doctor', ...config], 1)
    await command(['enroll', ...config], 2)
    await command(['check', ...config], 1)
  }
  const again = spawnEnrolling(t, directory, variables)
  t.not(await again.exit, 0, 'it does not start with such a key')
  balancer.signal('SIGTERM')
  t.equal(await balancer.exit, 0)
  for (const each of [balancer, again]) printed += JSON.stringify(each.lines) + each.errors()

  t.match(printed, /is enrolled/)
  for (const msg of ['request', 'certificate revocation list is fetched'])
    t.ok(
      balancer.lines.some(line => line.msg === msg),
      `it logged: ${msg}`
    )
  for (const secret of [token, wrong, password, ...lines, ...lines.map(line => line.slice(0, 40))])
    t.notOk(printed.includes(secret), secret.slice(0, 20))
  t.notMatch(printed, /PRIVATE KEY-----/)
})
