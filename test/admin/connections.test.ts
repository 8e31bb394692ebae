import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startWaitingAdmin } from '../../src/admin/waiting.ts'
import { maxAdminConnections } from '../../src/model/descriptors.ts'
import { takeoverPath } from '../../src/model/takeover.ts'
import { receive } from '../support/received.ts'
import { startScene } from './scene.ts'

/** More connections than there may be; each says as much, and then nothing. */
async function crowd(t: Test, port: number, says = ''): Promise<readonly Socket[]> {
  const sockets: Socket[] = []
  for (let count = 0; count < maxAdminConnections + 16; count++) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}).resume()
    sockets.push(socket)
    await once(socket, 'connect')
    if (says !== '') socket.write(says)
  }
  return sockets
}

/** On a connection of its own. */
async function statusOf(t: Test, port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {}).write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  const { until } = receive(socket)
  return (await until('\r\n')).slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)
}

for (const [who, says] of [
  ['that say nothing', ''],
  ['that never end their request', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: '],
  ['that were served', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['that may not take over', `POST ${takeoverPath} HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`]
] as const)
  t.test(`connections ${who} keep nobody out, however many there are`, async t => {
    const { port } = await startScene(t, { admin: { token: 'secret' } })
    await crowd(t, port, says)
    for (const path of ['/healthz', '/readyz', '/metrics', '/api/status'])
      t.equal(await statusOf(t, port, path), '200', path)
  })

t.test('nor do they while a process waits for its configuration', async t => {
  const admin = await startWaitingAdmin({ host: '127.0.0.1', port: 0 }, () => 'a file')
  t.teardown(admin.close)
  const port = admin.port as number
  await crowd(t, port)
  t.equal(await statusOf(t, port, '/healthz'), '200')
})

t.test('who reads events goes on while others come and go', async t => {
  const { port, events } = await startScene(t)
  const reader = connect(port, '127.0.0.1')
  t.teardown(() => reader.destroy())
  const { until } = receive(reader)
  reader.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await until('still here')
  await crowd(t, port)
  t.equal(await statusOf(t, port, '/healthz'), '200')
  events.add({ kind: 'reload', text: 'the configuration was read again' })
  await until('was read again')
  t.notOk(reader.destroyed)
})

t.test('a connection that may not take over is closed, though its client keeps it', async t => {
  const { port } = await startScene(t)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  const { end } = receive(socket)
  socket.write(`POST ${takeoverPath} HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`)
  await once(socket, 'end')
  const goOn = () => void socket.write('x', error => error || setImmediate(goOn))
  goOn()
  t.match(await end, /^HTTP\/1\.1 \d{3} Refused/)
})
