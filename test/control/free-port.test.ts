import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { assertFree } from '../../src/control/free-port.ts'

const host = '127.0.0.1'

t.test('a port that another process shares is not free, for raw TCP as little as for HTTPS', async t => {
  const server = createServer().listen({ host, port: 0, reusePort: true })
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await t.rejects(assertFree({ host, port }), { code: 'EADDRINUSE' })
  await t.rejects(assertFree({ host, port: 0, tcpPorts: [0, port] }), { code: 'EADDRINUSE' })
  server.close()
  await once(server, 'close')
  await assertFree({ host, port: 0, tcpPorts: [0, port] })
})
