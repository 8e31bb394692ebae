import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

/** What a client has no right to name away: it belongs to the proxy, to the message, or to what masters decide by. */
const guarded = [
  'X-Client-Verify',
  'X-Client-DN',
  'X-Client-Cert',
  'Host',
  'Content-Length',
  'Content-Type',
  'Content-Encoding',
  'Authorization',
  'X-Authentication',
  'X-Puppet-Version'
]
const body = 'environment=production'

for (const [how, value] of [
  ['one list', guarded.join(', ')],
  ['lower case and odd blanks', `keep-alive ,${guarded.join('\t,  ').toLowerCase()},,close`],
  ['upper case', guarded.join(',').toUpperCase()]
] as const) {
  t.test(`Connection names nothing away that matters: ${how}`, async t => {
    const bodies: string[] = []
    const { app, masters, pki } = await startScene(t, {
      script(request, response) {
        request.setEncoding('utf8').on('data', chunk => bodies.push(chunk))
        request.once('end', () => response.end())
      }
    })
    const identity = await pki.authority.issue({ certname: 'agent1' })
    await connectAgent(t, pki, app.port, identity).ask({
      method: 'POST',
      path: '/puppet/v3/catalog/agent1',
      body,
      headers: [
        ...['Host', 'puppet', 'Connection', value],
        ...['Content-Type', 'application/x-www-form-urlencoded', 'Content-Encoding', 'identity'],
        ...['Authorization', 'Bearer t', 'X-Authentication', 't', 'X-Puppet-Version', '8.10.0'],
        ...['Content-Length', String(body.length)]
      ]
    })
    const [request] = masters[0]?.seen ?? []
    t.same(request?.header('x-client-verify'), ['SUCCESS'])
    t.same(request?.header('x-client-dn'), ['CN=agent1'])
    t.equal(request?.header('x-client-cert').length, 1)
    t.same(request?.header('host'), [new URL(masters[0]?.url ?? '').host])
    t.same(request?.header('content-length'), [String(body.length)])
    t.same(request?.header('content-type'), ['application/x-www-form-urlencoded'])
    t.same(request?.header('content-encoding'), ['identity'])
    t.same(request?.header('authorization'), ['Bearer t'])
    t.same(request?.header('x-authentication'), ['t'])
    t.same(request?.header('x-puppet-version'), ['8.10.0'])
    t.same(bodies, [body])
  })
}

t.test('several Connection headers name nothing away either, and none goes on', async t => {
  const { app, masters, pki } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  const lines = guarded.map(name => `Connection: ${name}\r\n`).join('')
  const answer = await raw.ask(`GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\n${lines}\r\n`)
  t.equal(answer.status, 200)
  const [request] = masters[0]?.seen ?? []
  t.same(request?.header('x-client-verify'), ['NONE'])
  t.notMatch(request?.header('connection').join(), /client|host|content/i)
})

t.test('what is really hop-by-hop stops at the balancer', async t => {
  const { app, masters, pki } = await startScene(t)
  const raw = await connectRaw(t, pki, app.port)
  await raw.ask(
    'GET /puppet/v3/node/x HTTP/1.1\r\nHost: puppet\r\nConnection: X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\n' +
      'Keep-Alive: timeout=5\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\n\r\n'
  )
  const [request] = masters[0]?.seen ?? []
  for (const name of ['x-mine', 'te', 'keep-alive', 'proxy-authorization', 'proxy-connection']) {
    t.same(request?.header(name), [], name)
  }
})
