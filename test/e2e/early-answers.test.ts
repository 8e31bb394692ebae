import { once } from 'node:events'
import t from 'tap'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startRawMaster } from '../support/raw-master.ts'

const pki = await createTestPki()
const path = '/puppet/v3/file_bucket_file/md5/0cc175b9c0f1b6a831c399e269772661/etc/motd'
/** More than all the buffers on the way can hold. */
const upload = Buffer.alloc(24 * 1024 * 1024)
/** Of an agent that is told when to come back, where another would wait. */
const modern = 'X-Puppet-Version: 8.10.0\r\n'
const tooLarge = 'HTTP/1.1 413 Payload Too Large\r\nContent-Length: 9\r\n'
const busy = 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 17\r\nContent-Length: 9\r\n'

for (const [what, answer] of Object.entries({
  'a master that refuses an upload': `${tooLarge}\r\ntoo large`,
  'a master that refuses an upload and closes': `${tooLarge}Connection: close\r\n\r\ntoo large`,
  'a master that is busy and closes': `${busy}Connection: close\r\n\r\ntoo large`
})) {
  t.test(`${what} is heard by an agent that reads only after it has sent everything`, async t => {
    const master = await startRawMaster(t, ({ socket }) => {
      // The rest of the upload stays unread.
      socket.pause()
      socket.write(answer)
      if (answer.includes('close')) socket.end()
    })
    const app = await startBalancer(
      t,
      testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
    )
    const agent = await connectRawAgent(t, pki, app.port)
    agent.socket.pause()
    agent.send(`PUT ${path} HTTP/1.1\r\n${modern}Host: puppet\r\nContent-Length: ${upload.length}\r\n\r\n`)
    agent.send(upload)
    await once(agent.socket, 'drain')
    agent.socket.resume()
    t.match(await agent.until('too large'), new RegExp(`^${answer.slice(0, 12)} `))

    agent.forget()
    agent.send(`GET ${path} HTTP/1.1\r\n${modern}Host: puppet\r\n\r\n`)
    t.match(await agent.until('too large'), /^HTTP/, 'and the connection goes on')
  })
}

t.test('an answer of the balancer’s own is heard by such an agent as well', async t => {
  const master = await startRawMaster(t, () => t.fail('nothing reaches a master'))
  const app = await startBalancer(
    t,
    testConfig(pki, { ca: master.url, masters: [{ name: 'm1', url: master.url }] })
  )
  const agent = await connectRawAgent(t, pki, app.port)
  agent.socket.pause()
  const head = `POST /puppet-admin-api/v1/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: ${upload.length}\r\n\r\n`
  agent.send(head)
  agent.send(upload)
  await once(agent.socket, 'drain')
  agent.socket.resume()
  t.match(await agent.until('Request '), /^HTTP\/1\.1 403 .*x-puppet-lb-reason: admin-refused/s)
  agent.forget()
  agent.send(head)
  t.match(await agent.until('Request '), /^HTTP\/1\.1 403 /, 'and the connection goes on')
})
