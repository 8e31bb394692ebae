import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createAgent, createEnrolledAgent, runAgent } from './support/agent.ts'
import { operatorCommand } from './support/authority.ts'
import { mustRun, reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import { caMaster, scratch, urlOf } from './support/layout.ts'
import { endMaster, masterReady, startMaster } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { admin, command, startProxy } from './support/proxy.ts'

/** Outside the domain whose requests this CA signs by itself. */
const name = 'lb.waiting.test'
const directory = scratch('proxy/enrolled')
const file = (what: string) => join(directory, what)
const authority = join(masterDir(caMaster), 'authority')
const bundle = readFileSync(join(authority, 'ca_crt.pem'), 'utf8')
const root = new X509Certificate(`-----BEGIN${bundle.split('-----BEGIN').at(-1)}`)
const enroll = `{ name: ${name}, altNames: [ puppet, localhost ], caFingerprint: "${root.fingerprint256}", dir: ${directory} }`
const flags = [
  ...[
    '--ca-url',
    urlOf(caMaster),
    '--name',
    name,
    '--dir',
    directory,
    '--ca-fingerprint',
    root.fingerprint256
  ],
  ...['--alt-name', 'puppet', '--alt-name', 'localhost', '--wait', '120s']
]
const serial = () => new X509Certificate(readFileSync(file('cert.pem'))).serialNumber

/** The same as `puppetserver ca sign` by an operator, as soon as there is something to sign. */
async function signWhenAsked(): Promise<void> {
  const asked = () => Promise.resolve(existsSync(join(authority, 'requests', `${name}.pem`)))
  t.ok(await reaches(asked, 60_000), 'the request is there')
  t.match(await operatorCommand('sign', '--certname', name), /Successfully signed/)
}

t.test('a balancer without any certificate gets one that an operator signs', async t => {
  const other = await startProxy({ name: 'enroll-operator' })
  const [{ status, output }] = await Promise.all([command('enroll', ...flags), signWhenAsked()])
  await other.end()
  t.equal(status, 0, 'enrolled', { output })
  t.match(output, new RegExp(`puppetserver ca sign --certname ${name}`))
  t.match(output, /allow-subject-alt-names: true/)
  t.match(new X509Certificate(readFileSync(file('cert.pem'))).subjectAltName, /DNS:puppet.*DNS:localhost/)
})

t.test('serving with it alone, it enrols and serves an agent', async t => {
  const proxy = await startProxy({ name: 'enroll', enroll })
  t.teardown(proxy.end)
  const agent = createAgent({ certname: 'first.example.test' })
  const { status, output } = await runAgent(agent)
  t.equal(status, 2, 'a first run', { output })
  t.match(JSON.parse((await admin('/api/status')).body), { ownCertificate: { state: 'good' } })

  await t.test('its certificate is renewed while it serves', async t => {
    const before = serial()
    const renewed = await command('enroll', '--renew', ...flags)
    if (generation === 7) {
      t.equal(renewed.status, 2, 'Puppet 7 renews none')
      t.match(renewed.output, /does not renew the certificate[\s\S]*signed\/lb\.waiting\.test\.pem/)
      renameSync(join(authority, 'signed', `${name}.pem`), scratch('proxy', 'old.pem'))
      const [again] = await Promise.all([command('enroll', '--renew', ...flags), signWhenAsked()])
      t.equal(again.status, 0, 'after what it said to do', { output: again.output })
    } else t.equal(renewed.status, 0, 'by the CA itself', { output: renewed.output })
    t.not(serial(), before)
    t.ok(await proxy.says(/"msg":"configuration is reloaded"/), 'and it is taken')
    t.equal((await runAgent(agent)).status, 0, 'the agent goes on')
  })
})

t.test('with its certificate lost and the CA away, one that openssl signs serves agents', async t => {
  const agent = await createEnrolledAgent({ certname: 'first.example.test' })
  await endMaster(caMaster, 'SIGTERM')
  rmSync(file('cert.pem'))
  // As the README has it.
  const script = `set -e
cd ${directory}
openssl req -new -key key.pem -subj /CN=${name} -addext subjectAltName=DNS:${name},DNS:puppet,DNS:localhost -out lb.csr
openssl x509 -req -in lb.csr -CA ${authority}/ca_crt.pem -CAkey ${authority}/ca_key.pem -set_serial 0x$(openssl rand -hex 8) \\
  -days 30 -sha256 -copy_extensions copy -out cert.pem`
  await mustRun({
    command: 'bash',
    args: ['-c', script],
    cwd: scratch(),
    logFile: scratch('logs/openssl.log')
  })
  const proxy = await startProxy({ name: 'enroll-lost', enroll })
  t.teardown(proxy.end)
  const { status, output } = await runAgent(agent)
  t.equal(status, 0, 'as it should', { output })
  startMaster(caMaster)
  await masterReady(caMaster)
})

t.test('no more at the CA, and then revoked, it says so', async t => {
  const signed = join(authority, 'signed', `${name}.pem`)
  writeFileSync(file('cert.pem'), String(new X509Certificate(readFileSync(signed))))
  renameSync(signed, scratch('proxy', 'aside.pem'))
  const proxy = await startProxy({ name: 'enroll-cleaned', enroll, crl: { directory } })
  t.teardown(proxy.end)
  t.ok(await proxy.says(/"state":"cleaned"/), 'no more there')
  renameSync(scratch('proxy', 'aside.pem'), signed)
  t.match(await operatorCommand('clean', '--certname', name), /[Cc]leaned|revoked/)
  t.ok(await proxy.says(/"state":"revoked"/), 'revoked')
})
