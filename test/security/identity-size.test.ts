import t from 'tap'
import { scrape } from '../support/metrics.ts'
import { connectRaw } from './support/raw-connection.ts'
import { startScene } from './support/scene.ts'

const limit = 8_192
const path = '/puppet/v3/node/agent1'

/** Bytes of the head that a master saw. */
function headOf({ method, url, rawHeaders }: { method: string; url: string; rawHeaders: readonly string[] }) {
  const lines = rawHeaders.reduce((sum, text) => sum + text.length, (rawHeaders.length / 2) * 4)
  return `${method} ${url} HTTP/1.1\r\n\r\n`.length + lines
}

t.test('what a master could not hold with the identity is refused here, and goes to none', async t => {
  const { app, pki, masters, ca, reached } = await startScene(t)
  const agent = await pki.authority.issue({ certname: 'agent1', extensions: { pp_role: 'r'.repeat(600) } })
  const raw = await connectRaw(t, pki, app.port, agent)
  const ask = (padding: number, target = path) =>
    raw.ask(`GET ${target} HTTP/1.1\r\nHost: puppet\r\nX-Padding: ${'a'.repeat(padding)}\r\n\r\n`)
  await ask(1)
  const [seen] = masters[0]?.seen ?? []
  // As much padding as fits, to the byte.
  const room = 1 + limit - headOf(seen as Parameters<typeof headOf>[0])
  for (const target of [path, '/puppet-ca/v1/certificate/ca']) {
    const { status, headers, body } = await ask(limit, target)
    t.equal(status, 431)
    t.equal(headers.get('x-puppet-lb-reason'), 'headers-too-large')
    t.match(
      body,
      /^The headers of this request are too large: with the identity that is added they are \d+ bytes, and masters take 8192\. /
    )
  }
  t.equal((await ask(room)).status, 200)
  t.ok(headOf(masters[0]?.seen.at(-1) as Parameters<typeof headOf>[0]) <= limit)
  t.equal((await ask(room + 1)).status, 431)
  t.equal(reached().length, 2)
  t.equal(ca.seen.length, 0)
  const { value, sum } = await scrape(app.adminPort)
  t.equal(value('puppet_lb_master_up', { master: 'm1' }), 1)
  t.equal(sum('puppet_lb_requests_total', { master: '', code: '431' }), 3)
})

t.test('a limit that the masters have raised is the limit', async t => {
  const { app, pki } = await startScene(t, { overrides: { upstream: { headerLimitBytes: 12_000 } } })
  const raw = await connectRaw(t, pki, app.port, await pki.authority.issue({ certname: 'agent1' }))
  const head = `GET ${path} HTTP/1.1\r\nHost: puppet\r\nX-Padding: ${'a'.repeat(9_000)}\r\n\r\n`
  t.equal((await raw.ask(head)).status, 200)
})
