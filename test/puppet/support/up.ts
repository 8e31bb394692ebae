/** Brings the fixture up: the CA, two compile masters and the balancer's certificate. Started by `test/puppet/run`. */
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { enrol, issueProxyCertificate, setUpAuthority } from './authority.ts'
import { admitHop, makeHop } from './hop.ts'
import { allMasters, caMaster, plainMaster, scratch, tlsMaster } from './layout.ts'
import { masterReady, startMaster } from './master.ts'
import { masterDir, writeMasterConfig } from './master-config.ts'

for (const directory of ['logs', 'home', 'proxy', 'agents'])
  mkdirSync(scratch(directory), { recursive: true })
cpSync(join(import.meta.dirname, '../code'), scratch('code'), { recursive: true })
cpSync(join(import.meta.dirname, 'facter'), scratch('facter'), { recursive: true })
for (const master of allMasters) writeMasterConfig(master)

startMaster(plainMaster) // needs no certificate, so nothing to wait for
await makeHop()
await setUpAuthority()
admitHop(caMaster)
startMaster(caMaster)
await masterReady(caMaster)
say('the CA master serves')
await Promise.all([enrolTlsMaster(), issueProxyCertificate()])
await Promise.all([masterReady(plainMaster), masterReady(tlsMaster)])
say('both compile masters serve')

async function enrolTlsMaster(): Promise<void> {
  const { name, host } = tlsMaster
  await enrol({ certname: name, directory: masterDir(tlsMaster), altNames: [`IP:${host}`, 'DNS:localhost'] })
  admitHop(tlsMaster)
  startMaster(tlsMaster)
}

function say(what: string): void {
  console.log(`# ${(performance.now() / 1000).toFixed(0)} s: ${what}`)
}
