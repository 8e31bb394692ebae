import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import t from 'tap'
import { anyHost } from '../../src/config/any-host.ts'

t.test('where the system has no IPv6 the default is every address of IPv4', async t => {
  t.equal(anyHost(false), '0.0.0.0')
  t.equal(anyHost(true), '::')
})

t.test('what is chosen here can be listened on, and takes IPv4', async t => {
  const server = createServer(socket => socket.end('taken')).listen(0, anyHost())
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [said] = await once(createConnection({ host: '127.0.0.1', port }), 'data')
  t.equal(String(said), 'taken')
})
