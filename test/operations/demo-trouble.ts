import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'
import type { App } from '../../src/app.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { connectFrom } from '../support/behind-proxy.ts'
import { startListAuthority } from '../support/list-authority.ts'
import { type DemoSite, IN_FRONT, JRUBIES } from './demo-site.ts'

/** Once each: all that metrics count and that a site without faults does not have. Agents run meanwhile. */
export async function makeTrouble(t: Test, site: DemoSite): Promise<void> {
  await misbehave(t, site)
  await enterWithoutHeader(t, site)
  await askTheLost(t, site)
  await dieWithCatalog(site)
  await hangUp(t, site)
  await loseTheCa(t, site)
  await site.masters.raw.kill()
  await enterRaw(site.app)
}

/** No certificate, a foreign one, more connections than allowed, no TLS, raw TCP. */
async function misbehave(t: Test, { pki, app }: DemoSite): Promise<void> {
  const certname = 'odd.example.com'
  const node = { path: `/puppet/v3/node/${certname}` }
  const identity = await pki.authority.issue({ certname })
  const foreign = await (await createTestPki()).authority.issue({ certname })
  await connectAgent(t, pki, app.port).ask({ path: '/puppet-ca/v1/certificate/ca' })
  await connectAgent(t, pki, app.port).ask({ path: '/puppet-admin-api/v1/environment-cache' })
  await connectAgent(t, pki, app.port, foreign).ask(node)
  for (let count = 0; count < 3; count++) await connectAgent(t, pki, app.port, identity).ask(node)
  await fetch(`http://127.0.0.1:${app.port}/`).catch(() => undefined)
  await enterRaw(app)
}

/** A connection of raw TCP, to its end. */
async function enterRaw({ tcpPorts: [port = 0] }: App): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.end('no TLS')
  socket.resume()
  await once(socket, 'close')
}

/** The balancer in front passes an agent on and forgets the header. */
async function enterWithoutHeader(t: Test, { app }: DemoSite): Promise<void> {
  const socket = await connectFrom(t, app.port, IN_FRONT)
  socket.write('GET / HTTP/1.1\r\n\r\n')
  socket.resume()
  await once(socket, 'close')
}

/** An agent whose only master cannot be found is told to come back. */
async function askTheLost(t: Test, { pki, app }: DemoSite): Promise<void> {
  const certname = 'web.lost.example.com'
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
  const path = `/puppet/v3/catalog/${certname}?environment=production`
  await agent.ask({ path, headers: { 'x-puppet-version': '8.10.0' } })
}

/** A master dies with a catalog in hand, which another one compiles. */
async function dieWithCatalog({ masters: { m2 } }: DemoSite): Promise<void> {
  m2.hold()
  await m2.until(({ held }) => held > 0)
  await m2.kill()
}

/** An agent leaves while it waits: every JRuby has a catalog of somebody else. */
async function hangUp(t: Test, { pki, app, masters: { m1, m3 }, line }: DemoSite): Promise<void> {
  const certname = 'leaver.example.com'
  const agent = connectAgent(t, pki, app.port, await pki.authority.issue({ certname }))
  const compilers = [m1, m3]
  for (const compiler of compilers) compiler.hold()
  await Promise.all(compilers.map(compiler => compiler.until(({ held }) => held === JRUBIES)))
  const path = `/puppet/v3/catalog/${certname}?environment=production`
  const request = agent.open({ method: 'POST', path, body: 'facts={}' })
  request.on('error', () => {})
  await once(request, 'finish')
  request.destroy()
  await line({ msg: 'request', certname, end: 'agent-gone' })
  for (const compiler of compilers) compiler.release()
}

/** The CA dies; what agents read of it comes from the copy. Then it is back, as it was before its last list. */
async function loseTheCa(t: Test, { pki, app, masters: { ca }, olderList, line }: DemoSite): Promise<void> {
  await ca.kill()
  await line({
    level: 'warn',
    msg: 'certificate revocation list cannot be fetched; the last one stays in force'
  })
  const agent = connectAgent(t, pki, app.port)
  await agent.ask({ path: '/puppet-ca/v1/certificate/ca' })
  await agent.ask({ path: '/puppet-ca/v1/certificate_revocation_list/ca' })
  const restored = await startListAuthority(t, pki, { port: ca.port })
  restored.give(olderList)
  await line({ level: 'warn', msg: 'certificate revocation list is unusable; the last one stays in force' })
}
