import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import type { Diagnosis } from '../../src/doctor/finding.ts'
import { puppetLb } from '../commands/puppet-lb.ts'
import { inShort } from '../support/doctor-site.ts'
import { reaches } from './support/background.ts'
import { generation } from './support/debian.ts'
import {
  caMaster,
  compileMasters,
  hopFiles,
  plainMaster,
  ports,
  proxyFiles,
  scratch,
  tlsMaster,
  urlOf
} from './support/layout.ts'
import { accessLogOf, masterPid } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { shortName, startProxy } from './support/proxy.ts'

/** A Puppet Server that is told to reload makes its JRubies anew: some 10 s on two idle cores. */
const RELOAD_DEADLINE_MS = 120_000
/** Puppet Server notes a request after it has sent the answer. */
const LOGGED_MS = 5_000

const caDir = join(masterDir(caMaster), 'authority')
const serverDir = join(masterDir(caMaster), 'conf.d')
const crl = scratch('proxy/doctor-crl.pem')
writeFileSync(crl, readFileSync(join(caDir, 'ca_crl.pem')))
const masters = compileMasters.map(master => ({ name: shortName(master), url: urlOf(master) }))
const plain = `note identity ${shortName(plainMaster)}`

/** What `doctor` finds with these masters, on the CA's machine. */
async function doctor(
  named: readonly { readonly name: string; readonly url: string }[] = masters
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
  const { out, err } = await puppetLb(['doctor', '--config', config, '--json', ...flags])
  t.equal(err, '')
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

t.test('once the CA believes certificates alone, nothing is found', async t => {
  await distrust(t)
  let found: Diagnosis = { ok: false, findings: [] }
  await reaches(async () => {
    found = await doctor()
    return found.ok
  }, RELOAD_DEADLINE_MS)
  t.same(found.findings.map(inShort), [plain])
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

/** The CA takes nobody's identity from headers any more; afterwards it does as before. */
async function distrust(t: Test): Promise<void> {
  const path = join(serverDir, 'auth.conf')
  const before = readFileSync(path, 'utf8')
  const reload = () => process.kill(masterPid(caMaster), 'SIGHUP')
  writeFileSync(path, before.replace('allow-header-cert-info: true', 'allow-header-cert-info: false'))
  t.not(readFileSync(path, 'utf8'), before)
  reload()
  t.teardown(async () => {
    writeFileSync(path, before)
    reload()
    const isBack = async () => (await doctor()).findings.map(inShort).includes('error identity ca')
    if (!(await reaches(isBack, RELOAD_DEADLINE_MS))) throw new Error('the CA does not come back')
  })
}
