import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { startBalancer } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { unlessNamed } from '../support/name-server.ts'
import {
  askOn,
  bySrv,
  catalog,
  connectAgents,
  membersOf,
  pki,
  siteA,
  siteB,
  startSite,
  startTold
} from './srv-site.ts'

const skip = unlessNamed

t.test(
  'masters and the CA are found by SRV records alone, and their weights are those of DNS',
  { skip },
  async t => {
    const site = await startSite(t)
    const { 'master-1': m1, 'master-2': m2, 'master-b': mb } = site.masters
    const app = await startBalancer(t, bySrv(site))
    const agents = connectAgents(t, app.port, 8)
    let left = 1_000
    await Promise.all(
      agents.map(async agent => {
        while (left-- > 0) {
          const { status } = await agent.ask({ path: catalog, method: 'POST' })
          if (status !== 200) throw new Error(`answered ${status}`)
        }
      })
    )
    t.ok(Math.abs(m1.seen.length - 750) <= 10, `${m1.seen.length} of 1,000 for a share of 75 %`)
    t.ok(Math.abs(m2.seen.length - 250) <= 10, `${m2.seen.length} of 1,000 for a share of 25 %`)
    t.equal(mb.seen.length, 0, 'site B is only for when site A cannot serve')
    t.match(m1.seen[0], { servername: `master-1.${siteA}` })
    t.same(m1.seen[0]?.header('host'), [`master-1.${siteA}:${m1.port}`])
    const stranger = connectAgent(t, pki, app.port)
    t.match(await stranger.ask({ path: '/puppet-ca/v1/certificate/ca' }), { status: 200, body: 'ca' })
    t.match(await membersOf(app), {
      [`master-1.${siteA}:${m1.port}`]: { source: 'srv', weight: 750, priority: 0, state: 'up' },
      [`master-2.${siteA}:${m2.port}`]: { source: 'srv', weight: 250, priority: 0, state: 'up' }
    })
    const metrics = await scrape(app.adminPort)
    t.equal(metrics.value('puppet_lb_roster_members', { source: 'srv' }), 3)
    t.equal(metrics.sum('puppet_lb_dns_failures_total'), 0)
  }
)

t.test(
  'when both masters of site A are gone its agents go to site B, and come back with the first',
  { skip },
  async t => {
    const site = await startSite(t)
    const { 'master-1': m1, 'master-2': m2, 'master-b': mb } = site.masters
    const { app, line, atLeast } = await startTold(t, site)
    const agents = connectAgents(t, app.port, 4)
    const stop = askOn(agents)
    await m1.until(({ seen }) => seen.length > 20)
    await m1.kill()
    await m2.kill()
    await mb.until(({ seen }) => seen.length > 100)
    for (const [name, { port }] of Object.entries({ 'master-1': m1, 'master-2': m2 })) {
      await line({ msg: 'master is down', master: `${name}.${siteA}:${port}` })
    }
    const back = await site.restart('master-1')
    await atLeast(2, { msg: 'master is up', master: `master-1.${siteA}:${m1.port}` })
    await back.until(({ seen }) => seen.length > 20)
    const before = mb.seen.length
    await back.until(({ seen }) => seen.length > 100)
    t.ok(mb.seen.length - before <= agents.length, 'site B has nothing more to do')
    t.same(Object.keys(await stop()), ['200'], 'and nobody has noticed')
  }
)

t.test(
  'when the master of site B is gone its agents go to site A, 75 to 25, and come back',
  { skip },
  async t => {
    const site = await startSite(t)
    const { 'master-1': m1, 'master-2': m2, 'master-b': mb } = site.masters
    const { app, line, atLeast } = await startTold(t, site, siteB)
    const name = `master.${siteB}:${mb.port}`
    t.match(await membersOf(app), {
      [name]: { source: 'srv', priority: 0 },
      [`master-1.${siteA}:${m1.port}`]: { source: 'srv', weight: 750, priority: 1 },
      [`master-2.${siteA}:${m2.port}`]: { source: 'srv', weight: 250, priority: 1 }
    })
    const agents = connectAgents(t, app.port, 4)
    const stop = askOn(agents)
    await mb.until(({ seen }) => seen.length > 20)
    t.equal(m1.seen.length + m2.seen.length, 0, 'site A is only for when site B cannot serve')
    await mb.kill()
    await line({ msg: 'master is down', master: name })
    const before = [m1.seen.length, m2.seen.length] as const
    await m1.until(({ seen }) => seen.length >= before[0] + 300)
    const share = (m1.seen.length - before[0]) / (m1.seen.length - before[0] + m2.seen.length - before[1])
    t.ok(Math.abs(share - 0.75) <= 0.01, `${share} for a share of 75 %`)
    const back = await site.restart('master-b')
    await atLeast(2, { msg: 'master is up', master: name })
    await back.until(({ seen }) => seen.length > 20)
    const left = m1.seen.length + m2.seen.length
    await back.until(({ seen }) => seen.length > 100)
    t.ok(m1.seen.length + m2.seen.length - left <= agents.length, 'site A has nothing more to do')
    t.same(Object.keys(await stop()), ['200'], 'and nobody has noticed')
  }
)
