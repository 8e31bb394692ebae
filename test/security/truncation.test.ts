import { once } from 'node:events'
import { connect } from 'node:net'
import type { SecureVersion } from 'node:tls'
import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startCuttingRelay } from '../support/cutting-relay.ts'
import { captureLog } from '../support/log-lines.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { type RawConnection, startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const target = '/puppet/v3/file_content/modules/a/b'
const question = `GET ${target} HTTP/1.1\r\nHost: puppet\r\n\r\n`

async function startBehind(t: Test, url: string, caUrl = url) {
  const { log, ...logged } = captureLog()
  const topology = { ca: caUrl, masters: [{ name: 'm1', url }] }
  const config = testConfig(pki, topology, {
    listen: { workers: 0 },
    health: { intervalMs: 3_600_000 },
    log: { level: 'info' }
  })
  const app = await startBalancer(t, config, { log })
  return { app, logged }
}

/** An agent whose TCP connection can end without a word in its TLS. */
async function connectAgent(t: Test, port: number) {
  const tcp = connect({ host: '127.0.0.1', port })
  const agent = await connectRawAgent(t, pki, port, identity, { socket: tcp })
  async function endTcp(): Promise<void> {
    tcp.end()
    await once(tcp, 'finish')
  }
  return { ...agent, endTcp }
}

const answers: Readonly<Record<string, { readonly answer: string; readonly isLong?: boolean }>> = {
  'without a length': { answer: 'HTTP/1.1 200 OK\r\n\r\nthe answer' },
  'of HTTP/1.0': { answer: 'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nthe answer' },
  'of several records': { answer: `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100_000)}`, isLong: true }
}
const versions: readonly SecureVersion[] = ['TLSv1.3', 'TLSv1.2']

/** The last chunk is there, or the two bytes that a length speaks of. */
const isOver = (text: string) => /\r\n0\r\n\r\n$|\r\n\r\nok$/.test(text)

/** Asks a master, one after the other on new connections, and hears how the answer looks to an agent. */
async function startMaster(t: Test, maxVersion: SecureVersion) {
  let script: (connection: RawConnection) => unknown = () => {}
  const tls = { cert: pki.server.chain, key: pki.server.key, maxVersion }
  const master = await startRawMaster(t, connection => script(connection), tls)
  const relay = await startCuttingRelay(t, master.port)
  const { app, logged } = await startBehind(t, `https://localhost:${relay.port}`)
  let count = 0
  async function ask(answer: string, end: Parameters<typeof relay.hold>[0]) {
    script = ({ socket }) => {
      relay.hold(end)
      socket.end(answer)
    }
    const agent = await connectRawAgent(t, pki, app.port)
    agent.send(question)
    const text = await agent.until(isOver).catch(() => agent.end)
    agent.socket.destroy()
    return {
      text,
      isWhole: text.endsWith('0\r\n\r\n'),
      line: (await logged.atLeast(++count, { msg: 'request' })).at(-1)
    }
  }
  return { ask }
}

for (const version of versions) {
  t.test(`an answer of ${version} whose end was not said in TLS looks cut to its agent`, async t => {
    const { ask } = await startMaster(t, version)
    // Without the alert, with a piece of it, and in the middle of the record before it.
    const alertBytes = version === 'TLSv1.3' ? 24 : 31
    const kept = [alertBytes, alertBytes - 5]
    for (const [what, { answer, isLong }] of Object.entries(answers))
      for (const isLate of [false, true])
        for (const keptBytes of isLong ? [...kept, alertBytes + 3] : kept) {
          const { isWhole, line } = await ask(answer, { keptBytes, isLate })
          t.notOk(isWhole, `${what}, ${keptBytes} bytes short${isLate ? ', late' : ''}`)
          t.match(line, { end: 'master-lost' })
        }
  })

  t.test(`and one whose end was said is whole`, async t => {
    const { ask } = await startMaster(t, version)
    for (const [what, { answer }] of Object.entries(answers))
      for (const isLate of [false, true]) {
        const { isWhole, line } = await ask(answer, { keptBytes: 0, isLate })
        t.ok(isWhole, what)
        t.match(line, { status: 200, end: 'complete' })
      }
  })
}

t.test('an answer that says its length is whole without a word in TLS', async t => {
  const { ask } = await startMaster(t, 'TLSv1.3')
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const { text, line } = await ask(answer, { keptBytes: 24, isLate: false })
  t.match(text, /\r\n\r\nok$/)
  t.match(line, { end: 'complete' })
})

const bodies: Readonly<Record<string, string>> = {
  'a body with a length': 'Content-Length: 20\r\n\r\nhalf of it',
  'a body in chunks': 'Transfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n',
  'the head': 'Content-'
}
for (const [what, rest] of Object.entries(bodies))
  for (const path of ['/puppet/v3/report/agent.example.com', '/puppet-ca/v1/certificate_request/a'])
    t.test(`a request that ends within ${what} without a word in TLS is not forwarded: ${path}`, async t => {
      const whole: unknown[] = []
      const master = await startScriptedMaster(t, (request, response) => {
        request.resume()
        request.once('end', () => {
          whole.push(request.method)
          response.end('taken for whole')
        })
      })
      const { app } = await startBehind(t, master.url)
      const agent = await connectAgent(t, app.port)
      agent.send(`PUT ${path} HTTP/1.1\r\nHost: puppet\r\n${rest}`)
      await agent.endTcp()
      t.notMatch(await agent.end, /taken for whole/)
      // Whoever is served now is served after it.
      const other = await connectAgent(t, app.port)
      other.send(question)
      await other.until('taken for whole')
      t.same(whole, ['GET'])
    })

t.test('one that streams to its master breaks off there', async t => {
  const broken = Promise.withResolvers<boolean>()
  const master = await startScriptedMaster(t, request => {
    request.resume()
    request.once('close', () => broken.resolve(!request.complete))
  })
  const { app, logged } = await startBehind(t, master.url)
  const agent = await connectAgent(t, app.port)
  const path = '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661/x'
  agent.send(
    `PUT ${path} HTTP/1.1\r\nHost: puppet\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(2_000_000)}`
  )
  await master.until(({ seen }) => seen.length === 1)
  await agent.endTcp()
  t.ok(await broken.promise, 'what the master has is not whole')
  t.match(await logged.line({ msg: 'request' }), { end: 'agent-gone', status: 499 })
})

t.test('an agent whose request is whole gets its answer, though its side ended without a word', async t => {
  const master = await startScriptedMaster(t, (_request, response) => {
    held.resolve(() => response.end('the answer'))
  })
  const held = Promise.withResolvers<() => void>()
  const { app, logged } = await startBehind(t, master.url)
  const agent = await connectAgent(t, app.port)
  agent.send(question)
  const answer = await held.promise
  await agent.endTcp()
  // Who is let in now came behind it.
  await connectAgent(t, app.port)
  answer()
  t.match(await agent.end, /^HTTP\/1\.1 200 .*the answer/s)
  t.match(await logged.line({ msg: 'request' }), { end: 'complete' })
})
