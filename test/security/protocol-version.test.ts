import { once } from 'node:events'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import t from 'tap'
import { type Scene, startScene } from './support/scene.ts'

t.test('TLS 1.2 and 1.3 are spoken, HTTP/1.1 inside', async t => {
  const scene = await startScene(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = connect(t, scene, {
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ['http/1.1']
    })
    await once(socket, 'secureConnect')
    t.equal(socket.getProtocol(), version)
    t.equal(socket.alpnProtocol, 'http/1.1')
  }
})

for (const version of ['TLSv1', 'TLSv1.1'] as const) {
  t.test(`${version} is refused by the balancer, not only by a careful client`, async t => {
    const scene = await startScene(t)
    const socket = connect(t, scene, { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' })
    const [error] = await once(socket, 'error')
    t.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })
}

t.test('a client that speaks HTTP/2 only is told so in the handshake', async t => {
  const scene = await startScene(t)
  const socket = connect(t, scene, { ALPNProtocols: ['h2'] })
  const [error] = await once(socket, 'error')
  t.match(error.code, /ALERT_NO_APPLICATION_PROTOCOL/)
})

t.test('ciphers without encryption or without a certificate are refused', async t => {
  const scene = await startScene(t)
  for (const ciphers of ['aNULL:@SECLEVEL=0', 'eNULL:@SECLEVEL=0', 'PSK:@SECLEVEL=0']) {
    const socket = connect(t, scene, { maxVersion: 'TLSv1.2', ciphers })
    const [error] = await once(socket, 'error')
    t.match(error.code, /ALERT_HANDSHAKE_FAILURE|NO_CIPHERS_AVAILABLE/, ciphers)
  }
})

t.test('a client cannot negotiate anew on an open connection', async t => {
  const scene = await startScene(t)
  const socket = connect(t, scene, { maxVersion: 'TLSv1.2' })
  await once(socket, 'secureConnect')
  const closed = new Promise(resolve => socket.once('close', resolve))
  const renegotiated = Promise.withResolvers<Error | null>()
  socket.renegotiate({}, error => renegotiated.resolve(error))
  socket.once('error', renegotiated.resolve)
  t.match(await renegotiated.promise, { code: /NO_RENEGOTIATION/ })
  await closed
})

function connect(
  t: { teardown: (task: () => unknown) => void },
  { app, pki }: Scene,
  options: ConnectionOptions
): TLSSocket {
  const socket = tls.connect({
    host: '127.0.0.1',
    port: app.port,
    ca: pki.authority.bundle,
    servername: 'puppet',
    ...options
  })
  t.teardown(() => socket.destroy())
  return socket
}
