import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { captureLog, type LogLine } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { type RawConnection, startRawMaster } from '../support/raw-master.ts'
import { seededDice } from '../support/runtime.ts'
import { mutate, pick } from './support/mutate.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const SEED = 8
const ROUNDS = 180
const AT_A_TIME = 6

const pki = await createTestPki()
const agent = await pki.authority.issue({ certname: 'agent1' })
const host = 'Host: puppet\r\n'
const chunked = `Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`

/** Right requests, alone and one behind the other. */
const requests = [
  `GET /puppet/v3/node/agent1?environment=production HTTP/1.1\r\n${host}X-Puppet-Version: 8.10.0\r\n\r\n`,
  `POST /puppet/v3/catalog/agent1 HTTP/1.1\r\n${host}Content-Length: 4\r\n\r\nbody`,
  `POST /puppet/v3/catalog/agent1 HTTP/1.1\r\n${host}${chunked}`,
  `PUT /puppet/v3/report/agent1 HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
  `HEAD /puppet/v3/file_content/modules/a/b HTTP/1.1\r\n${host}\r\n`,
  `GET /puppet-ca/v1/certificate/ca HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
  `GET https://puppet:8140/puppet/v3/node/agent1 HTTP/1.1\r\n${host}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`,
  `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
  `GET /status/v1/simple HTTP/1.1\r\n${host}\r\n`
]

t.test(`requests with mutations never crash, split, forge or get lost (seed ${SEED})`, async t => {
  const dice = seededDice(SEED)
  const log = captureLog()
  const scene = await startScene(t, {
    pki,
    options: { log: log.log },
    script(request, response) {
      request.on('error', () => {}).resume()
      request.on('end', () => response.end('from a master'))
    }
  })
  let probes = 0
  const others = await Promise.all(
    Array.from({ length: AT_A_TIME }, () => connectRaw(t, pki, scene.app.port, agent))
  )
  const inputs = Array.from({ length: ROUNDS }, () =>
    mutate(pick(requests, dice) + pick(requests, dice), dice)
  )
  for (let at = 0; at < inputs.length; at += AT_A_TIME) {
    await Promise.all(
      inputs.slice(at, at + AT_A_TIME).map(async (input, index) => {
        const raw = await connectRaw(t, pki, scene.app.port, agent)
        const cut = Math.floor(input.length / 2)
        raw.send(input.slice(0, cut))
        raw.send(input.slice(cut))
        // Whatever is still waited for: the end of a head or of a body, or a word that it is over.
        raw.send(`\r\n\r\n${'\0'.repeat(100)}\r\n\r\n`)
        // What it asked has its answer by the time that others, who ask later, have theirs; a hang-up would undo it.
        for (const _ of ['to the balancer', 'to a master']) await others[index]?.ask(requests[0] as string)
        probes += 2
        raw.socket.end()
        const rest = restOfAnswers(await raw.untilClosed())
        if (rest !== undefined) t.fail(`${JSON.stringify(input)} was answered with ${JSON.stringify(rest)}`)
      })
    )
  }
  const raw = await connectRaw(t, pki, scene.app.port, agent)
  t.equal((await raw.ask(requests[0] as string)).status, 200, 'it lives')
  await log.line({ msg: 'request', status: 200, path: '/puppet/v3/node/agent1' })

  const seen = [...scene.masters, scene.ca].flatMap(master => master.seen)
  const forged = seen.filter(
    request =>
      String(request.header('x-client-verify')) !== 'SUCCESS' ||
      String(request.header('x-client-dn')) !== 'CN=agent1' ||
      request.header('x-client-cert').length !== 1 ||
      request.rawHeaders.some(
        (name, index) =>
          index % 2 === 0 && /^[^a-z0-9]*x[^a-z0-9]+client[^a-z0-9]/i.test(name) && !/^X-Client-/.test(name)
      )
  )
  t.same(forged, [])
  const lines = log.lines.filter(line => line.msg === 'request')
  t.same(unexplained(seen, lines), [], 'a master sees what an agent asked, once')
  const { sum } = await scrape(scene.app.adminPort)
  t.equal(sum('puppet_lb_requests_total'), lines.length, 'what is counted is what is logged')
  t.equal(new Set(lines.map(({ id }) => id)).size, lines.length)
  t.same(
    log.lines.filter(({ level }) => level === 'error'),
    []
  )
  const asked = seen.length - probes
  t.ok(asked > ROUNDS / 4, `${asked} of them were requests for all that`)
})

const answers = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nanswer',
  'HTTP/1.1 200 OK\r\nX-Puppet-Version: 8.7.0\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n\r\n',
  'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nanswer',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nanswer',
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 6\r\n\r\nanswer',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
  'HTTP/1.1 204 No Content\r\n\r\n'
]

t.test(`answers with mutations never crash, split or reach another agent (seed ${SEED})`, async t => {
  const dice = seededDice(SEED)
  const log = captureLog()
  const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
  const script = async ({ socket, until, forget }: RawConnection) => {
    for (;;) {
      const head = await until('\r\n\r\n')
      forget()
      if (head.includes('/good')) {
        socket.write(good)
        continue
      }
      const answer = Buffer.from(mutate(pick(answers, dice), dice), 'latin1')
      const way = dice()
      if (way < 0.4) socket.end(answer)
      else if (way < 0.6) socket.write(answer, () => socket.resetAndDestroy())
      else socket.write(answer, () => setImmediate(() => socket.end()))
    }
  }
  const master = await startRawMaster(t, script)
  const app = await startBalancer(
    t,
    testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { health: { intervalMs: 3_600_000 } }
    ),
    { log: log.log }
  )
  let asked = 0
  for (let round = 0; round < ROUNDS / AT_A_TIME; round++) {
    await Promise.all(
      Array.from({ length: AT_A_TIME }, async () => {
        const raw = await connectRaw(t, pki, app.port, agent)
        asked++
        raw.send(
          `GET /puppet/v3/file_content/modules/a/b HTTP/1.1\r\n${host}X-Puppet-Version: 8.10.0\r\nConnection: close\r\n\r\n`
        )
        const rest = restOfAnswers(await raw.untilClosed())
        if (rest !== undefined) t.fail(`an agent was answered with ${JSON.stringify(rest)}`)
      })
    )
    const other = await connectRaw(t, pki, app.port, agent)
    asked++
    const answer = await other.ask(`GET /puppet/v3/file_content/modules/good HTTP/1.1\r\n${host}\r\n`)
    t.equal(answer.body, 'good', 'what one answer left behind is not the next one')
    other.socket.destroy()
  }
  const { sum } = await scrape(app.adminPort)
  t.equal(sum('puppet_lb_requests_total'), asked)
  t.equal((await log.atLeast(asked, { msg: 'request' })).length, asked)
  t.same(
    log.lines.filter(({ level }) => level === 'error'),
    []
  )
})

/** What masters saw that no line of the access log stands for. */
function unexplained(seen: readonly { method: string; url: string }[], lines: readonly LogLine[]): string[] {
  const asked = new Map<string, number>()
  for (const { method, path, attempts } of lines) {
    const key = `${method} ${path}`.replace(/ https?:\/\/[^/]+/, ' ')
    asked.set(key, (asked.get(key) ?? 0) + Number(attempts))
  }
  return seen.flatMap(({ method, url }) => {
    const key = `${method} ${url.split('?')[0]}`
    const left = asked.get(key) ?? 0
    asked.set(key, left - 1)
    return left > 0 ? [] : [key]
  })
}

/**
 * What is left of the bytes that an agent got once every whole answer is taken off: `undefined` for nothing, or for an
 * answer that was cut. The answer to a HEAD has no body: its length is passed over where another head follows.
 */
function restOfAnswers(bytes: string): string | undefined {
  let rest = bytes
  while (rest !== '') {
    const head = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(rest)
    if (!head) return isCutHead(rest) ? undefined : rest
    rest = rest.slice(head[0].length)
    const status = Number(head[1])
    if (status < 200 || status === 204 || status === 304) continue
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head[0])?.[1]
    if (length !== undefined) {
      if (!rest.startsWith('HTTP/1.1 ')) rest = rest.slice(Number(length))
    } else if (/\r\ntransfer-encoding: chunked\r\n/i.test(head[0])) {
      if (rest === '' || rest.startsWith('HTTP/1.1 ')) continue
      const end = endOfChunks(rest)
      if (end === undefined) return undefined
      rest = rest.slice(end)
    } else return undefined
  }
  return undefined
}

/** Where a body in chunks ends; `undefined` when it was cut. */
function endOfChunks(text: string): number | undefined {
  let at = 0
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(text.slice(at, at + 20))
    if (!line) return undefined
    const bytes = Number.parseInt(line[1] as string, 16)
    at += line[0].length + bytes + 2
    if (at > text.length) return undefined
    if (bytes === 0) return at
  }
}

function isCutHead(text: string): boolean {
  return text.startsWith('HTTP/1.1 ') && !text.includes('\r\n\r\n')
}
