import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startRawMaster } from '../support/raw-master.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const path = '/puppet/v3/node/a.example.com?environment=production'
const hopByHop = [
  'Connection',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'Upgrade',
  'HTTP2-Settings'
]

t.test('an agent’s headers', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )

  async function seenWith(headers: readonly string[]) {
    const raw = await connectRawAgent(t, pki, app.port)
    const before = master.seen.length
    raw.send(`GET ${path} HTTP/1.1\r\n${headers.map(header => `${header}\r\n`).join('')}\r\n`)
    t.match(await raw.until('\r\n\r\n'), /^HTTP\/1\.1 200 /)
    const seen = master.seen[before]
    if (!seen) throw new Error('the master saw nothing')
    return seen
  }

  await t.test('what Puppet says passes, in its order and spelling', async t => {
    const headers = [
      'X-Puppet-Version: 8.10.0',
      'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT',
      'if-none-match: "abc"',
      'Accept: application/vnd.puppet.rich+json, application/json',
      'Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      'X-Puppet-Profiling: true',
      'Authorization: Bearer token',
      'X-Authentication: token',
      'User-Agent: Puppet/8.10.0 Ruby/3.2.5-p208 (x86_64-linux)'
    ]
    const { rawHeaders } = await seenWith(['Host: puppet:8140', ...headers])
    const pairs = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${rawHeaders[at + 1]}`]))
    t.same(
      pairs.filter(pair => headers.includes(pair)),
      headers
    )
  })

  await t.test('Host and SNI are the master’s own', async t => {
    const seen = await seenWith(['Host: puppet:8140'])
    t.same(seen.header('host'), [new URL(master.url).host])
    t.equal(seen.servername, 'localhost')
  })

  await t.test('those of one connection stop at the balancer, also those that Connection names', async t => {
    const seen = await seenWith([
      'Host: puppet',
      'Connection: keep-alive, Upgrade, X-One-Hop',
      'Keep-Alive: timeout=5',
      'Upgrade: websocket',
      'TE: trailers',
      'Trailer: X-Sum',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic YTpi',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
      'X-One-Hop: 1',
      'X-Other: 2'
    ])
    t.same(
      hopByHop.filter(name => name !== 'Connection' && seen.header(name).length > 0),
      []
    )
    t.same(seen.header('connection'), ['keep-alive'], 'the upstream connection is kept for the next agent')
    t.same(seen.header('x-one-hop'), [])
    t.same(seen.header('x-other'), ['2'])
  })

  await t.test('Upgrade without Connection is no reason to fail', async t => {
    t.same((await seenWith(['Host: puppet', 'Upgrade: h2c'])).header('upgrade'), [])
  })

  await t.test('an agent that wants its connection closed does not close the master’s', async t => {
    t.same((await seenWith(['Host: puppet', 'Connection: close'])).header('connection'), ['keep-alive'])
  })

  await t.test('values in Latin-1, repeated and empty ones arrive as they are', async t => {
    const seen = await seenWith(['Host: puppet', 'X-Name: caf\xe9', 'X-List: a', 'x-list: b', 'X-Empty:'])
    t.same(seen.header('x-name'), ['caf\xe9'])
    t.same(seen.header('x-list'), ['a', 'b'])
    t.same(seen.header('x-empty'), [''])
  })
})

t.test('a master’s headers', async t => {
  let answer = Buffer.alloc(0)
  const master = await startRawMaster(t, ({ socket }) => {
    const say = () => socket.write(answer)
    say()
    socket.on('data', say)
  })
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  async function answerTo(headers: readonly string[], question: string, reason = 'Fine') {
    const text = `HTTP/1.1 200 ${reason}\r\n${headers.map(each => `${each}\r\n`).join('')}Content-Length: 2\r\n\r\n{}`
    answer = Buffer.from(text, 'latin1')
    const raw = await connectRawAgent(t, pki, app.port)
    raw.send(question)
    await raw.until('\r\n\r\n{}')
    return { raw, lines: raw.text().split('\r\n') }
  }
  const ask = `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`

  await t.test('what Puppet says passes, repeated ones one by one', async t => {
    const { lines } = await answerTo(
      [
        'X-Puppet-Version: 8.10.0',
        'ETag: "abc"',
        'Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT',
        'X-Puppet-Compiler-Name: m1',
        'Set-Cookie: a=1; Path=/',
        'Set-Cookie: b=2',
        'Date: Thu, 01 Jan 2026 00:00:01 GMT'
      ],
      ask
    )
    t.same(
      lines
        .filter(line => /^(x-puppet|etag|last-mod|set-cookie|date)/i.test(line))
        .map(line => line.toLowerCase()),
      [
        'x-puppet-version: 8.10.0',
        'etag: "abc"',
        'last-modified: thu, 01 jan 2026 00:00:00 gmt',
        'x-puppet-compiler-name: m1',
        'set-cookie: a=1; path=/',
        'set-cookie: b=2',
        'date: thu, 01 jan 2026 00:00:01 gmt'
      ]
    )
    t.equal(lines[0], 'HTTP/1.1 200 Fine')
  })

  await t.test('those of one connection stop at the balancer, also those that Connection names', async t => {
    const { raw, lines } = await answerTo(
      [
        'Connection: close, X-One-Hop',
        'Keep-Alive: timeout=1',
        'Proxy-Authenticate: Basic',
        'Proxy-Connection: close',
        'Trailer: X-Sum',
        'Upgrade: h2c',
        'X-One-Hop: 1',
        'X-Other: 2'
      ],
      ask
    )
    const names = lines.map(line => line.split(':')[0]?.toLowerCase())
    t.same(
      hopByHop
        .map(name => name.toLowerCase())
        .filter(name => !['connection', 'keep-alive'].includes(name) && names.includes(name)),
      []
    )
    t.notOk(names.includes('x-one-hop'))
    t.ok(lines.includes('x-other: 2'))
    t.ok(lines.includes('Connection: keep-alive'))

    raw.forget()
    raw.send(ask)
    t.match(await raw.until('{}'), /^HTTP\/1\.1 200 /, 'the agent’s connection goes on')
  })

  await t.test(
    'a connection the agent wants closed is closed, whatever the master says of its own',
    async t => {
      const { raw, lines } = await answerTo(
        ['Connection: keep-alive', 'Keep-Alive: timeout=20'],
        `GET ${path} HTTP/1.1\r\nHost: puppet\r\nConnection: close\r\n\r\n`
      )
      t.ok(lines.includes('Connection: close'))
      t.notOk(lines.some(line => /^keep-alive:/i.test(line)))
      await raw.end
    }
  )

  await t.test('values in Latin-1 arrive as they are', async t => {
    const { lines } = await answerTo(['X-Name: caf\xe9'], ask)
    t.ok(lines.includes('x-name: caf\xe9'))
  })

  // Puppet 3 under WEBrick puts its error message there, in whatever language.
  await t.test('a reason phrase beyond Latin-1 does not spoil the answer', async t => {
    const { lines } = await answerTo(['X-Other: 2'], ask, Buffer.from('見つかりません').toString('latin1'))
    t.match(lines[0], /^HTTP\/1\.1 200 /)
    t.ok(lines.includes('x-other: 2'))
  })
})

t.test(
  'an idle agent’s connection stays open for far longer than the 4 s after which the agent leaves it',
  async t => {
    const master = await startScriptedMaster(t, (_request, response) => response.end())
    const app = await startBalancer(
      t,
      testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
    )
    const { headers } = await connectAgent(t, pki, app.port).ask({ path })
    const [, seconds] = /timeout=(\d+)/.exec(String(headers['keep-alive'])) ?? []
    t.ok(Number(seconds) >= 30, `${seconds} s`)
  }
)
