import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { recipe } from '../support/recipes.ts'
import { type Agent, createEnrolledAgent, runAgent } from './support/agent.ts'
import { operator, operatorCommand } from './support/authority.ts'
import { mustRun, reaches } from './support/background.ts'
import { caMaster, ports, proxyHost, scratch } from './support/layout.ts'
import { accessLogOf, endMaster, masterReady, startMaster } from './support/master.ts'
import { masterDir } from './support/master-config.ts'
import { admin, askProxy, startProxy } from './support/proxy.ts'

/** How often the balancer asks the CA. */
const REFRESH_MS = 1_000
/** Until then a revoked agent is cut: the refresh, a second for the CA to answer, and one to enforce what it says. */
const CUT_MS = REFRESH_MS + 2_000
/** For what has no promise. */
const NOTICED_MS = 15_000
const LISTS = 'GET /puppet-ca/v1/certificate_revocation_list/ca'

const directory = scratch('proxy/lists')
const crl = { directory }
let proxy = await startProxy({ name: 'revocation', crl })
t.teardown(() => proxy.end())

const [sacked, cleaned, late, kept] = await enrolled('sacked', 'cleaned', 'late', 'kept')
const node = ({ certname }: Agent) => `/puppet/v3/node/${certname}?environment=production`
const statusFor = async (agent: Agent) => (await askProxy(node(agent), { as: agent.ssl })).status
const isRefused = async (agent: Agent) => (await statusFor(agent)) === 403
const crlStatus = async () => JSON.parse((await admin('/api/status')).body).crl

async function enrolled(...names: readonly string[]) {
  const agents = []
  for (const name of names) agents.push(await createEnrolledAgent({ certname: `${name}.example.test` }))
  return agents as [Agent, Agent, Agent, Agent]
}

/** A connection of an agent that stays open, on which it has been served. */
async function openConnection(t: Test, { ssl, ...agent }: Agent) {
  const [cert, key, ca] = [ssl.cert, ssl.key, operator().ca].map(file => readFileSync(file))
  const socket = connect({ host: proxyHost, port: ports.proxy, servername: proxyHost, cert, key, ca })
  t.teardown(() => socket.destroy())
  // It may be cut by a reset.
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  const ask = async () => {
    socket.write(
      `GET ${node({ ssl, ...agent })} HTTP/1.1\r\nHost: ${proxyHost}\r\nAccept: application/json\r\n\r\n`
    )
    const [answer] = await once(socket, 'data')
    return String(answer).slice(9, 12)
  }
  t.equal(await ask(), '200')
  return { ask, closed: new Promise<void>(resolve => socket.once('close', () => resolve())) }
}

/** Certificates that other tests of this run have revoked. */
const { entries: others } = await crlStatus()

t.test('with a list that names none of them, everybody is served', async t => {
  for (const agent of [sacked, cleaned, kept]) t.equal(await statusFor(agent), 200)
  t.match(await crlStatus(), { source: /certificate_revocation_list\/ca$/, problem: null })
})

for (const [action, agent] of Object.entries({ revoke: sacked, clean: cleaned })) {
  t.test(
    `${action}: refused on open and new connections within the refresh, and nobody else notices`,
    async t => {
      const [theirs, other] = [await openConnection(t, agent), await openConnection(t, kept)]
      const cut = theirs.closed.then(() => performance.now())
      t.match(
        await operatorCommand(action, '--certname', agent.certname),
        /Certificate for \S+ has been revoked|Revoked certificate|Cleaned files/
      )
      const doneMs = performance.now()
      t.ok(await reaches(() => isRefused(agent), CUT_MS), 'a new connection is refused')
      const tookMs = (await cut) - doneMs
      t.ok(tookMs < CUT_MS, `the open connection was cut ${tookMs.toFixed(0)} ms after the command had ended`)
      t.equal(await other.ask(), '200', 'on the connection it had')
      const { headers, body } = await askProxy(node(agent), { as: agent.ssl })
      t.match(headers, { 'content-type': /^text\/plain/, 'x-puppet-lb-reason': 'certificate-refused' })
      t.match(body, /certificate.*revoked/i)
    }
  )
}

t.test('its run fails and shows that sentence, where others go on', async t => {
  const { status, output } = await runAgent(sacked)
  t.equal(status, 1, 'the run failed', { output })
  t.match(output, /403.*revoked/)
  t.equal((await runAgent(kept)).status, 2)
})

t.test('the CA is asked by a condition, and sends its list only when it has another', async t => {
  const unchanged = async () => accessLogOf(caMaster).some(line => line.startsWith(`304 "${LISTS}`))
  t.ok(await reaches(unchanged, 90_000), 'a minute after the last change')
})

t.test('while the CA is down, a balancer that is started goes by the list it has kept', async t => {
  await endMaster(caMaster, 'SIGTERM')
  await proxy.end()
  proxy = await startProxy({ name: 'revocation', crl })
  t.equal(await statusFor(sacked), 403)
  t.equal(await statusFor(kept), 200)
  t.match(await crlStatus(), { entries: others + 2, source: join(directory, 'revocation-lists.pem') })
})

const caConf = join(masterDir(caMaster), 'conf.d/ca.conf')
const ordinary = readFileSync(caConf, 'utf8')

t.test(
  'a CA that serves its infrastructure list un-revokes nobody, and the log says what it is, once',
  async t => {
    writeFileSync(caConf, ordinary.replace('{', '{ enable-infra-crl: true,'))
    startMaster(caMaster)
    await masterReady(caMaster)
    const told = () => proxy.log().match(/"reasons":\["infrastructure"\]/g)?.length ?? 0
    t.ok(await reaches(async () => told() > 0, NOTICED_MS), 'told')
    const asked = accessLogOf(caMaster).length
    t.ok(await reaches(async () => accessLogOf(caMaster).length > asked + 2, NOTICED_MS), 'asked again')
    t.equal(told(), 1)
    t.equal(await statusFor(sacked), 403)
  }
)

t.test(
  'then the full list is shipped by the script of DEPLOY.md, and counts beside what the CA serves',
  async t => {
    const shipped = scratch('proxy/shipped/crl.pem')
    mkdirSync(scratch('proxy/shipped'), { recursive: true })
    await operatorCommand('revoke', '--certname', late.certname)
    t.equal(await statusFor(late), 200, 'no list that anybody sees names it')
    await ship(shipped)
    await proxy.reload({ crl: { ...crl, file: shipped } })
    t.equal(await statusFor(late), 403)
    t.equal(await statusFor(kept), 200)
    t.match(await crlStatus(), { entries: others + 3, source: shipped })
  }
)

t.test('back to the full list, the CA is believed again', async t => {
  await endMaster(caMaster, 'SIGTERM')
  writeFileSync(caConf, ordinary)
  startMaster(caMaster)
  await masterReady(caMaster)
  const isWell = async () => (await crlStatus()).source.endsWith('certificate_revocation_list/ca')
  t.ok(await reaches(isWell, NOTICED_MS), 'asked and believed')
  for (const agent of [sacked, cleaned, late]) t.equal(await statusFor(agent), 403)
})

/** Runs the script as it stands in DEPLOY.md, from the CA's host to another one. */
async function ship(target: string): Promise<void> {
  const [script, shell] = [scratch('ship-crl'), scratch('ssh')]
  writeFileSync(script, recipe('ship-crl'))
  // The other host is this one; rsync speaks to itself all the same.
  writeFileSync(shell, '#!/bin/sh\nshift\nexec sh -c "$*"\n')
  for (const file of [script, shell]) chmodSync(file, 0o755)
  const list = join(masterDir(caMaster), 'authority/ca_crl.pem')
  await mustRun({
    ...{ command: script, args: [list, `lb-1:${target}`], cwd: scratch(), env: { RSYNC_RSH: shell } },
    logFile: scratch('logs/ship-crl.log')
  })
}
