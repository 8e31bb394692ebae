import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { recipe } from '../support/recipes.ts'
import { compiledBy, createEnrolledAgent, managedFile, runAgent } from './support/agent.ts'
import { ask } from './support/ask.ts'
import { mustRun } from './support/background.ts'
import {
  caMaster,
  hopFiles,
  type MasterLayout,
  operatorName,
  plainMaster,
  ports,
  proxyFiles,
  proxyHost,
  proxyName,
  scratch,
  tlsMaster,
  urlOf
} from './support/layout.ts'
import { adminUrl, operate, program, startProxyFrom } from './support/proxy.ts'
import { runRecipe } from './support/recipe-shell.ts'

// The masters and the CA run with DEPLOY.md's blocks already: support/up.ts and support/master-config.ts.
const at = ({ host, port }: MasterLayout) => `${host}:${port}`
const file = scratch('proxy/puppet-lb.yaml')
writeFileSync(
  file,
  recipe('puppet-lb.yaml', {
    'puppetca.example.com:8140': at(caMaster),
    'master-1.example.com:8140': at(tlsMaster),
    '192.0.2.22:8140': at(plainMaster),
    'master.site-b.example.com:8140': '127.0.18.19:8140', // nobody: it is the last resort
    'puppet.example.com': proxyName,
    'operator.example.com': operatorName,
    '/var/lib/puppet-lb': scratch('proxy')
  })
)
const env = {
  PUPPET_LB_LISTEN_PORT: String(ports.proxy),
  PUPPET_LB_LISTEN_WORKERS: '1',
  PUPPET_LB_LISTEN_HOST: '127.0.0.1',
  PUPPET_LB_ADMIN_PORT: String(ports.admin)
}
t.teardown((await startProxyFrom({ name: 'recipes', file, env })).end)

const settings = Object.fromEntries(
  recipe('puppet.conf', { 'puppet.example.com': proxyHost })
    .split('\n')
    .flatMap(line => [...line.matchAll(/^(\w+) = (.*)$/g)].map(([, key, value]) => [key, value]))
)
const agent = await createEnrolledAgent({ certname: 'cook.example.test', role: 'kitchen', settings })
const victim = await createEnrolledAgent({ certname: 'victim.example.test', role: 'payroll' })

t.test('the configuration of DEPLOY.md is right', async t => {
  t.match(
    await mustRun({
      command: process.execPath,
      args: [program, 'check', '--config', file],
      cwd: scratch(),
      logFile: scratch('logs/check.log')
    }),
    /: OK\n/
  )
  t.equal(statSync(hopFiles().key).mode & 0o077, 0, 'and nobody else reads the key of the hop')
})

const setUps = [
  { name: 'master-1', master: tlsMaster, other: 'master-2', what: 'TLS', ends: 2 },
  { name: 'master-2', master: plainMaster, other: 'master-1', what: 'plain HTTP', ends: 0 }
]
for (const { name, master, other, what, ends } of setUps) {
  t.test(`an agent runs at a master set up as DEPLOY.md says, with ${what}`, async t => {
    await operate('drain', other, '--wait')
    const { status, output } = await runAgent(agent)
    t.equal(status, ends, `at ${name}`, { output })
    t.equal(compiledBy(agent), master.name)
    t.equal(managedFile(agent, 'identity'), 'certname=cook.example.test role=kitchen authenticated=remote\n')
    await operate('undrain', other, '--wait')
  })
}

t.test('a master set up with TLS believes the balancer and lets nobody else in', async t => {
  const url = `${urlOf(tlsMaster)}/puppet/v3/node/${victim.certname}?environment=production`
  const headers = {
    'X-Client-Verify': 'SUCCESS',
    'X-Client-DN': `CN=${victim.certname}`,
    'X-Client-Cert': encodeURIComponent(readFileSync(victim.ssl.cert, 'utf8'))
  }
  const from = { url, headers, trust: 'anything' }
  t.equal((await ask({ ...from, as: hopFiles() })).status, 200, 'the balancer')
  await t.rejects(ask(from), 'without a certificate')
  await t.rejects(ask({ ...from, as: agent.ssl }), 'an agent')
  await t.rejects(ask({ ...from, as: proxyFiles() }), 'the certificate that the balancer shows to agents')
})

t.test(
  'a CA master that looks at certificates admits the one of the balancer, and no other like it',
  async t => {
    const cwd = scratch('stranger')
    mkdirSync(cwd)
    await runRecipe('hop', { cwd })
    const from = { url: `${urlOf(caMaster)}/status/v1/simple`, trust: 'anything' }
    t.equal((await ask({ ...from, as: hopFiles() })).status, 200)
    await t.rejects(ask({ ...from, as: { cert: join(cwd, 'hop.pem'), key: join(cwd, 'hop.key') } }))
  }
)

t.test('the firewall for plain HTTP admits the balancer and nobody else', async t => {
  const rules = scratch('firewall.nft')
  writeFileSync(rules, recipe('firewall', { '192.0.2.10': '127.0.0.2' }))
  const probe = join(import.meta.dirname, 'support/firewall-probe.ts')
  const script = `ip link set lo up && nft -f "$1" && exec "$2" "$3" 127.0.0.2 127.0.0.3 ::1`
  const output = await mustRun({
    command: 'unshare',
    args: ['--net', 'bash', '-c', script, 'firewall', rules, process.execPath, probe],
    cwd: scratch(),
    logFile: scratch('logs/firewall.log')
  })
  t.same(JSON.parse(output), { '127.0.0.2': 'admitted', '127.0.0.3': 'ECONNREFUSED', '::1': 'ECONNREFUSED' })
})

const commands = {
  'puppet-lb': { command: process.execPath, args: [program] },
  '…': { command: 'true', args: [] }
}
const here = { cwd: scratch(), commands, last: ['--admin', adminUrl] }

t.test('a changed file is looked at and taken by the commands of DEPLOY.md', async t => {
  const output = await runRecipe('reload', { ...here, places: { '/etc/puppet-lb': scratch('proxy') }, env })
  t.match(output, /nothing would change\nreloaded, nothing changed\n/)
})

t.test('a master is drained and taken back by the commands of OPERATIONS.md', async t => {
  const output = await runRecipe('drain', here)
  t.match(output, /master-1 is drained\n.*master-1 is up\n/s)
})
