import { createConnection } from 'node:net'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { readProxyHeader } from '../../src/data/accept/proxy-protocol.ts'
import { connectAgent } from '../support/agent.ts'
import { connectBehind } from '../support/behind-proxy.ts'
import { scrape } from '../support/metrics.ts'
import { binaryHeader } from '../support/proxy-headers.ts'
import { receive } from '../support/received.ts'
import { seededDice } from '../support/runtime.ts'
import { pki, startTcpScene } from '../support/tcp-scene.ts'
import { mutateBytes } from './support/mutate-bytes.ts'

const ROUNDS = 400
const AT_ONCE = 8
/** Whose connections must begin with a header. */
const PROXY = '127.0.0.5'
const STRANGER = '127.0.0.6'

const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const hello = await clientHello()
const request = 'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n\r\n'
const headers = {
  'a header of version 1': Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140\r\n'),
  'a header of version 2': binaryHeader()
}
const kinds: Readonly<Record<string, Buffer>> = {
  'a TLS handshake': hello,
  'plain HTTP': Buffer.from(request),
  rubbish: Buffer.from('\0\0\0\x16\x03\x01\xff\xffSSH-2.0-OpenSSH_9.2\r\n\x80\x2e\x01\0\x02', 'latin1'),
  ...Object.fromEntries(
    Object.entries(headers).map(([name, bytes]) => [
      `${name}, then a TLS handshake`,
      Buffer.concat([bytes, hello])
    ])
  )
}

/** What an agent says first. */
async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const wire = new Duplex({ read() {}, write: (chunk: Buffer, _encoding, done) => done(void resolve(chunk)) })
  const socket = connect({ socket: wire, servername: 'puppet' }).on('error', () => {})
  const bytes = await promise
  socket.destroy()
  return bytes
}

/** Mutated, cut, or both. */
function fuzzed(from: Buffer, dice: () => number): Buffer {
  const bytes = dice() < 0.7 ? mutateBytes(from, dice) : from
  return dice() < 0.5 ? bytes.subarray(0, Math.floor(dice() * (bytes.length + 1))) : bytes
}

interface Door {
  readonly port: number
  readonly from: string
  /** Who says this breaks off; everybody else waits until the other side has closed the connection too. */
  readonly breaksOff?: (said: Buffer) => boolean
}

/** Says this on a connection and nothing more. Resolves with what came back. */
async function say({ port, from, breaksOff = () => false }: Door, bytes: Buffer): Promise<Buffer> {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress: from })
  const { end } = receive(socket)
  if (breaksOff(bytes)) socket.write(bytes, () => socket.resetAndDestroy())
  else socket.end(bytes)
  return Buffer.from(await end, 'latin1')
}

/** All kinds of it in turn. `judge` gets what was said and what came back. */
async function sayAll(
  seed: number,
  door: Door,
  judge: (said: Buffer, answer: Buffer, where: string) => void
): Promise<void> {
  const dice = seededDice(seed)
  const names = Object.keys(kinds)
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    const kind = names[round % names.length] as string
    return { kind, round, bytes: fuzzed(kinds[kind] as Buffer, dice) }
  })
  async function work(): Promise<void> {
    for (let next = rounds.shift(); next; next = rounds.shift()) {
      const where = `seed ${seed}, round ${next.round}, ${next.kind}: ${next.bytes.toString('base64')}`
      judge(next.bytes, await say(door, next.bytes), where)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** Two workers, with a port for HTTPS and one for raw TCP. */
async function setUp(t: Test) {
  const scene = await startTcpScene(t, {
    workers: 2,
    overrides: { listen: { proxyProtocol: { from: [PROXY] } }, log: { level: 'silent' } }
  })
  const { app, raw } = scene
  return {
    ...scene,
    /** Handshakes counted and headers refused, once no connection is open any more. */
    async counts() {
      let { sum } = await scrape(app.adminPort)
      // One that was closed by its client is counted out a moment later.
      while (sum('puppet_lb_connections') > 0) sum = (await scrape(app.adminPort)).sum
      return {
        handshakes: sum('puppet_lb_tls_handshakes_total'),
        refused: sum('puppet_lb_proxy_headers_refused_total')
      }
    },
    reached: () => [
      scene.master.seen.length,
      raw.reduce((sum, { connections }) => sum + connections.length, 0)
    ],
    /** Both ways in still serve an agent. */
    async serves() {
      const path = '/puppet/v3/node/agent.example.com'
      t.equal((await connectAgent(t, pki, app.port, identity).ask({ path })).status, 200)
      const behind = await connectBehind(t, pki, app.port, {
        header: 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 8140\r\n',
        from: PROXY,
        identity
      })
      t.equal((await behind.ask(request)).status, 200)
    }
  }
}

t.test('whatever a stranger says first is a failed handshake, and goes no further', async t => {
  const { app, counts, reached, serves } = await setUp(t)
  let spoke = 0
  await sayAll(11, { port: app.port, from: STRANGER }, said => {
    if (said.length > 0) spoke++
  })
  t.same(reached(), [0, 0])
  t.same(await counts(), { handshakes: spoke, refused: 0 })
  await serves()
})

t.test('whatever comes where a header is due is one, or is refused, or fails behind it', async t => {
  const { app, counts, reached, serves } = await setUp(t)
  let [shakes, refused] = [0, 0]
  await sayAll(12, { port: app.port, from: PROXY }, said => {
    const reading = readProxyHeader(said)
    if (reading.kind === 'fault' && said.length > 0) refused++
    if (reading.kind === 'header' && said.length > reading.length) shakes++
  })
  t.ok(refused > ROUNDS / 4 && shakes > ROUNDS / 8, `${refused} refused, ${shakes} handshakes`)
  t.same(reached(), [0, 0])
  t.same(await counts(), { handshakes: shakes, refused })
  await serves()
})

t.test('a master of raw TCP gets what was said, and no header that nobody may send', async t => {
  const { app, master, counts, serves } = await setUp(t)
  const [port = 0] = app.tcpPorts
  let echoes = 0
  // The master takes it for a health check, and waits for the rest of it.
  const breaksOff = (said: Buffer) => said[0] === 0x16
  await sayAll(13, { port, from: STRANGER, breaksOff }, (said, answer, where) => {
    const isHeader = Object.values(headers).some(header =>
      said.subarray(0, 12).equals(header.subarray(0, 12))
    )
    if (isHeader && answer.length > 0) t.fail(`a header went through: ${where}`)
    if (breaksOff(said)) return
    if (answer.length > 0) echoes++
    if (answer.length > 0 && !answer.equals(said)) t.fail(`something else came back: ${where}`)
  })
  t.ok(echoes > ROUNDS / 4, `${echoes} came back`)
  t.equal(master.seen.length, 0)
  t.same(await counts(), { handshakes: 0, refused: 0 })
  await serves()
})
