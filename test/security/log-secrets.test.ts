import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { connectRaw } from './support/raw-connection.ts'

const pki = await createTestPki()
const lb = await pki.authority.issue({ certname: 'lb.example.com' })
const agent = await pki.authority.issue({ certname: 'agent1' })
const gone = await pki.authority.issue({ certname: 'gone' })
const stranger = await (await createTestPki()).authority.issue({ certname: 'stranger' })

/** In every place where an agent or a master may put something that is nobody else's business. */
const marks = {
  authorization: 'Bearer secret-authorization',
  authentication: 'secret-token-of-x-authentication',
  cookie: 'session=secret-cookie',
  query: 'secret-query',
  fragment: 'secret-malformed',
  body: 'secret-body',
  answer: 'secret-answer',
  answerHeader: 'secret-answer-header'
}
const headers = {
  authorization: marks.authorization,
  'x-authentication': marks.authentication,
  cookie: marks.cookie,
  'proxy-authorization': marks.authorization
}

for (const workers of [0, 2]) {
  t.test(`at the finest level, with ${workers} workers, the log holds no secret`, async t => {
    const crlFile = path.join(
      t.testdir({ 'crl.pem': await pki.authority.crl({ revoked: [gone.serial] }) }),
      'crl.pem'
    )
    const balancer = await start(t, workers, crlFile)
    await provokeEverything(t, balancer)
    await writeFile(crlFile, pki.server.key)
    await balancer.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
    balancer.process.kill('SIGTERM')
    t.equal(await balancer.exit, 0)
    const output = balancer.output()

    const logged = balancer.lines.filter(line => line.msg === 'request')
    t.match(logged, [{ certname: 'agent1', path: '/puppet/v3/node/agent1' }], 'requests are logged')
    t.ok(logged.length >= 9)

    for (const [where, mark] of Object.entries(marks)) t.notOk(output.includes(mark), where)
    for (const each of [pki.server, lb, agent, gone, stranger]) {
      for (const line of secretLinesOf(each.key)) t.notOk(output.includes(line), 'a key')
      for (const line of secretLinesOf(each.cert)) t.notOk(output.includes(line), 'a certificate')
      t.notOk(output.includes(encodeURIComponent(each.cert).slice(80, 140)), 'an encoded certificate')
    }
    t.notMatch(output, /BEGIN[ %]|PRIVATE|-----/)
    t.notMatch(output, /\?[\w%=]/, 'a query')
  })
}

async function start(
  t: Parameters<typeof spawnBalancer>[0],
  workers: number,
  crlFile: string
): Promise<BalancerProcess> {
  const tls = pki.server
  const good = await startScriptedMaster(
    t,
    (_request, response) => {
      response.setHeader('set-cookie', marks.answerHeader)
      response.end(marks.answer)
    },
    { tls, clientCa: pki.authority.bundle }
  )
  const breaksOff = await startScriptedMaster(t, request => void request.socket.destroy(), { tls })
  return spawnBalancer(
    t,
    pki,
    {
      ca: breaksOff.url,
      masters: [{ name: 'm1', url: good.url }],
      listen: { workers },
      log: { level: 'trace' },
      tls: { crl: { file: crlFile, refresh: '1s' } },
      upstream: { tls: { ca: 'ca.pem', cert: 'lb.pem', key: 'lb.key' } }
    },
    { files: { 'lb.pem': lb.chain, 'lb.key': lb.key } }
  )
}

/** Requests that end in all kinds of ways, each with something in it that must not be told. */
async function provokeEverything(
  t: Parameters<typeof connectAgent>[0],
  { port }: BalancerProcess
): Promise<void> {
  const query = `?environment=production&facts=${marks.query}`
  for (const identity of [agent, undefined, gone, stranger]) {
    const client = connectAgent(t, pki, port, identity)
    await client.ask({ path: `/puppet/v3/node/agent1${query}`, headers })
    await client.ask({ method: 'POST', path: `/puppet/v3/catalog/agent1${query}`, headers, body: marks.body })
    // This one the CA breaks off.
    await client.ask({ path: `/puppet-ca/v1/certificate/ca${query}`, headers })
    await client.ask({ path: `/metrics/v2${query}`, headers })
    await client.ask({ path: `/puppet/v3/../x${query}`, headers })
    client.close()
  }
  const raw = await connectRaw(t, pki, port, agent)
  await raw.ask(`${marks.fragment} nonsense\r\n\r\n`)
  const large = await connectRaw(t, pki, port)
  await large.ask(`GET /x${query} HTTP/1.1\r\nAuthorization: ${marks.authorization.repeat(1_000)}\r\n\r\n`)
}

function secretLinesOf(pem: string): string[] {
  return pem.split('\n').filter(text => text.length > 40 && !text.includes('-----'))
}
