import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import t from 'tap'
import { CaAwayError, createCaClient } from '../../../src/control/certificates/ca-client.ts'
import { createAuthority } from '../../../src/simulation/certificates.ts'
import { startBlackHole } from '../../support/black-hole.ts'
import { fakeRuntime } from '../../support/runtime.ts'
import { startScriptedMaster } from '../../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const authority = await createAuthority()
const server = await authority.issue({ certname: 'puppetca.invalid', altNames: ['localhost'] })

/** A CA on one address of loopback, which is what its name says that it is. */
function startCa(t: Test, host: string, port = 0) {
  return startScriptedMaster(t, (_request, response) => response.end('certificates'), {
    tls: server,
    host,
    port
  })
}

t.test('the CA is asked where it is known to be, and no name is looked up', async t => {
  const ca = await startCa(t, '127.0.0.2')
  let addresses = ['127.0.0.2']
  const client = createCaClient({
    url: `https://puppetca.invalid:${ca.port}`,
    ca: authority.bundle,
    addresses: () => addresses
  })
  t.match(await client.get('certificate', 'ca'), { status: 200, text: 'certificates' })
  t.match(ca.seen[0], { servername: 'puppetca.invalid' })
  await ca.kill()
  const moved = await startCa(t, '127.0.0.3', ca.port)
  addresses = ['127.0.0.3']
  t.match(await client.get('certificate', 'ca'), { status: 200 }, 'wherever that is by now')
  t.equal(moved.seen.length, 1)
  addresses = []
  await t.rejects(client.get('certificate', 'ca'), CaAwayError, 'nothing is known')
})

t.test('an address of the CA that leads nowhere costs a moment', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  await startCa(t, '127.0.0.2', port)
  const client = createCaClient({
    url: `https://puppetca.invalid:${port}`,
    ca: authority.bundle,
    addresses: () => ['127.0.0.3', '127.0.0.2']
  })
  t.match(await client.get('certificate', 'ca'), { status: 200 })
})

t.test('before anybody looks names up, the client does', async t => {
  const { port } = await startCa(t, '127.0.0.1')
  const at = (name: string) => createCaClient({ url: `https://${name}:${port}`, ca: authority.bundle })
  t.match(await at('localhost').get('certificate', 'ca'), { status: 200 })
  await t.rejects(at('puppetca.invalid').get('certificate', 'ca'), CaAwayError)
})

t.test('a CA that cannot prove who it is gets nothing', async t => {
  const ca = await startCa(t, '127.0.0.1')
  const stranger = await createAuthority()
  const url = `https://localhost:${ca.port}`
  await t.rejects(createCaClient({ url, ca: stranger.bundle }).get('certificate', 'ca'), CaAwayError)
  t.equal(ca.seen.length, 0)
  t.match(await createCaClient({ url, ca: undefined }).get('certificate', 'ca'), { status: 200 })
})

t.test('a CA whose answer never ends is given up, however steadily it comes', async t => {
  const begun = Promise.withResolvers<void>()
  const ca = await startScriptedMaster(
    t,
    (_request, response) => {
      response.write('c')
      begun.resolve()
    },
    { tls: server }
  )
  const runtime = fakeRuntime()
  const url = `https://localhost:${ca.port}`
  const answer = createCaClient({ url, ca: authority.bundle }, runtime).get('certificate', 'ca')
  await begun.promise
  await Promise.all([
    t.rejects(answer, { name: 'CaAwayError', message: /its answer took more than 2 minutes/ }),
    runtime.advance(120_000)
  ])
})

t.test('a CA that is asked by a name that it does not show says which it shows', async t => {
  const { port } = await startCa(t, '127.0.0.1')
  const client = createCaClient({ url: `https://127.0.0.1:${port}`, ca: authority.bundle })
  await t.rejects(client.get('certificate', 'ca'), {
    message: /for another name: it is asked as 127\.0\.0\.1, and shows DNS:puppetca\.invalid, DNS:localhost/
  })
})

/**
 * A CA as Jetty does it: an answer that is its connection's last is ended by the end of that, of which TLS says nothing; any other
 * says its end, and the connection is closed when nothing comes on it.
 */
async function startJetty(t: Test): Promise<{ readonly port: number; readonly asked: () => number }> {
  let asked = 0
  const jetty = createServer({ cert: server.cert, key: server.key }, socket => {
    socket.on('error', () => {})
    socket.once('data', head => {
      asked++
      const isLast = /^connection: close\r$/im.test(head.toString('latin1'))
      const answer = isLast
        ? 'Connection: close\r\n\r\ncertificates'
        : 'Transfer-Encoding: chunked\r\n\r\nc\r\ncertificates\r\n0\r\n\r\n'
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${answer}`, () => socket.destroy())
    })
  })
  jetty.listen(0, '127.0.0.1')
  await once(jetty, 'listening')
  t.teardown(() => jetty.close())
  return { port: (jetty.address() as AddressInfo).port, asked: () => asked }
}

t.test('one question after the other is answered by a CA that closes its connections', async t => {
  const { port, asked } = await startJetty(t)
  const client = createCaClient({
    url: `https://puppetca.invalid:${port}`,
    ca: authority.bundle,
    addresses: () => ['127.0.0.1']
  })
  for (let count = 0; count < 10; count++)
    t.match(await client.get('certificate', 'ca'), { status: 200, text: 'certificates' })
  t.equal(asked(), 10, 'each once')
})
