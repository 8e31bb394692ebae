import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { always, type RawConnection, startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const path = '/puppet/v3/catalog/a.example.com?environment=production'

async function behind(t: Test, master: { readonly url: string }, workers = 2) {
  const masters = [{ name: 'm1', url: master.url }]
  return startBalancer(t, testConfig(pki, { ca: master.url, masters }, { listen: { workers } }))
}

t.test('a busy master is asked once, and what it says about coming back passes unchanged', async t => {
  const busy =
    'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1734\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy'
  let hits = 0
  const master = await startRawMaster(t, ({ socket }) => {
    hits++
    socket.end(busy)
  })
  const app = await behind(t, master)
  const agent = connectAgent(t, pki, app.port)
  const question = { path, headers: { 'x-puppet-version': '8.10.0' } }
  const answer = await agent.ask(question)
  t.match(answer, { status: 503, body: 'busy', headers: { 'retry-after': '1734', connection: 'keep-alive' } })
  t.notOk('x-puppet-lb-reason' in answer.headers, 'the answer is the master’s')
  t.equal(hits, 1)
  await agent.ask(question)
  t.equal(hits, 2, 'and it stays in the balance: busy is not broken')
})

t.test('answers without a body', async t => {
  const master = await startScriptedMaster(t, (request, response) => {
    const status = Number(request.headers['x-status'] ?? 200)
    response.writeHead(status, status === 204 ? {} : { 'content-length': 1234, etag: '"abc"' }).end()
  })
  const app = await behind(t, master)
  const agent = connectAgent(t, pki, app.port)

  await t.test('HEAD brings the length, and the connection to the master is kept', async t => {
    for (let round = 0; round < 5; round++) {
      const answer = await agent.ask({ method: 'HEAD', path })
      t.match(answer, { status: 200, body: '', headers: { 'content-length': '1234' } })
    }
    t.same(new Set(master.seen.map(seen => seen.connection)).size, 1)
  })

  await t.test('304 may speak of a length it does not send', async t => {
    const answer = await agent.ask({ path, headers: { 'x-status': 304 } })
    t.match(answer, { status: 304, body: '', headers: { 'content-length': '1234', etag: '"abc"' } })
    t.equal((await agent.ask({ method: 'HEAD', path })).status, 200, 'and the agent’s connection is in step')
  })

  await t.test('204 has none', async t => {
    const answer = await agent.ask({ method: 'DELETE', path, headers: { 'x-status': 204 } })
    t.match(answer, { status: 204, body: '' })
    t.notOk('content-length' in answer.headers)
    t.notOk('transfer-encoding' in answer.headers)
  })
})

const broken: Readonly<Record<string, string>> = {
  'both a length and chunks':
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
  'a length that is none': 'HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc',
  'a control character in a header': 'HTTP/1.1 200 OK\r\nX-Name: a\x01b\r\nContent-Length: 0\r\n\r\n',
  'a header without end': `HTTP/1.1 200 OK\r\nX-Name: ${'x'.repeat(100_000)}`,
  'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n'
}
t.test(
  'an answer of a master that is not valid HTTP becomes a 502 that says so, and nothing of it passes',
  async t => {
    let bytes = ''
    const master = await startRawMaster(t, connection => always(bytes)(connection))
    const app = await behind(t, master)
    const agent = connectAgent(t, pki, app.port)
    let connections = 0
    for (const [what, answerOfMaster] of Object.entries(broken)) {
      await t.test(what, async t => {
        bytes = answerOfMaster
        const answer = await agent.ask({ path })
        t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'master-answer' } })
        t.match(answer.body, /not valid HTTP.*\. Request [\w-]+$/)
        t.notMatch(answer.body, /127\.0\.0\.1|localhost|HPE_|undici/i)
        t.equal(master.connectionCount(), ++connections, 'another try would bring the same')
      })
    }
  }
)

t.test(
  'a master that goes over to another protocol unasked has given no answer, and is told as that',
  async t => {
    // Behind a 101 there is no more HTTP on a connection (RFC 9110, section 15.2.2).
    const master = await startRawMaster(
      t,
      always('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n')
    )
    const app = await behind(t, master)
    const answer = await connectAgent(t, pki, app.port).ask({ method: 'PUT', path: '/puppet/v3/report/a' })
    t.match(answer, { status: 502, headers: { 'x-puppet-lb-reason': 'master-answer' } })
  }
)

const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
const wordsBefore: Readonly<Record<string, string>> = {
  '100 Continue': 'HTTP/1.1 100 Continue\r\n\r\n',
  '100 with headers and without a phrase': 'HTTP/1.1 100\r\nDate: now\r\nServer: x\r\n\r\n',
  '102 Processing': 'HTTP/1.1 102 Processing\r\n\r\n',
  '103 Early Hints': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
  'all of them': ['100 Continue', '103 Early Hints', '100 Go on', '102 Processing', '100 Continue']
    .map(status => `HTTP/1.1 ${status}\r\nX-A: b\r\n\r\n`)
    .join('')
}
for (const isSplit of [false, true])
  t.test(`words before an answer are passed over${isSplit ? ', byte by byte' : ''}`, async t => {
    let before = ''
    const master = await startRawMaster(t, async ({ socket, until, forget }) => {
      for (;;) {
        await until('\r\n\r\n')
        forget()
        for (const piece of isSplit ? before : [before]) {
          socket.write(piece)
          if (isSplit) await setImmediate()
        }
        socket.write(whole)
      }
    })
    const app = await behind(t, master, 0)
    const agent = connectAgent(t, pki, app.port)
    for (const [what, words] of Object.entries(wordsBefore)) {
      before = words
      for (const question of [{ path }, { method: 'POST', path, body: 'facts' }] as const)
        t.match(await agent.ask(question), { status: 200, body: 'HTTP/1.1 100 Continue\r\n\r\n' }, what)
    }
    t.equal(master.connectionCount(), 1, 'and its connection goes on')
  })

t.test('a master whose probes are answered with a word before the answer is up', async t => {
  const master = await startScriptedMaster(t, (_request, response) => {
    response.writeContinue()
    response.end('running')
  })
  const topology = { ca: master.url, masters: [{ name: 'm1', url: master.url }] }
  const app = await startBalancer(
    t,
    testConfig(pki, topology, { listen: { workers: 0 }, health: { path: '/status/v1/simple/other' } })
  )
  const metrics = await scrape(app.adminPort)
  t.equal(metrics.value('puppet_lb_master_state', { master: 'm1', state: 'up' }), 1)
})

t.test('an answer that breaks off is never made to look complete', async t => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
  const ways: Readonly<Record<string, (connection: RawConnection) => void>> = {
    'in chunks, closed': ({ socket }) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n`),
    'in chunks, closed, said so before': ({ socket }) =>
      socket.end(`${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n`),
    'in chunks, reset': ({ socket }) => {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n`, () => socket.resetAndDestroy())
    },
    'with a length, closed': ({ socket }) => socket.end(`${head}Content-Length: 10\r\n\r\n{"a`),
    'with a length, closed, said so before': ({ socket }) =>
      socket.end(`${head}Connection: close\r\nContent-Length: 10\r\n\r\n{"a`),
    'in a chunk that is none': ({ socket }) =>
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\nzz\r\n`)
  }
  let script: (connection: RawConnection) => void = () => {}
  const master = await startRawMaster(t, connection => script(connection))
  const app = await behind(t, master)
  let connections = 0
  for (const [way, scriptOfWay] of Object.entries(ways)) {
    await t.test(way, async t => {
      script = scriptOfWay
      await t.rejects(connectAgent(t, pki, app.port).ask({ path }), 'an agent gets an error')
      const raw = await connectRawAgent(t, pki, app.port)
      raw.send(`GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
      const [, body = ''] = (await raw.end).split('\r\n\r\n')
      t.notMatch(body, /(^|\n)0\r?\n/, 'there is no last chunk')
      t.ok(body.length < 10)
      connections += 2
      t.equal(master.connectionCount(), connections, 'what has begun is not asked for again')
    })
  }
})

t.test('requests that come one behind the other get their answers in order', async t => {
  const master = await startScriptedMaster(t, (request, response) => response.end(request.url))
  const app = await behind(t, master)
  const raw = await connectRawAgent(t, pki, app.port)
  const names = ['slow', 'b', 'c']
  raw.send(names.map(name => `GET /puppet/v3/node/${name} HTTP/1.1\r\nHost: puppet\r\n\r\n`).join(''))
  const text = await raw.until('/node/c')
  t.same(
    [...text.matchAll(/\/puppet\/v3\/node\/([a-z]+)/g)].map(match => match[1]),
    names
  )
})

t.test('connections to a master are used again, by whichever agent comes next', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'), { tls: pki.server })
  // Each worker has connections of its own.
  const app = await behind(t, master, 1)
  for (let round = 0; round < 3; round++) {
    const agent = connectAgent(t, pki, app.port)
    await agent.ask({ path })
    await agent.ask({ method: 'POST', path, body: 'facts' })
    agent.close()
  }
  t.equal(new Set(master.seen.map(seen => seen.connection)).size, 1)
  t.equal(master.seen.length, 6)
})
