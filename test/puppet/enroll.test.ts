import { X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { recipe } from '../support/recipes.ts'
import { compiledBy, createAgent, runAgent } from './support/agent.ts'
import { caCommand, operatorCommand } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { generation, inDebian } from './support/debian.ts'
import { caMaster, ports, scratch, urlOf } from './support/layout.ts'
import { endMaster, masterReady, startMaster } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { admin, command, startProxy, startProxyFrom } from './support/proxy.ts'
import { runRecipe } from './support/recipe-shell.ts'

/** Outside the domain whose requests this CA signs by itself. */
const name = 'lb.waiting.test'
const names = ['puppet', 'localhost']
const home = scratch('proxy/alone')
const directory = join(home, 'tls')
const file = (what: string) => join(directory, what)
const authority = join(masterDir(caMaster), 'authority')
const signed = join(authority, 'signed', `${name}.pem`)
const bundle = readFileSync(join(authority, 'ca_crt.pem'), 'utf8')
const root = new X509Certificate(`-----BEGIN${bundle.split('-----BEGIN').at(-1)}`)
const enroll = `{ name: ${name}, altNames: [ ${names.join(', ')} ], caFingerprint: "${root.fingerprint256}", dir: ${directory} }`
const flags = [
  ...['--ca-url', urlOf(caMaster), '--name', name, '--dir', directory, '--wait', '120s'],
  ...['--ca-fingerprint', root.fingerprint256, ...names.flatMap(each => ['--alt-name', each])]
]
const shown = () => new X509Certificate(readFileSync(file('cert.pem')))
const agent = createAgent({ certname: 'first.example.test' })

const authConf = join(masterDir(caMaster), 'conf.d/auth.conf')
const believing = readFileSync(authConf, 'utf8')
const packaged = believing.replace(recipe('auth.conf'), '')

/** The balancer as a container has it: no file, and all that it is told in its environment. */
const startAlone = (run: string) =>
  startProxyFrom({
    name: run,
    file: join(home, 'puppet-lb.yaml'),
    readyWithinMs: 120_000,
    env: {
      PUPPET_LB_CA_URL: urlOf(caMaster),
      PUPPET_LB_ENROLL_NAME: name,
      PUPPET_LB_ENROLL_ALT_NAMES: names.join(','),
      PUPPET_LB_ENROLL_CA_FINGERPRINT: root.fingerprint256,
      PUPPET_LB_LISTEN_HOST: '127.0.0.1',
      PUPPET_LB_LISTEN_PORT: String(ports.proxy),
      PUPPET_LB_LISTEN_WORKERS: '1',
      PUPPET_LB_ADMIN_PORT: String(ports.admin),
      PUPPET_LB_HEALTH_INTERVAL: '1s',
      PUPPET_LB_HEALTH_TIMEOUT: '900ms'
    }
  })

/** `puppetserver ca sign` by an operator, as soon as there is something to sign. */
async function signWhenAsked(puppetserverCa: typeof caCommand): Promise<void> {
  const asked = () => Promise.resolve(existsSync(join(authority, 'requests', `${name}.pem`)))
  t.ok(await reaches(asked, 60_000), 'the request is there')
  t.match(await puppetserverCa('sign', '--certname', name), /Successfully signed/)
}

async function startCa(configuration: string): Promise<void> {
  writeFileSync(authConf, configuration)
  startMaster(caMaster)
  await masterReady(caMaster)
}

t.test('told all by its environment, it serves once an operator has signed at a CA as packaged', async t => {
  mkdirSync(home, { recursive: true })
  await endMaster(caMaster, 'SIGTERM')
  await startCa(packaged)
  const [proxy] = await Promise.all([startAlone('enroll-alone'), signWhenAsked(caCommand)])
  t.teardown(proxy.end)
  t.match(proxy.log(), new RegExp(`puppetserver ca sign --certname ${name}`))
  t.match(proxy.log(), /allow-subject-alt-names: true/)
  t.match(shown().subjectAltName, /DNS:puppet.*DNS:localhost/)
  const { status, output } = await runAgent(agent)
  t.equal(status, 1, 'a server that believes no headers lets no agent run', { output })
  t.match(output, /403/)
  t.ok(existsSync(agent.ssl.cert), 'though it has its certificate')
})

t.test('with all of it lost and the CA away, what openssl signs serves agents', async t => {
  await endMaster(caMaster, 'SIGTERM')
  rmSync(directory, { recursive: true })
  mkdirSync(directory)
  const places = { 'puppet.example.com': name, 'DNS:puppet ': 'DNS:puppet,DNS:localhost ', CADIR: authority }
  for (const block of ['request', 'sign'] as const) await runRecipe(block, { cwd: directory, places })
  copyFileSync(join(authority, 'ca_crt.pem'), file('ca.pem'))
  copyFileSync(join(authority, 'ca_crl.pem'), file('crl.pem'))
  const proxy = await startProxy({ name: 'enroll-lost', enroll })
  t.teardown(proxy.end)
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'as it should', { output })

  await t.test(
    'once the CA runs, that gives another, through the balancer alone: it believes headers',
    async t => {
      const [byHand, old] = [shown().serialNumber, new X509Certificate(readFileSync(signed)).serialNumber]
      await startCa(believing)
      await t.rejects(
        caCommand('clean', '--certname', name),
        { message: /403|[Ff]orbidden/ },
        'straight to it'
      )
      t.match(await operatorCommand('clean', '--certname', name), /[Cc]leaned|revoked/)
      const renewing = command('enroll', '--renew', ...flags)
      const [renewed] = await Promise.all([renewing, generation === 7 && signWhenAsked(operatorCommand)])
      t.equal(renewed.status, 0, 'renewed', { output: renewed.output })
      t.notOk([byHand, old].includes(shown().serialNumber), 'the CA has given a new one')
      t.equal(new X509Certificate(readFileSync(signed)).serialNumber, shown().serialNumber, 'which it has')
      t.ok(await proxy.says(/"msg":"configuration is reloaded"/), 'and it is taken')
      t.equal((await runAgent(agent)).status, 0, 'the agent goes on')
    }
  )
})

t.test('with a server that believes headers, the environment alone has agents served', async t => {
  const proxy = await startAlone('enroll-again')
  t.teardown(proxy.end)
  const { status, output } = await runAgent(agent)
  t.equal(status, 0, 'a run', { output })
  t.equal(compiledBy(agent), caMaster.name, 'at the one server')
  t.match(JSON.parse((await admin('/api/status')).body), { ownCertificate: { state: 'good' } })

  await t.test('its certificate is renewed while it serves', async t => {
    const before = shown().serialNumber
    const renewed = await command('enroll', '--renew', ...flags)
    if (generation === 7) {
      t.equal(renewed.status, 2, 'Puppet 7 renews none')
      t.match(renewed.output, /renews no certificates[\s\S]*signed\/lb\.waiting\.test\.pem/)
      renameSync(signed, scratch('proxy', 'old.pem'))
      const [again] = await Promise.all([
        command('enroll', '--renew', ...flags),
        signWhenAsked(operatorCommand)
      ])
      t.equal(again.status, 0, 'after what it said to do', { output: again.output })
    } else t.equal(renewed.status, 0, 'by the CA itself', { output: renewed.output })
    t.not(shown().serialNumber, before)
    t.ok(await proxy.says(/"msg":"configuration is reloaded"/), 'and it is taken')
    t.equal((await runAgent(agent)).status, 0, 'the agent goes on')
  })
})

t.test('with certificate and key lost, a CA that believes headers signs by its autosign.conf', async t => {
  for (const lost of ['cert.pem', 'key.pem']) rmSync(file(lost))
  const autosign = join(masterDir(caMaster), 'puppet/autosign.conf')
  const before = readFileSync(autosign, 'utf8')
  await runRecipe('autosign', {
    cwd: scratch(),
    places: { 'puppet.example.com': name, '/root': scratch('proxy') },
    commands: { puppet: inDebian('puppet', []) },
    last: ['--config', join(masterDir(caMaster), 'puppet/puppet.conf')]
  })
  const { status, output } = await command('enroll', ...flags)
  writeFileSync(autosign, before)
  t.equal(status, 0, 'enrolled', { output })
  t.equal(new X509Certificate(readFileSync(signed)).serialNumber, shown().serialNumber)
  t.match(shown().subjectAltName, /DNS:puppet.*DNS:localhost/)
})

t.test('no more at the CA, and then revoked, it says so', async t => {
  renameSync(signed, scratch('proxy', 'aside.pem'))
  const proxy = await startProxy({ name: 'enroll-cleaned', enroll, crl: { directory } })
  t.teardown(proxy.end)
  t.ok(await proxy.says(/"state":"cleaned"/), 'no more there')
  renameSync(scratch('proxy', 'aside.pem'), signed)
  t.match(await operatorCommand('clean', '--certname', name), /[Cc]leaned|revoked/)
  t.ok(await proxy.says(/"state":"revoked"/), 'revoked')
})
