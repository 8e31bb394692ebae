import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import { type Runtime, systemRuntime } from '../../src/model/runtime.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { inShort } from '../support/doctor-site.ts'
import { createEnrolledAgent } from './support/agent.ts'
import { operatorCommand } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import {
  caMaster,
  compileMasters,
  hopFiles,
  type MasterLayout,
  plainMaster,
  ports,
  proxyFiles,
  scratch,
  tlsMaster,
  urlOf
} from './support/layout.ts'
import { accessLogOf, reloadMaster } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { shortName, startProxy } from './support/proxy.ts'

/** Puppet Server notes a request after it has sent the answer. */
const LOGGED_MS = 5_000
/** Longer than a list may be on its way, and than clocks may be apart. */
const AHEAD_MS = 11 * 60_000

const caDir = join(masterDir(caMaster), 'authority')
const serverDir = join(masterDir(caMaster), 'conf.d')
const crl = scratch('proxy/doctor-crl.pem')
writeFileSync(crl, readFileSync(join(caDir, 'ca_crl.pem')))
const masters = compileMasters.map(master => ({ name: shortName(master), url: urlOf(master) }))
const plain = `note identity ${shortName(plainMaster)}`

/** What `doctor` finds with these masters, on the CA's machine. */
async function doctor(
  named: readonly { readonly name: string; readonly url: string }[] = masters,
  runtime: Partial<Runtime> = {}
): Promise<Diagnosis> {
  const { cert, key, ca } = proxyFiles()
  const config = scratch('proxy/doctor.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      listen: { host: '127.0.0.1', port: ports.proxy, workers: 1, limits: { connections: 100 } },
      tls: { cert, key, ca, crl: { file: crl } },
      ca: { url: urlOf(caMaster) },
      masters: named,
      upstream: { tls: { ca, ...hopFiles() } },
      admin: { port: ports.admin }
    })
  )
  const flags = ['--ca-dir', caDir, '--server-dir', serverDir]
  const args = ['doctor', '--config', config, '--json', ...flags]
  const { out, err } = await puppetLb(args, { runtime: { ...systemRuntime, ...runtime } })
  if (err !== '') throw new Error(err)
  return JSON.parse(out)
}

t.test(
  'doctor finds a CA that believes everybody, a master that is away, a name that is missing',
  async t => {
    const proxy = await startProxy({ name: 'doctor' })
    const socket = connect({ port: ports.proxy, host: '127.0.0.1', servername: 'old.example.test' })
    socket.on('error', () => {}) // It does not know the CA.
    await new Promise(resolve => socket.once('close', resolve))
    const { ok, findings } = await doctor([...masters, { name: 'gone', url: 'https://127.0.18.99:1' }])
    // Somebody is sent away after the list was copied.
    const { certname } = await createEnrolledAgent({ certname: 'sent-away.example.test' })
    await operatorCommand('revoke', '--certname', certname)
    await proxy.end()
    t.same(findings.map(inShort), [
      'error reachability gone',
      'error identity ca',
      `error server-files ${serverDir}/webserver.conf`,
      'warning names old.example.test',
      plain
    ])
    t.notOk(ok)
    await wasAsked(t, tlsMaster, 200, 'file_metadatas/plugins')
    await wasAsked(t, tlsMaster, 403, 'node/puppet-lb-doctor-other')
    // Nothing to renew is a fault of its own there; what counts is that it is not forbidden.
    if (generation === 8) await wasAsked(t, caMaster, 500, 'certificate_renewal')
  }
)

/** The CA takes nobody's identity from headers any more: a site in order. */
const distrust = plant(caMaster, 'conf.d/auth.conf', believingNobody)
t.teardown(() => {
  distrust.restore()
  return reload(caMaster)
})

t.test('five more faults of real servers are found at once, each as what it is', async t => {
  const other = scratch('code-of-another')
  cpSync(scratch('code'), other, { recursive: true })
  writeFileSync(
    join(other, 'environments/production/modules/probe/lib/facter/probe_custom.rb'),
    '# other code\n'
  )
  const planted = [
    plant(caMaster, 'conf.d/ca.conf', text => text.replace('{', '{ enable-infra-crl: true,')),
    plant(plainMaster, 'conf.d/puppetserver.conf', text => text.replace(scratch('code'), other)),
    plant(plainMaster, 'conf.d/auth.conf', withoutCatalogRule)
  ]
  distrust.make()
  for (const each of planted) each.make()
  await reload(caMaster, plainMaster)
  const wallClock = () => Date.now() + AHEAD_MS
  const expected = [
    'error clock this machine',
    `error permission ${shortName(plainMaster)}`,
    // That the CA serves its short list, and what its own file has revoked that ours does not name.
    'error revocation ca',
    `error revocation ${caDir}/ca_crl.pem`,
    `warning code ${shortName(plainMaster)}`,
    plain,
    `note server-files ${serverDir}/ca.conf`
  ]
  const { ok, findings } = await doctor(masters, { wallClock })
  t.same(findings.map(inShort), expected)
  t.match(findings[2]?.message, /serves another list than its full one/)
  t.notOk(ok)
  for (const each of planted) each.restore()
})

t.test(
  'a master that takes identity from certificates alone is found, and nothing of what was mended',
  async t => {
    // As somebody ships it.
    writeFileSync(crl, readFileSync(join(caDir, 'ca_crl.pem')))
    const headers = plant(tlsMaster, 'conf.d/auth.conf', believingNobody)
    headers.make()
    await reload(caMaster, plainMaster, tlsMaster)
    t.same((await doctor()).findings.map(inShort), [`error identity ${shortName(tlsMaster)}`, plain])
    headers.restore()
  }
)

t.test('once all is mended nothing is found but a note, and it ends with 0', async t => {
  await reload(tlsMaster)
  const { ok, findings } = await doctor()
  t.same(findings.map(inShort), [plain])
  t.ok(ok, 'a note is no fault')
})

async function wasAsked(
  t: Test,
  master: Parameters<typeof accessLogOf>[0],
  status: number,
  what: string
): Promise<void> {
  const isThere = async () =>
    accessLogOf(master).some(line => line.startsWith(`${status} `) && line.includes(what))
  t.ok(await reaches(isThere, LOGGED_MS), `${what} was answered ${status}`)
}

/** A change of a master's file, which it has once it is reloaded. */
function plant(master: MasterLayout, file: string, change: (text: string) => string) {
  const path = join(masterDir(master), file)
  const before = readFileSync(path, 'utf8')
  return {
    make() {
      const after = change(before)
      if (after === before) throw new Error(`${file} has no such thing`)
      writeFileSync(path, after)
    },
    restore: () => writeFileSync(path, before)
  }
}

async function reload(...masters: readonly MasterLayout[]): Promise<void> {
  await Promise.all(masters.map(reloadMaster))
}

function believingNobody(text: string): string {
  return text.replace('allow-header-cert-info: true', 'allow-header-cert-info: false')
}

function withoutCatalogRule(text: string): string {
  return text.replace(
    / *\{\s*#[^\n]*\n\s*match-request: \{\s*path: "\^\/puppet\/v3\/catalog\/[^}]*\}[^}]*\},\n/,
    ''
  )
}
