import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import t from 'tap'
import { watchAskedNames } from '../../src/data/accept/asked-names.ts'
import { joinNames, maxAskedNames } from '../../src/model/asked-name.ts'
import { createTestPki } from '../support/balancer.ts'
import { fakeRuntime } from '../support/runtime.ts'

const pki = await createTestPki()
const other = await pki.authority.issue({ certname: 'other.example.com' })

type Test = { teardown: (task: () => unknown) => void }

/** A server with the certificate for `puppet`, and clients that shake hands with it. */
async function startScene(t: Test) {
  const runtime = fakeRuntime()
  const server = createServer({ cert: pki.server.chain, key: pki.server.key })
  const names = watchAskedNames(server, [{ cert: pki.server.chain }], runtime)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return {
    names,
    runtime,
    /** `believes` as an agent that looks at the certificate does not. */
    async shake(servername: string, believes = true) {
      const ended = once(server, believes ? 'secureConnection' : 'tlsClientError')
      const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: !believes })
      socket.on('error', () => {})
      const [first, second] = await ended
      const inside = believes ? first : second
      inside.on('error', () => {})
      inside.destroy()
      socket.destroy()
    }
  }
}

t.test('names that the certificate lacks are counted, of handshakes that fail too', async t => {
  const { names, shake, runtime } = await startScene(t)
  await shake('puppet.example.com')
  await shake('old.example.com')
  await shake('OLD.example.com', false)
  t.same(names.all(), [
    {
      name: 'old.example.com',
      handshakes: 2,
      failed: 1,
      lastSeen: new Date(runtime.wallClock()).toISOString()
    }
  ])
})

t.test('a name is forgotten when a certificate has it', async t => {
  const { names, shake } = await startScene(t)
  await shake('other.example.com')
  await shake('old.example.com')
  names.setCertificates([{ cert: other.chain }])
  t.same(
    names.all().map(({ name }) => name),
    ['old.example.com']
  )
})

t.test('a stranger who invents names takes no more room, and pushes out none that comes often', async t => {
  const { names, shake } = await startScene(t)
  await shake('old.example.com')
  await shake('old.example.com')
  for (let index = 0; index < maxAskedNames + 3; index++) await shake(`x${index}.example.net`)
  t.equal(names.all().length, maxAskedNames)
  t.match(
    names.all().find(({ name }) => name === 'old.example.com'),
    { handshakes: 2 }
  )
})

t.test('what is no name of a host is left out', async t => {
  const { names, shake } = await startScene(t)
  await shake('<script>')
  t.same(names.all(), [])
})

t.test('what several workers saw is one list, the most frequent first', async t => {
  const seen = (name: string, handshakes: number, lastSeen: string) => ({
    name,
    handshakes,
    failed: 1,
    lastSeen
  })
  t.same(
    joinNames([[seen('a', 1, '2026-01-01'), seen('b', 2, '2026-01-02')], [seen('a', 4, '2026-01-03')], []]),
    [
      { name: 'a', handshakes: 5, failed: 2, lastSeen: '2026-01-03' },
      { name: 'b', handshakes: 2, failed: 1, lastSeen: '2026-01-02' }
    ]
  )
})
