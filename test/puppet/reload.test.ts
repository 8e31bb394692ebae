import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import t from 'tap'
import { compiledBy, createEnrolledAgent, runAgent } from './support/agent.ts'
import { enrol, operator } from './support/authority.ts'
import { reaches } from './support/background.ts'
import {
  plainMaster,
  ports,
  proxyFiles,
  proxyHost,
  proxyName,
  scratch,
  sslOf,
  tlsMaster
} from './support/layout.ts'
import { compilesOn } from './support/master.ts'
import { shortName, startProxy, stateOf } from './support/proxy.ts'
import { inWaves } from './support/waves.ts'

const AGENTS = 10
/** An agent's own work is 2 s of CPU; five at once keep two cores busy without starving anybody. */
const AT_ONCE = 5
const COMPILE_SECONDS = 4
const MIDDLE_DEADLINE_MS = 120_000

// The CA signs a certname once, so the next certificate has another one; agents look at the names beside it.
const nextName = 'puppet-next.example.test'
const directory = scratch('proxy-next')
await enrol({
  certname: nextName,
  directory,
  altNames: [`DNS:${proxyName}`, 'DNS:puppet', `DNS:${proxyHost}`]
})
const certificateA = proxyFiles()
const certificateB = sslOf(directory, nextName)

/** A master by another name is another one. */
const heir = { ...tlsMaster, name: 'heir.example.test' }

const proxy = await startProxy({ name: 'reload', masters: [tlsMaster], reload: 'signal' })
t.teardown(proxy.end)

const certnames = Array.from({ length: AGENTS }, (_, i) => `fleet-${i}.example.test`)
const agents = await inWaves(certnames, 2, certname => createEnrolledAgent({ certname }))

t.test(
  'reloads in the middle of ten runs add a master, swap the certificate and replace a master',
  async t => {
    t.equal(await shown(), fingerprintOf(certificateA.cert), 'certificate A before')
    let ended = 0
    const runs = inWaves(agents, AT_ONCE, async agent => {
      const end = await runAgent(agent, COMPILE_SECONDS)
      ended++
      return end
    })
    const isMiddle = async () => ended >= 2 && ended <= AGENTS / 2 && (await compilesOn(tlsMaster)) > 0
    t.ok(
      await reaches(isMiddle, MIDDLE_DEADLINE_MS),
      'some runs have ended, others compile, others are to come'
    )
    t.equal(await compilesOn(plainMaster), 0, 'and the other master does nothing yet')

    await proxy.reload({ masters: [tlsMaster, plainMaster], certificate: certificateB, reload: 'signal' })
    t.equal(await shown(), fingerprintOf(certificateB.cert), 'certificate B from then on')

    await proxy.reload({ masters: [heir, plainMaster], certificate: certificateB, reload: 'signal' })
    t.ok(await reaches(async () => (await stateOf(shortName(heir))) === 'up', MIDDLE_DEADLINE_MS), 'replaced')

    const ends = await runs
    t.equal(ends.length, AGENTS)
    for (const { status, output } of ends) t.ok([0, 2].includes(status), `ended with ${status}`, { output })
    t.same(
      new Set(agents.map(compiledBy)),
      new Set([tlsMaster.name, plainMaster.name]),
      'the new master compiled some'
    )
    t.ok(proxy.isRunning(), 'in the same process')
  }
)

/** Fingerprint of the certificate that a new connection is shown. */
async function shown(): Promise<string | undefined> {
  const socket = connect({
    host: proxyHost,
    port: ports.proxy,
    servername: proxyHost,
    ca: readFileSync(operator().ca)
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getPeerX509Certificate()?.fingerprint256
  } finally {
    socket.destroy()
  }
}

function fingerprintOf(file: string): string {
  return new X509Certificate(readFileSync(file)).fingerprint256
}
