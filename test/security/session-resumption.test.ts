import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import tls, { type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { startScene } from './support/scene.ts'

/** Enough that with two workers some of them meet the worker that saw the session. */
const ATTEMPTS = 8

for (const workers of [0, 2]) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(`${version}, ${workers} workers: a session is never taken up again`, async t => {
      const { app, pki } = await startScene(t, { overrides: { listen: { workers } } })
      const identity = await pki.authority.issue({ certname: 'agent1' })
      const options: ConnectionOptions = {
        host: '127.0.0.1',
        port: app.port,
        ca: pki.authority.bundle,
        servername: 'puppet',
        cert: identity.chain,
        key: identity.key,
        minVersion: version,
        maxVersion: version
      }
      const first = await talk(options)
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        for (const session of first.sessions) t.notOk((await talk({ ...options, session })).reused)
      }
      t.equal(first.reused, false)
    })
  }
}

for (const version of ['-tls1_2', '-tls1_3']) {
  t.test(`openssl s_client ${version} -reconnect finds no session to take up`, async t => {
    const { app } = await startScene(t)
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${app.port}`, version, '-reconnect'])
    t.teardown(() => client.kill())
    client.stdin.end()
    const output = await text(client.stdout)
    t.ok(output.match(/^New, /gm)?.length, 'there were handshakes')
    t.notMatch(output, /^Reused, /m)
    // TLS 1.3 has no handshake without them; what they stand for is kept by nobody.
    if (version === '-tls1_2') t.notMatch(output, /TLS session ticket:/)
  })
}

/** One request on a connection of its own: what sessions the server offered, and whether it took up the given one. */
async function talk(options: ConnectionOptions): Promise<{ sessions: Buffer[]; reused: boolean }> {
  const socket = tls.connect(options)
  const sessions: Buffer[] = []
  socket.on('session', session => sessions.push(session))
  await once(socket, 'secureConnect')
  const own = socket.getSession()
  if (own) sessions.push(own)
  const reused = socket.isSessionReused()
  socket.end('GET /status/v1/simple HTTP/1.1\r\nHost: puppet\r\nConnection: close\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
  return { sessions, reused }
}
