import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { CodeStatus } from '../../src/model/code.ts'
import type { Status } from '../../src/model/status.ts'
import { askCatalog, createEnrolledAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { compileMasters, type MasterLayout, plainMaster, scratch, tlsMaster } from './support/layout.ts'
import { accessLogOf } from './support/master.ts'
import { admin, operate, shortName, startProxy } from './support/proxy.ts'

/** A catalog of a master and environment is looked at every ten seconds. */
const SEEN_DEADLINE_MS = 60_000
/** Puppet Server notes a request after it has sent the answer. */
const LOGGED_MS = 5_000
const FLUSH = '/puppet-admin-api/v1/environment-cache?environment=insync'

t.teardown((await startProxy({ name: 'code-in-sync' })).end)

const agent = await createEnrolledAgent({
  certname: 'insync.example.test',
  settings: { environment: 'insync' }
})
const names = compileMasters.map(shortName)

t.test('what both masters serve is seen in catalogs of real agents', async t => {
  const { status, output } = await onlyOn(tlsMaster, () => runAgent(agent))
  t.equal(status, 2, 'it did what the catalog says', { output })
  await onlyOn(plainMaster, packed)
  t.ok(await serve('insync', { [shortName(tlsMaster)]: 'v1', [shortName(plainMaster)]: 'v1' }))
  t.match(await code('insync'), { versions: 1, differsSince: null })
})

t.test('what Puppet puts in for a version is none', async t => {
  t.equal((await askCatalog(agent, 0)).status, 200)
  t.ok(await reaches(async () => (await code('production')) !== undefined, SEEN_DEADLINE_MS))
  t.match(await code('production'), { versions: 0, masters: [{ version: null }] })
})

t.test('new code is served once it is told as deployed: both masters flush what they keep', async t => {
  writeFileSync(scratch('code/environments/insync/version'), 'v2\n')
  const said = await operate('deployed', 'insync')
  for (const name of names) t.match(said, new RegExp(`^${name} +yes$`, 'm'))
  for (const master of compileMasters) {
    const flushed = async () => accessLogOf(master).some(line => line.startsWith(`204 "DELETE ${FLUSH} `))
    t.ok(await reaches(flushed, LOGGED_MS), master.name)
  }
  for (const master of compileMasters)
    await onlyOn(master, () =>
      reaches(async () => {
        await packed()
        return (await code('insync'))?.masters.some(each => each.version === 'v2') === true
      }, SEEN_DEADLINE_MS)
    )
  t.ok(await serve('insync', Object.fromEntries(names.map(name => [name, 'v2']))))
  t.match(await code('insync'), { versions: 1, differsSince: null })
})

/** A catalog as agents ask for it, packed by the master. */
function packed() {
  return askCatalog(agent, 0, { environment: 'insync', headers: { 'accept-encoding': 'gzip' } })
}

/** Does something while the other master takes no new runs. */
async function onlyOn<Result>(master: MasterLayout, work: () => Promise<Result>): Promise<Result> {
  const others = compileMasters.filter(each => each !== master).map(shortName)
  for (const name of others) await operate('drain', name)
  try {
    return await work()
  } finally {
    for (const name of others) await operate('undrain', name, '--wait')
  }
}

async function code(environment: string): Promise<CodeStatus | undefined> {
  const status = JSON.parse((await admin('/api/status')).body) as Status
  return status.code.find(each => each.environment === environment)
}

/** Whether each of these masters comes to serve its version, and nothing else. */
function serve(environment: string, versions: Readonly<Record<string, string>>): Promise<boolean> {
  return reaches(async () => {
    const { masters = [] } = (await code(environment)) ?? {}
    const served = Object.fromEntries(masters.map(({ name, version }) => [name, version]))
    return (
      masters.length === 2 && Object.entries(versions).every(([name, version]) => served[name] === version)
    )
  }, SEEN_DEADLINE_MS)
}
