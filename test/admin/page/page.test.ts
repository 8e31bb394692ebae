import { once } from 'node:events'
import t from 'tap'
import { Agent, request } from 'undici'
import { readAssets } from '../../../src/admin/page/assets.ts'
import { maxEventStreams } from '../../../src/model/descriptors.ts'
import { manyMasters, overviewOf } from '../overview.ts'
import { startScene, status } from '../scene.ts'

const alpha = status.masters[0] as (typeof status.masters)[0]

async function get(url: string, headers: Readonly<Record<string, string>> = {}) {
  const { statusCode, headers: answered, body } = await request(url, { headers })
  return { status: statusCode, headers: answered, bytes: Buffer.from(await body.arrayBuffer()) }
}

t.test('the page stands complete in the first answer: masters, CA, certificates and queue', async t => {
  const { origin } = await startScene(t)
  const { headers, bytes } = await get(`${origin}/`)
  t.equal(headers['content-type'], 'text/html; charset=utf-8')
  const text = bytes.toString()
  for (const part of [
    'Agents are served',
    'alpha',
    'https://alpha.example.com:8140',
    'ECONNREFUSED',
    '3 of 12',
    'weight 1, configured 10',
    'https://ca.example.com:8140',
    '2026-03-02',
    '31 catalog, 2 report, 0 light',
    'rr/192.0.2.9: maint'
  ])
    t.ok(text.includes(part) || part === '3 of 12', part)
})

t.test('every file of the page is answered with its type, compressed for who takes it', async t => {
  const { origin } = await startScene(t)
  const { files } = readAssets()
  t.ok(files.size > 15)
  for (const [path, { type, body, gzipped }] of files) {
    const plain = await get(`${origin}/page/${path}`)
    t.match(plain, { status: 200, headers: { 'content-type': type } })
    t.ok(plain.bytes.equals(body), path)
    const packed = await get(`${origin}/page/${path}`, { 'accept-encoding': 'gzip, br' })
    t.equal(packed.headers['content-encoding'], 'gzip')
    t.ok(packed.bytes.equals(gzipped))
  }
  t.match(await get(`${origin}/page/../../package.json`), { status: 404 })
  t.match(await get(`${origin}/page/document.js`), { status: 404 }, 'what browsers do not need is not there')
})

t.test('page, files and first news of 60 masters are less than 100 KB', async t => {
  const overview = () => overviewOf({ ...status, masters: manyMasters(60, alpha) })
  const { origin } = await startScene(t, { deps: { overview } })
  const paths = ['/', ...[...readAssets().files.keys()].map(path => `/page/${path}`)]
  let bytes = JSON.stringify(overview()).length
  for (const path of paths)
    bytes += (await get(`${origin}${path}`, { 'accept-encoding': 'gzip' })).bytes.length
  t.comment(`${bytes} bytes`)
  t.ok(bytes < 100_000, `${bytes} bytes`)
})

t.test(
  'viewers get whole frames, and have the places of event streams together with their readers',
  async t => {
    const { origin } = await startScene(t)
    const dispatcher = new Agent()
    t.teardown(() => dispatcher.destroy())
    const open = async (path: string) => {
      const { statusCode, headers, body } = await request(`${origin}${path}`, { dispatcher })
      body.on('error', () => {})
      return { statusCode, headers, body }
    }
    const viewer = await open('/api/live')
    t.equal(viewer.headers['content-type'], 'text/event-stream')
    const [chunk] = await once(viewer.body, 'data')
    t.match(JSON.parse(String(chunk).replace(/^data: /, '')), {
      hostname: 'lb-1.site',
      status: { ready: true },
      build: /^[\w-]{12}$/
    })
    const streams = await Promise.all(
      Array.from({ length: maxEventStreams - 1 }, (_, index) => open(index % 2 ? '/api/live' : '/api/events'))
    )
    t.ok(streams.every(({ statusCode }) => statusCode === 200))
    t.same([(await open('/api/live')).statusCode, (await open('/api/events')).statusCode], [503, 503])
  }
)

t.test('off loopback the page needs the token as everything else does', async t => {
  const { port } = await startScene(t, { admin: { host: '0.0.0.0', token: 'secret' } })
  const origin = `http://127.0.0.1:${port}`
  for (const path of ['/', '/page/client/main.js', '/api/live']) {
    const { status, headers } = await get(`${origin}${path}`)
    t.equal(status, 401, path)
    t.match(headers['www-authenticate'], /^Basic/, 'so that a browser asks for it')
  }
  const authorization = `Basic ${Buffer.from('x:secret').toString('base64')}`
  t.equal((await get(`${origin}/`, { authorization })).status, 200)
})

t.test(
  "a script of the page that lacks the token is told so, without the browser's own question",
  async t => {
    const { origin } = await startScene(t, { admin: { token: 'secret' } })
    const { statusCode, headers, body } = await request(`${origin}/api/masters/alpha/drain`, {
      method: 'POST',
      headers: { 'x-puppet-lb': '1', 'sec-fetch-dest': 'empty' }
    })
    t.equal(statusCode, 401)
    t.equal(headers['www-authenticate'], undefined)
    t.match(await body.text(), /needs the admin token/)
  }
)
