import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { scrape } from '../support/metrics.ts'
import { type Fate, unlessNamed } from '../support/name-server.ts'
import { askOn, connectAgents, membersOf, siteA, siteB, startSite, startTold } from './srv-site.ts'

const skip = unlessNamed
/** How long a name server stays silent beyond the first lookup that failed. */
const silenceMs = Number(process.env.PUPPET_LB_TEST_SILENCE_SECONDS ?? 0) * 1_000
const everything = [
  `_x-puppet._tcp.${siteA}`,
  `_x-puppet-ca._tcp.${siteA}`,
  `master-1.${siteA}`,
  `master-2.${siteA}`,
  `master.${siteB}`,
  `puppetca.${siteA}`
]

for (const [what, fate, names] of [
  ['silent about one master', 'lose', [`master-1.${siteA}`]],
  ['silent about everything', 'lose', everything],
  ['failing at everything', 'fail', everything]
] as const satisfies readonly (readonly [string, Fate, readonly string[]])[]) {
  t.test(
    `while DNS is ${what}, no request is lost, and it is told once`,
    { skip, timeout: 120_000 },
    async t => {
      const site = await startSite(t)
      const { app, line, lines } = await startTold(t, site)
      const stop = askOn(connectAgents(t, app.port, 4))
      const before = await membersOf(app)
      site.relay.become(name => ((names as readonly string[]).includes(name) ? fate : 'pass'))
      const cannot = 'a name cannot be looked up; what is known of it stays in force'
      for (const name of names) await line({ msg: cannot, name })
      await setTimeout(silenceMs)
      t.same(await membersOf(app), before, 'all stay members, and up')
      const metrics = await scrape(app.adminPort)
      for (const name of names) t.ok(metrics.value('puppet_lb_dns_failures_total', { name }), name)
      site.relay.become(() => 'pass')
      for (const name of names) await line({ msg: 'a name can be looked up again', name })
      t.equal(lines.filter(({ msg }) => msg === cannot).length, names.length, 'each name is told of once')
      t.same(Object.keys(await stop()), ['200'])
      t.same(
        lines.filter(({ msg }) => msg === 'master has left' || msg === 'master is down'),
        []
      )
    }
  )
}

t.test('records that are deleted by mistake take nobody away', { skip }, async t => {
  const site = await startSite(t)
  const { app, line } = await startTold(t, site)
  const stop = askOn(connectAgents(t, app.port, 4))
  const before = await membersOf(app)
  site.nameServer.update(siteA, `delete _x-puppet._tcp.${siteA}`, `delete master-2.${siteA}`)
  await line({ name: `_x-puppet._tcp.${siteA}`, cause: 'ENOTFOUND' })
  await line({ name: `master-2.${siteA}`, cause: 'ENOTFOUND' })
  t.same(await membersOf(app), before)
  t.same(Object.keys(await stop()), ['200'])
})

t.test('a balancer that starts while DNS is silent serves as soon as it answers', { skip }, async t => {
  const site = await startSite(t)
  site.relay.become(() => 'lose')
  const { app, line } = await startTold(t, site)
  const ready = async () => (await fetch(`http://127.0.0.1:${app.adminPort}/readyz`)).text()
  t.match(
    await ready(),
    /no master can serve; nothing is known of _x-puppet\._tcp\.site-a\.example\.com: ETIMEOUT/
  )
  site.relay.become(() => 'pass')
  const { 'master-1': m1, ca } = site.masters
  await line({ msg: 'master is up', master: `master-1.${siteA}:${m1.port}` })
  await line({ msg: 'DNS says where the CA is', url: `https://puppetca.${siteA}:${ca.port}` })
  const [agent] = connectAgents(t, app.port, 1)
  t.equal((await agent?.ask({ path: '/puppet/v3/node/many.example.com' }))?.status, 200)
  t.match(await agent?.ask({ path: '/puppet-ca/v1/certificate/ca' }), { status: 200, body: 'ca' })
})
