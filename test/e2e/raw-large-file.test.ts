import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { generateBody, hashingSink } from '../support/generated-body.ts'
import { startTcpScene } from '../support/tcp-scene.ts'

const MIB = 1024 ** 2
/** The suite has to be quick: PUPPET_LB_TEST_BODY_MIB=1024 is the whole of it. */
const BYTES = Number(process.env.PUPPET_LB_TEST_BODY_MIB ?? 256) * MIB
const WARM_UP_BYTES = 64 * MIB
/** How much this process may grow, in which agent, balancer and master are together. */
const GROWTH_BYTES = 100 * MIB

t.setTimeout(300_000)

/** What an agent says first. */
const words = { up: 'take ', down: 'give ' } as const

/** The most memory this process ever had resident, by the kernel's own book. */
async function peakBytes(): Promise<number> {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(await readFile('/proc/self/status', 'utf8')) ?? []
  return Number(kib) * 1024
}

t.test(
  'a quarter of a gibibyte each way passes through, and no more of it is kept than fits a socket',
  async t => {
    const taken: string[] = []
    let give = generateBody(WARM_UP_BYTES)
    const ended: Promise<unknown>[] = []
    const { app } = await startTcpScene(t, {
      masters: [{}],
      script: socket => void ended.push(talk(socket)),
      // Who shares a processor with so many bytes answers probes late.
      overrides: { health: { intervalMs: 3_600_000, timeoutMs: 10_000 } },
      workers: 1
    })

    async function talk(socket: Socket): Promise<void> {
      const word = String(socket.read(words.up.length))
      if (word === words.down) {
        await pipeline(give.stream, socket, { end: false })
        socket.resume().end()
        return
      }
      const sink = hashingSink()
      await pipeline(socket, sink.stream)
      taken.push(sink.hash())
    }

    async function enter(word: string): Promise<Socket> {
      const [port = 0] = app.tcpPorts
      const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true })
      t.teardown(() => socket.destroy())
      await once(socket, 'connect')
      socket.write(word)
      return socket
    }

    async function send(bytes: number): Promise<string> {
      const body = generateBody(bytes)
      const socket = await enter(words.up)
      await pipeline(body.stream, socket)
      await Promise.all(ended)
      return body.hash()
    }

    async function fetchAll(bytes: number) {
      give = generateBody(bytes)
      const socket = await enter(words.down)
      const sink = hashingSink()
      await pipeline(socket, sink.stream)
      socket.end()
      return sink
    }

    await send(WARM_UP_BYTES)
    await fetchAll(WARM_UP_BYTES)
    const before = await peakBytes()

    await t.test('up', async t => {
      t.equal(await send(BYTES), taken.at(-1))
      const grown = (await peakBytes()) - before
      t.comment(`grew by ${Math.round(grown / MIB)} MiB`)
      t.ok(grown < GROWTH_BYTES)
    })
    await t.test('down', async t => {
      const sink = await fetchAll(BYTES)
      t.equal(sink.bytes(), BYTES)
      t.equal(sink.hash(), give.hash())
      const grown = (await peakBytes()) - before
      t.comment(`grew by ${Math.round(grown / MIB)} MiB`)
      t.ok(grown < GROWTH_BYTES)
    })
  }
)
