import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { startScene } from '../admin/scene.ts'

/** Sends a request for a takeover and whatever follows; resolves with all that comes back. */
async function ask(port: number, headers: Readonly<Record<string, string>>, rest = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const lines = Object.entries({ host: 'localhost', connection: 'upgrade', ...headers })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`POST /api/takeover HTTP/1.1\r\n${head}\r\n${rest}`)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'close')
  return text
}

const upgrade = 'puppet-lb-takeover/2'

t.test('nobody takes over who may not change anything', async t => {
  let asked = 0
  const handOver = () => {
    asked++
    return { status: 503, sentence: 'no' }
  }
  const { port } = await startScene(t, { admin: { token: 'secret' }, deps: { handOver } })
  const mark = { 'x-puppet-lb': '1' }
  t.match(await ask(port, { upgrade }), /^HTTP\/1\.1 403 /, 'a web page cannot send the header')
  t.match(await ask(port, { upgrade, ...mark }), /^HTTP\/1\.1 401 /)
  t.match(await ask(port, { upgrade, ...mark, authorization: 'Bearer wrong' }), /^HTTP\/1\.1 401 /)
  t.match(await ask(port, { upgrade, ...mark, host: 'evil.example' }), /^HTTP\/1\.1 403 /)
  const right = { ...mark, authorization: 'Bearer secret' }
  t.match(await ask(port, { upgrade: 'websocket', ...right }), /^HTTP\/1\.1 426 /)
  t.equal(asked, 0)
  t.match(await ask(port, { upgrade, ...right }), /^HTTP\/1\.1 503 .*no\n$/s)
  t.equal(asked, 1)
})
