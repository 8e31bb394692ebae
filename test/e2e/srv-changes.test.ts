import t from 'tap'
import { startBalancer } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { unlessNamed } from '../support/name-server.ts'
import {
  askOn,
  bySrv,
  catalog,
  connectAgents,
  membersOf,
  siteA,
  siteB,
  startSite,
  startTold
} from './srv-site.ts'

const skip = unlessNamed

t.test('records that change under load change the members, and no request is lost', { skip }, async t => {
  const site = await startSite(t)
  const { 'master-1': m1, 'master-2': m2, 'master-3': m3 } = site.masters
  const { app, line } = await startTold(t, site)
  const stop = askOn(connectAgents(t, app.port, 4))
  const record = `_x-puppet._tcp.${siteA}`
  await m2.until(({ seen }) => seen.length > 20)
  site.nameServer.update(siteA, `add ${record} 1 SRV 0 25 ${m3.port} master-3.${siteA}`)
  await line({ msg: 'master joins', master: `master-3.${siteA}:${m3.port}` })
  await m3.until(({ seen }) => seen.length > 20)
  site.nameServer.update(
    siteA,
    `delete ${record} SRV 0 25 ${m2.port} master-2.${siteA}`,
    `delete ${record} SRV 0 75 ${m1.port} master-1.${siteA}`,
    `add ${record} 1 SRV 0 0 ${m1.port} master-1.${siteA}`
  )
  await line({ msg: 'master has left', master: `master-2.${siteA}:${m2.port}` })
  const before = m2.seen.length
  await m3.until(({ seen }) => seen.length > 200)
  t.equal(m2.seen.length, before, 'whoever left is asked no more')
  t.match(await membersOf(app), { [`master-1.${siteA}:${m1.port}`]: { weight: 1 } })
  t.same(Object.keys(await stop()), ['200'])
})

t.test('a target of "." says that there is no such service, and is no fault', { skip }, async t => {
  const site = await startSite(t)
  const { 'master-1': m1 } = site.masters
  const { app, line } = await startTold(t, site)
  const record = `_x-puppet._tcp.${siteA}`
  site.nameServer.update(siteA, `delete ${record} SRV`, `add ${record} 1 SRV 0 0 0 .`)
  await line({ msg: 'master has left', master: `master-1.${siteA}:${m1.port}` })
  t.equal((await scrape(app.adminPort)).sum('puppet_lb_dns_failures_total'), 0)
  const answer = await fetch(`http://127.0.0.1:${app.adminPort}/readyz`)
  t.match(await answer.text(), /no master can serve/)
})

t.test('what an operator said of a master outlives its record', { skip }, async t => {
  const site = await startSite(t)
  const { 'master-2': m2 } = site.masters
  const { app, line } = await startTold(t, site)
  const name = `master-2.${siteA}:${m2.port}`
  const record = `_x-puppet._tcp.${siteA}`
  const url = `http://127.0.0.1:${app.adminPort}/api/masters/${encodeURIComponent(name)}/drain`
  t.equal((await fetch(url, { method: 'POST', headers: { 'x-puppet-lb': '1' } })).status, 200)
  site.nameServer.update(siteA, `delete ${record} SRV 0 25 ${m2.port} master-2.${siteA}`)
  await line({ msg: 'master has left', master: name })
  site.nameServer.update(siteA, `add ${record} 1 SRV 0 25 ${m2.port} master-2.${siteA}`)
  await line({ msg: 'master joins', master: name })
  t.match((await membersOf(app))[name], { mode: /^drain/ })
})

t.test('a reload asks DNS anew, and takes another domain', { skip }, async t => {
  const site = await startSite(t)
  const { 'master-b': mb, ca } = site.masters
  const config = bySrv(site, { refreshMs: 3_600_000 })
  let next = config
  const app = await startBalancer(t, config, { load: () => next })
  const [agent] = connectAgents(t, app.port, 1)
  site.nameServer.update(siteA, `delete _x-puppet._tcp.${siteA} SRV 1 5 ${mb.port} master.${siteB}`)
  t.match(await app.reload(), { ok: true })
  const { value } = await scrape(app.adminPort)
  t.equal(value('puppet_lb_roster_members', { source: 'srv' }), 2)
  // Site B says nothing of a CA.
  const { settings } = bySrv(site, { domain: siteB, refreshMs: 3_600_000 })
  next = { ...config, settings: { ...settings, ca: { url: `https://puppetca.${siteA}:${ca.port}` } } }
  t.match(await app.reload(), { ok: true, changed: [{ key: 'discovery.srv.domain' }, { key: 'ca.url' }] })
  t.match(await membersOf(app), { [`master.${siteB}:${mb.port}`]: { priority: 0, state: 'up' } })
  t.equal((await agent?.ask({ path: catalog, method: 'POST' }))?.body, 'master-b')
})
