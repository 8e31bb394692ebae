import t from 'tap'
import { overviewOf } from '../admin/overview.ts'
import { startScene, status } from '../admin/scene.ts'

const alpha = status.masters[0] as (typeof status.masters)[0]

t.test('what others name cannot become a part of the page', async t => {
  const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&amp;'
  const all = {
    ...status,
    version: hostile,
    masters: [{ ...alpha, name: hostile, url: hostile, pools: [hostile], cause: hostile }],
    pools: [{ name: hostile, up: 0, queue: status.queue }],
    ca: { url: hostile, state: 'down' as const, cause: hostile },
    certificates: [{ role: hostile, notAfter: '2026-01-02T00:00:00.000Z', source: hostile }],
    kept: [{ name: hostile, mode: 'maint' as const, weight: null }],
    reload: { ...status.reload, ok: false, problems: [hostile], needsRestart: [hostile] }
  }
  const event = { id: 1, at: '2026-01-01T00:00:00.000Z', kind: hostile, text: hostile }
  const overview = () => overviewOf(all, { hostname: hostile, notReady: hostile, events: [event] })
  const { origin } = await startScene(t, { deps: { overview } })
  const text = await (await fetch(`${origin}/`)).text()
  t.notOk(text.includes('<script>alert'))
  t.notOk(text.includes('<img'))
  t.equal(text.match(/<script/g)?.length, 3, 'those of the page itself')
})

t.test(
  'the page may load nothing from elsewhere, and run nothing that stands in it but its import map',
  async t => {
    const { origin } = await startScene(t)
    const answer = await fetch(`${origin}/`)
    const policy = answer.headers.get('content-security-policy') ?? ''
    t.match(policy, /^default-src 'none'; script-src 'self' 'sha256-[\w+/=]+'; /)
    t.match(policy, /frame-ancestors 'none'/)
    t.notMatch(policy, /unsafe|https?:|\*/)
    const text = await answer.text()
    t.notMatch(text, /\sstyle=|\son[a-z]+=|<style/)
    for (const [, url] of text.matchAll(/(?:src|href)="([^"]*)"/g)) t.match(url, /^\/page\//)
  }
)
