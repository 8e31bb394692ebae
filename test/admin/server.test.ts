import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { names, reloaded, startScene, status } from './scene.ts'

const mark = { 'x-puppet-lb': '1' }
const plain = 'text/plain; charset=utf-8'

async function ask(url: string, init: RequestInit = {}) {
  const answer = await fetch(url, init)
  return {
    status: answer.status,
    headers: answer.headers,
    type: answer.headers.get('content-type'),
    text: await answer.text()
  }
}

/** Writes what `fetch` would not, and reads to the end. */
async function askRaw(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.end(`${lines.join('\r\n')}\r\n\r\n`)
  return text(socket)
}

t.test('the probes answer in plain text', async t => {
  let reason: string | undefined
  const { origin } = await startScene(t, { deps: { notReady: () => reason } })
  t.match(await ask(`${origin}/metrics`), {
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    text: 'puppet_lb_up 1\n'
  })
  t.match(await ask(`${origin}/healthz`), { status: 200, type: plain, text: 'ok\n' })
  t.match(await ask(`${origin}/readyz`), { status: 200, type: plain, text: 'ready\n' })
  reason = 'no master can serve'
  t.match(await ask(`${origin}/readyz`), { status: 503, type: plain, text: 'no master can serve\n' })
  t.match(await ask(`${origin}/healthz`), { status: 200 }, 'which is no reason to be killed')
})

t.test('status, masters, names and settings are JSON as the balancer gives them', async t => {
  const { origin } = await startScene(t)
  for (const [path, expected] of [
    ['status', status],
    ['masters', status.masters],
    ['names', names],
    ['settings', { 'balance.policy': 'least-loaded' }]
  ] as const) {
    const { type, text } = await ask(`${origin}/api/${path}`)
    t.match(type, /^application\/json/)
    t.strictSame(JSON.parse(text), expected, path)
  }
})

t.test('a request is explained by its id, and what is forgotten is 404', async t => {
  const asked: string[] = []
  const { origin } = await startScene(t, {
    deps: {
      why: async id => {
        asked.push(id)
        return undefined
      }
    }
  })
  t.match(await ask(`${origin}/api/why/a%2Fb`), { status: 404, type: plain, text: /^No worker remembers/ })
  t.same(asked, ['a/b'])
})

t.test('a reload that went well is 200, one that did not is 422, both with the report', async t => {
  const good = await startScene(t)
  const answer = await ask(`${good.origin}/api/reload`, { method: 'POST', headers: mark })
  t.equal(answer.status, 200)
  t.strictSame(JSON.parse(answer.text), reloaded)
  t.equal(good.reloads(), 1)

  const report = { ...reloaded, ok: false, problems: ['lb.yaml:1:1 tls: is missing'], changed: [] }
  const bad = await startScene(t, { deps: { reload: async () => report } })
  const refused = await ask(`${bad.origin}/api/reload`, { method: 'POST', headers: mark })
  t.equal(refused.status, 422)
  t.strictSame(JSON.parse(refused.text), report)
})

t.test('a reload is not set off without the header, whatever the body', async t => {
  const { origin, reloads } = await startScene(t)
  const forms = [
    {},
    { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { body: '{', headers: { 'content-type': 'application/json' } },
    { headers: { 'content-type': 'application/json' } },
    { body: 'x' }
  ]
  for (const init of forms) {
    t.match(await ask(`${origin}/api/reload`, { method: 'POST', ...init }), {
      status: 403,
      type: plain,
      text: /needs the header X-Puppet-LB: 1/
    })
  }
  t.equal(reloads(), 0)
  for (const init of forms) {
    t.match(
      await ask(`${origin}/api/reload`, { method: 'POST', ...init, headers: { ...init.headers, ...mark } }),
      { status: 200 }
    )
  }
  t.equal(reloads(), forms.length)
})

t.test('a reload that fails in a way nobody foresaw is 500 with a sentence', async t => {
  const { origin } = await startScene(t, {
    deps: {
      reload: async () => {
        throw new Error('the disk is gone')
      }
    }
  })
  t.match(await ask(`${origin}/api/reload`, { method: 'POST', headers: mark }), {
    status: 500,
    type: plain,
    text: 'the disk is gone\n'
  })
})

t.test('what there is not is 404 and says what there is', async t => {
  const { origin } = await startScene(t)
  const listed =
    /^There is \/ for a browser, \/metrics, .*\/api\/events.* POST \/api\/reload and POST \/api\/masters\/NAME\/drain, .*\.\n$/
  for (const path of ['/api', '/api/status/', '/API/status', '/metrics/%2e%2e/x', '/x?/metrics']) {
    t.match(await ask(`${origin}${path}`), { status: 404, type: plain, text: listed }, path)
  }
  t.match(await ask(`${origin}/%zz`), { status: 400, type: plain, text: /%zz/ })
})

t.test('a path that there is takes its own methods only, and says which', async t => {
  const { origin, reloads } = await startScene(t)
  for (const [method, path, allowed] of [
    ['GET', '/api/reload', 'POST'],
    ['HEAD', '/api/reload?now', 'POST'],
    ['DELETE', '/api/status', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
    ['PUT', '/api/why/1', 'GET, HEAD'],
    ['HEAD', '/api/events', 'GET'],
    ['GET', '/api/masters/alpha/drain', 'POST'],
    ['GET', '/api/environments/production/deployed', 'POST'],
    ['PUT', '/api/masters/rr%2F192.0.2.1/weight', 'POST'],
    ['PROPFIND', '/api/masters', 'GET, HEAD']
  ] as const) {
    const { status, headers, text } = await ask(`${origin}${path}`, { method, headers: mark })
    t.equal(status, 405, `${method} ${path}`)
    t.equal(headers.get('allow'), allowed)
    if (method !== 'HEAD') t.equal(text, `This path takes ${allowed} only.\n`)
  }
  t.equal(reloads(), 0)
})

t.test('no answer may be kept, guessed at or read by another site', async t => {
  const { origin } = await startScene(t, { admin: { token: 'secret' } })
  const headers = { origin: 'http://evil.example' }
  for (const [path, init] of [
    ['/api/status', { headers }],
    ['/healthz', { headers }],
    ['/nothing', { headers }],
    ['/%zz', { headers }],
    ['/api/reload', { headers, method: 'POST' }],
    ['/api/reload', { headers: { ...headers, ...mark }, method: 'POST' }],
    ['/api/reload', { headers: { ...headers, 'access-control-request-method': 'POST' }, method: 'OPTIONS' }]
  ] as const) {
    const answer = await ask(`${origin}${path}`, init)
    t.equal(answer.headers.get('cache-control'), 'no-store', path)
    t.equal(answer.headers.get('x-content-type-options'), 'nosniff', path)
    t.notOk(
      [...answer.headers.keys()].some(name => name.startsWith('access-control')),
      path
    )
  }
})

t.test('the guard is asked about every request, and says how to get in', async t => {
  const { origin, port, reloads } = await startScene(t, { admin: { host: '0.0.0.0', token: 'secret' } })
  for (const path of [
    '/api/status',
    '/api/masters',
    '/api/settings',
    '/api/events',
    '/api/why/a',
    '/',
    '/nothing'
  ]) {
    const answer = await ask(`${origin}${path}`)
    t.match(answer, { status: 401, type: plain, text: /^This needs the admin token/ }, path)
    t.match(answer.headers.get('www-authenticate'), /^Basic realm="puppet-lb"/)
    t.equal(answer.headers.get('x-puppet-lb-reason'), 'token-missing')
  }
  t.match(await ask(`${origin}/api/reload`, { method: 'POST', headers: mark }), { status: 401 })
  t.equal(reloads(), 0)
  t.match(await ask(`${origin}/metrics`), { status: 200 })
  t.match(await ask(`${origin}/api/status`, { headers: { authorization: 'Bearer secret' } }), { status: 200 })
  t.match(
    await ask(`${origin}/api/reload`, {
      method: 'POST',
      headers: { ...mark, authorization: `Basic ${btoa('me:secret')}` }
    }),
    { status: 200 }
  )
  t.match(
    await askRaw(port, [
      'GET /api/status HTTP/1.1',
      'Host: evil.example',
      'Authorization: Bearer secret',
      'Connection: close'
    ]),
    /^HTTP\/1\.1 403 .*none of this balancer/s
  )
})

t.test('a listener on the network without a token does nothing but answer probes', async t => {
  const { origin, reloads } = await startScene(t, { admin: { host: '0.0.0.0' } })
  t.match(await ask(`${origin}/api/status`), { status: 403, text: /set admin\.token/ })
  t.match(await ask(`${origin}/api/reload`, { method: 'POST', headers: mark }), {
    status: 403,
    text: /set admin\.token/
  })
  t.equal(reloads(), 0)
  t.match(await ask(`${origin}/readyz`), { status: 200 })
})

t.test('HTTP/1.0 without Host is served, a whole URL as target is not', async t => {
  const { port } = await startScene(t)
  t.match(await askRaw(port, ['GET /api/masters HTTP/1.0']), /^HTTP\/1\.1 200 OK/)
  const absolute = ['GET http://evil.example/api/masters HTTP/1.1', 'Host: localhost', 'Connection: close']
  t.match(await askRaw(port, absolute), /^HTTP\/1\.1 400 /)
})

t.test('an address that is taken is an error', async t => {
  const { port } = await startScene(t)
  await t.rejects(startScene(t, { admin: { port } }), { code: 'EADDRINUSE' })
})

t.test('closing does not wait for a caller that sends nothing', async t => {
  const { port, close } = await startScene(t)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write('GET /healthz HTTP/1.1\r\n')
  const ended = new Promise<void>(resolve => {
    // Cut in the middle, which is an error to a socket.
    socket.on('error', () => {}).on('close', () => resolve())
  })
  await close()
  await ended
  t.pass('closed')
})
