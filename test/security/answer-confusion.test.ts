import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type RawConnection, startRawMaster } from '../support/raw-master.ts'

const own = answer('this agent’s own')
const foreign = answer('SOMEBODY ELSE’S')

/** What a master may have left in a connection behind a good answer. */
const surplus: Readonly<Record<string, string>> = {
  'another answer': own + foreign,
  'half of another answer': own + foreign.slice(0, 20),
  'a body longer than its length': `${own}SOMEBODY ELSE’S`,
  nonsense: `${own}\0\0\0\0`,
  'a body to an answer that has none': `HTTP/1.1 204 No Content\r\n\r\n${foreign}`,
  'a body to an answer that is not modified': `HTTP/1.1 304 Not Modified\r\nContent-Length: 15\r\n\r\n${foreign}`
}

for (const [what, bytes] of Object.entries(surplus)) {
  t.test(`${what}: what one agent’s answer left behind never reaches the next agent`, async t => {
    const script = async ({ socket, index, until, forget }: RawConnection) => {
      socket.write(index === 0 ? Buffer.from(bytes) : own)
      forget()
      await until('\r\n\r\n')
      socket.write(own)
    }
    const { ask, connectionCount } = await start(t, script)
    t.notMatch((await ask('agent1')).body, /SOMEBODY/)
    for (const certname of ['agent2', 'agent3']) {
      const { status, body } = await ask(certname)
      t.equal(status, 200)
      t.equal(body, 'this agent’s own')
    }
    t.ok(connectionCount() >= 2, 'the connection was not used again')
  })
}

t.test('an answer nobody asked for, on an idle connection, ends that connection', async t => {
  const ended = Promise.withResolvers<void>()
  let speak = () => {}
  const { ask } = await start(t, async ({ socket, index, end }) => {
    socket.write(own)
    if (index > 0) return
    speak = () => void socket.write(foreign)
    await end
    ended.resolve()
  })
  t.equal((await ask('agent1')).body, 'this agent’s own')
  speak()
  await ended.promise
  t.equal((await ask('agent2')).body, 'this agent’s own')
})

async function start(
  t: Parameters<typeof startRawMaster>[0],
  script: (connection: RawConnection) => unknown
) {
  const pki = await createTestPki()
  const master = await startRawMaster(t, script)
  const topology = { ca: master.url, masters: [{ name: 'm1', url: master.url }] }
  const app = await startBalancer(
    t,
    testConfig(pki, topology, { listen: { workers: 0 }, health: { intervalMs: 3_600_000 } })
  )
  return {
    connectionCount: master.connectionCount,
    async ask(certname: string) {
      const identity = await pki.authority.issue({ certname })
      return connectAgent(t, pki, app.port, identity).ask({ path: `/puppet/v3/node/${certname}` })
    }
  }
}

function answer(body: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
