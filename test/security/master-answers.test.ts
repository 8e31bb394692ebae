import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog } from '../support/log-lines.ts'
import { always, type RawConnection, startRawMaster } from '../support/raw-master.ts'
import { connectRaw } from './support/raw-connection.ts'

type T = Parameters<typeof startRawMaster>[0]
type Script = (connection: RawConnection) => unknown

const pki = await createTestPki()
const question = 'GET /puppet/v3/file_content/modules/a/b HTTP/1.1\r\nHost: puppet\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\n'
const sized = 'Content-Length: 2\r\n\r\nok'

const passed: Readonly<Record<string, readonly [answer: string, pattern: RegExp]>> = {
  'UTF-8 in a header': [`${ok}X-Name: \xe8\xa6\x8b\r\n${sized}`, /\r\nx-name: \xe8\xa6\x8b\r\n/],
  'Latin-1 in a header': [`${ok}X-Name: caf\xe9\r\n${sized}`, /\r\nx-name: caf\xe9\r\n/],
  'UTF-8 in a Content-Disposition behind the length': [
    `${ok}Content-Length: 2\r\nContent-Disposition: attachment; filename="\xe8\xa6\x8b\xc3\xa9"\r\n\r\nok`,
    /\r\ncontent-disposition: attachment; filename="\xe8\xa6\x8b\xc3\xa9"\r\n/
  ],
  'two Content-Dispositions': [
    `${ok}Content-Length: 2\r\nContent-Disposition: \xe8\r\nContent-Disposition: b\xc3\xa9\r\n\r\nok`,
    /\r\ncontent-disposition: \xe8\r\ncontent-disposition: b\xc3\xa9\r\n/
  ],
  'names that JavaScript knows': [
    `${ok}__proto__: a\r\nconstructor: b\r\ntoString: c\r\n${sized}`,
    /\r\n__proto__: a\r\nconstructor: b\r\ntostring: c\r\n/
  ],
  'UTF-8 in the reason phrase': [`HTTP/1.1 200 \xe8\xa6\x8b\r\n${sized}`, /^HTTP\/1\.1 200 \xe8\xa6\x8b\r\n/],
  'a reason phrase that is no text': [`HTTP/1.1 200 a\x01b\r\n${sized}`, /^HTTP\/1\.1 200 \r\n/],
  'no reason phrase': [`HTTP/1.1 200\r\n${sized}`, /^HTTP\/1\.1 200 \r\n/],
  'a status that nobody knows': [`HTTP/1.1 999 Odd\r\n${sized}`, /^HTTP\/1\.1 999 Odd\r\n/]
}
for (const [what, [answer, pattern]] of Object.entries(passed)) {
  t.test(`${what} passes byte for byte`, async t => {
    const { raw, line } = await ask(t, always(Buffer.from(answer, 'latin1')))
    t.match(await raw.until('\r\n\r\nok'), pattern)
    t.match(await line, { end: 'complete' })
  })
}

t.test(
  'every byte in a header passes as it is or spoils the answer, and a master is never lost by it',
  async t => {
    let byte = 0
    const { app, log, raw } = await ask(t, async ({ socket, until, forget }) => {
      for (;;) {
        await until('\r\n\r\n')
        forget()
        socket.write(Buffer.from(`${ok}X-Byte: <${String.fromCharCode(byte)}>\r\n${sized}`, 'latin1'))
      }
    })
    await raw.until('\r\n\r\n')
    for (byte = 0; byte < 256; byte++) {
      const agent = await connectRaw(t, pki, app.port)
      const { status, headers } = await agent.ask(question)
      agent.socket.destroy()
      if (status === 200) t.equal(headers.get('x-byte'), `<${String.fromCharCode(byte)}>`)
      else t.match(headers.get('x-puppet-lb-reason'), 'master-answer')
      t.equal(status === 200, byte === 9 || (byte >= 32 && byte !== 127), `byte ${byte}`)
    }
    t.notOk(log.lines.some(({ end, level }) => end === 'master-lost' || level === 'error'))
  }
)

const unusable: Readonly<Record<string, string>> = {
  'a status below 100': `HTTP/1.1 099 Odd\r\n${sized}`,
  'a status of two digits': `HTTP/1.1 20 Odd\r\n${sized}`,
  'a coding that would be lost': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'words before it without end': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100) + ok + sized,
  'leave to go on without end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100) + ok + sized,
  'another protocol': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  'a folded header': `${ok}X-A: a\r\n b\r\n${sized}`,
  'lines that end with a line feed alone': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  'two lengths that agree': `${ok}Content-Length: 2\r\n${sized}`,
  'headers that are too large': `${ok}X-A: ${'a'.repeat(20_000)}\r\n${sized}`
}
for (const [what, answer] of Object.entries(unusable)) {
  t.test(`an answer with ${what} is 502 and told as what it is`, async t => {
    const { raw, line } = await ask(t, always(Buffer.from(answer, 'latin1')))
    t.match(
      await raw.until(/Request \S+$/.test.bind(/Request \S+$/)),
      /^HTTP\/1\.1 502 The Puppet master gave an answer that is not valid HTTP\r\n/
    )
    t.match(await line, { status: 502, end: 'master-answer', attempts: 1 })
  })
}

const reset =
  (text: string): Script =>
  async ({ socket }) => {
    socket.write(text)
    // Once the agent has it, its master goes.
    resets.push(() => socket.resetAndDestroy())
  }
const resets: (() => void)[] = []
const lost: Readonly<Record<string, Script>> = {
  'without a length, reset': reset(`${ok}\r\nhalf`),
  'of HTTP/1.0, reset': reset('HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhalf'),
  'with a length, the last on its connection, reset': reset(
    `${ok}Connection: close\r\nContent-Length: 9\r\n\r\nhalf`
  ),
  'with a length, closed': ({ socket }) => socket.end(`${ok}Content-Length: 9\r\n\r\nhalf`),
  'with a length, the last on its connection, closed': ({ socket }) =>
    socket.end(`${ok}Connection: close\r\nContent-Length: 9\r\n\r\nhalf`),
  'in chunks, the last on its connection, closed': ({ socket }) =>
    socket.end(`${ok}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`)
}
for (const [what, script] of Object.entries(lost)) {
  t.test(`an answer ${what} does not look whole, and its end is the master’s`, async t => {
    resets.length = 0
    const { raw, line } = await ask(t, script)
    await raw.until('half')
    for (const task of resets) task()
    const all = await raw.untilClosed()
    t.notMatch(all, /0\r\n\r\n$/)
    t.match(await line, { status: 200, end: 'master-lost' })
  })
}

t.test('an answer without a length that ends as it should is whole', async t => {
  const { raw, line } = await ask(t, ({ socket }) => socket.end(`${ok}\r\nwhole`))
  t.match(await raw.until('0\r\n\r\n'), /\r\n5\r\nwhole\r\n0\r\n\r\n$/)
  t.match(await line, { status: 200, end: 'complete' })
})

t.test('an answer in a chunk that is none cuts the connection, and is told as no answer', async t => {
  const { raw, line } = await ask(t, always(`${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n`))
  t.notMatch(await raw.untilClosed(), /0\r\n\r\n$/)
  t.match(await line, { status: 200, end: 'master-answer' })
})

for (const [what, head] of [
  ['204', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n'],
  ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n']
] as const) {
  t.test(`a body behind a ${what} goes nowhere`, async t => {
    const { raw, app } = await ask(t, always(`${head}\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong`))
    t.match(await raw.until('\r\n\r\n'), new RegExp(`^HTTP/1.1 ${what} `))
    t.equal(/content-length/i.test(raw.text()), what === '304', 'a 204 has no length')
    const other = await connectRaw(t, pki, app.port)
    other.send(question)
    t.notMatch(await other.until('\r\n\r\n'), /wrong/)
  })
}

t.test('a body behind the answer to a HEAD reaches nobody', async t => {
  const surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong'
  const script: Script = connection =>
    connection.index > 0
      ? always(`${ok}Content-Length: 4\r\n\r\nfine`)(connection)
      : connection.socket.write(`${ok}Content-Length: 60\r\n\r\n${surplus}`)
  const { raw, app } = await ask(t, script, question.replace('GET', 'HEAD'))
  t.match(await raw.until('\r\n\r\n'), /^HTTP\/1\.1 200 .*content-length: 60/s)
  for (let round = 0; round < 3; round++) {
    const other = await connectRaw(t, pki, app.port)
    t.equal((await other.ask(question)).body, 'fine')
  }
})

t.test('an answer before the request is whole reaches its agent, whose connection goes on', async t => {
  // Of one that is so long, a master is asked when the first mebibyte is in hand.
  const [begin, rest] = ['x'.repeat(0x110000), 'x'.repeat(0x800000)]
  const length = begin.length + rest.length
  const target = '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661/x'
  const head = `PUT ${target} HTTP/1.1\r\nHost: puppet\r\nContent-Length: ${length}\r\n\r\n`
  const { raw, line } = await ask(t, always(`${ok}${sized}`), `${head}${begin}`)
  await raw.until('\r\n\r\nok')
  t.match(await line, { status: 200, end: 'complete' })
  raw.send(rest)
  raw.send(question)
  await raw.until(text => text.split('\r\n\r\nok').length === 3)
})

/** Asks a balancer whose master is a script; `line` is what its access log says. */
async function ask(t: T, script: Script, bytes = question) {
  const master = await startRawMaster(t, script)
  const log = captureLog()
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { health: { intervalMs: 3_600_000 } }
    ),
    { log: log.log }
  )
  const agent = await connectRaw(t, pki, app.port)
  let received = ''
  agent.socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
  })
  agent.send(bytes)
  return { app, log, raw: { ...agent, text: () => received }, line: log.line({ msg: 'request' }) }
}
