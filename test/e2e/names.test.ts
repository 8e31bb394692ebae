import t from 'tap'
import type { MasterSettings } from '../../src/model/settings.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'
import { type ToldNames, toldNames } from '../support/told-names.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const hosts = ['a.example.com', 'b.example.com', 'ca.example.com', 'all.example.com']
const certificate = await pki.authority.issue({ certname: 'masters', altNames: hosts })
const node = '/puppet/v3/node/agent.example.com'
const agentCertificate = await pki.authority.issue({ certname: 'agent.example.com' })

/** A master that answers with its name, on one of the addresses of loopback; each request has its own connection. */
function startMaster(t: Test, name: string, host: string, port = 0): Promise<ScriptedMaster> {
  const script: Parameters<typeof startScriptedMaster>[1] = (_request, response) => {
    response.setHeader('connection', 'close')
    response.end(name)
  }
  return startScriptedMaster(t, script, { tls: certificate, host, port })
}

/** A balancer whose names are told by the test, its log, and an agent. */
async function start(
  t: Test,
  dns: ToldNames,
  topology: {
    readonly ca: string
    readonly masters: readonly (Pick<MasterSettings, 'name' | 'url'> & Partial<MasterSettings>)[]
  }
) {
  const { log, ...told } = captureLog()
  const config = testConfig(pki, topology, { discovery: { refreshMs: 50 }, balance: { affinity: 'none' } })
  const app = await startBalancer(t, config, { dns, log })
  const agent = connectAgent(t, pki, app.port, agentCertificate)
  const masters = async () => {
    const answer = await fetch(`http://127.0.0.1:${app.adminPort}/api/masters`)
    return (await answer.json()) as { readonly name: string }[]
  }
  return { app, agent, masters, ...told }
}

t.test('a name that nobody knows keeps neither the other masters nor the balancer from starting', async t => {
  const a = await startMaster(t, 'a', '127.0.0.2')
  const b = await startMaster(t, 'b', '127.0.0.3')
  const dns = toldNames({
    'a.example.com': ['127.0.0.2'],
    'b.example.com': 'EAI_AGAIN',
    'ca.example.com': 'EAI_AGAIN'
  })
  const { agent, masters, line, app } = await start(t, dns, {
    ca: `https://ca.example.com:${a.port}`,
    masters: [
      { name: 'a', url: `https://a.example.com:${a.port}` },
      { name: 'b', url: `https://b.example.com:${b.port}` }
    ]
  })
  t.match(await agent.ask({ path: node }), { status: 200, body: 'a' })
  t.match(await masters(), [
    { name: 'a', state: 'up' },
    { name: 'b', state: 'down', cause: 'ENOTFOUND' }
  ])
  t.ok((await scrape(app.adminPort)).value('puppet_lb_dns_failures_total', { name: 'b.example.com' }))
  const enrolling = agent.ask({ path: '/puppet-ca/v1/certificate/ca' })
  dns.tell('b.example.com', ['127.0.0.3'])
  dns.tell('ca.example.com', ['127.0.0.2'])
  await line({ msg: 'master is up', master: 'b' })
  t.match(await enrolling, { status: 200, body: 'a' }, 'it has waited for the CA')
})

t.test('while DNS is silent everybody is reached where they were, on new connections as well', async t => {
  const a = await startMaster(t, 'a', '127.0.0.2')
  const dns = toldNames({ 'a.example.com': ['127.0.0.2'], 'ca.example.com': ['127.0.0.2'] })
  const { agent, line, lines } = await start(t, dns, {
    ca: `https://ca.example.com:${a.port}`,
    masters: [{ name: 'a', url: `https://a.example.com:${a.port}` }]
  })
  for (const silence of ['EAI_AGAIN', 'ENOTFOUND', 'ENODATA']) {
    for (const name of ['a.example.com', 'ca.example.com']) dns.tell(name, silence)
    for (let count = 0; count < 3; count++) {
      await dns.askedAgain('a.example.com')
      t.match(await agent.ask({ path: node }), { status: 200, body: 'a' })
      t.match(await agent.ask({ path: '/puppet-ca/v1/certificate/ca' }), { status: 200, body: 'a' })
    }
  }
  await line({ msg: 'a name cannot be looked up; what is known of it stays in force', name: 'a.example.com' })
  t.equal(
    lines.filter(({ name, level }) => name === 'a.example.com' && level === 'warn').length,
    1,
    'told once'
  )
})

t.test('a master that moves is the same master, and is reached where it is now', async t => {
  const before = await startMaster(t, 'before', '127.0.0.2')
  const after = await startMaster(t, 'after', '127.0.0.3', before.port)
  const dns = toldNames({ 'a.example.com': ['127.0.0.2'], 'ca.example.com': ['127.0.0.2'] })
  const url = `https://a.example.com:${before.port}`
  const { agent, line, lines } = await start(t, dns, {
    ca: `https://ca.example.com:${before.port}`,
    masters: [{ name: 'a', url }]
  })
  t.match(await agent.ask({ path: node }), { status: 200, body: 'before' })
  dns.tell('a.example.com', ['127.0.0.3'])
  dns.tell('ca.example.com', ['127.0.0.3'])
  await line({ msg: 'DNS says another address of a master', master: 'a' })
  await line({ msg: 'DNS says where the CA is' })
  t.match(await agent.ask({ path: node }), { status: 200, body: 'after' })
  t.match(await agent.ask({ path: '/puppet-ca/v1/certificate/ca' }), { status: 200, body: 'after' })
  t.match(after.seen[0], { servername: 'a.example.com' })
  t.same(
    lines.filter(({ msg }) => /joins|left|down/.test(msg)),
    []
  )
})

t.test('with resolve: all each address is a master, and they come and go with the answers', async t => {
  const one = await startMaster(t, 'one', '127.0.0.2')
  const two = await startMaster(t, 'two', '127.0.0.3', one.port)
  const dns = toldNames({ 'all.example.com': ['127.0.0.2'] })
  const url = `https://all.example.com:${one.port}`
  const { agent, masters, line, app } = await start(t, dns, {
    ca: one.url,
    masters: [{ name: 'rr', url, resolve: 'all', weight: 3 }]
  })
  t.match(await masters(), [{ name: 'rr/127.0.0.2', url, source: 'addresses', weight: 3, state: 'up' }])
  dns.tell('all.example.com', ['127.0.0.3', '127.0.0.2'])
  await line({ msg: 'master joins', master: 'rr/127.0.0.3' })
  while (two.seen.length === 0) t.match(await agent.ask({ path: node }), { status: 200 })
  t.match(two.seen[0], { servername: 'all.example.com' })
  t.same(two.seen[0]?.header('host'), [`all.example.com:${one.port}`])
  t.equal((await scrape(app.adminPort)).value('puppet_lb_roster_members', { source: 'addresses' }), 2)
  dns.tell('all.example.com', ['127.0.0.3'])
  await line({ msg: 'master has left', master: 'rr/127.0.0.2' })
  t.match(await agent.ask({ path: node }), { status: 200, body: 'two' })
})

t.test('a master with an address that leads nowhere serves over the other one', async t => {
  const port = await startBlackHole(t, '127.0.0.3')
  await startMaster(t, 'a', '127.0.0.2', port)
  const dns = toldNames({ 'a.example.com': ['127.0.0.3', '127.0.0.2'] })
  const { agent, masters } = await start(t, dns, {
    ca: 'http://127.0.0.1:1',
    masters: [{ name: 'a', url: `https://a.example.com:${port}` }]
  })
  t.match(await masters(), [{ name: 'a', state: 'up' }])
  t.match(await agent.ask({ path: node }), { status: 200, body: 'a' })
})

t.test('a master whose address of IPv6 cannot be reached comes up by that of IPv4', async t => {
  const { port } = await startMaster(t, 'a', '127.0.0.2')
  const dns = toldNames({ 'a.example.com': ['2001:db8::1', '127.0.0.2'] })
  const { agent, masters } = await start(t, dns, {
    ca: 'http://127.0.0.1:1',
    masters: [{ name: 'a', url: `https://a.example.com:${port}` }]
  })
  t.match(await masters(), [{ name: 'a', state: 'up' }])
  t.match(await agent.ask({ path: node }), { status: 200, body: 'a' })
})

t.test(
  'names that are silent keep neither requests nor other names, and two are asked for at most',
  async t => {
    const before = await startMaster(t, 'before', '127.0.0.2')
    await startMaster(t, 'after', '127.0.0.3', before.port)
    const silent = ['s1', 's2', 's3', 's4'].map(name => `${name}.example.com`)
    const dns = toldNames({ 'a.example.com': ['127.0.0.2'] })
    for (const name of silent) dns.tell(name, ['127.0.0.4'])
    const { agent, line } = await start(t, dns, {
      ca: 'http://127.0.0.1:1',
      masters: ['a.example.com', ...silent].map(host => ({
        name: host,
        url: `https://${host}:${before.port}`
      }))
    })
    for (const name of silent) dns.tell(name, 'silent')
    for (const name of silent) {
      await dns.askedAgain(name)
      t.match(await agent.ask({ path: node }), { status: 200, body: 'before' })
    }
    dns.tell('a.example.com', ['127.0.0.3'])
    await line({ msg: 'DNS says another address of a master', master: 'a.example.com' })
    t.match(await agent.ask({ path: node }), { status: 200, body: 'after' })
    t.equal(dns.mostOpen(), 2)
  }
)

t.test('addresses in URLs are never looked up', async t => {
  const a = await startMaster(t, 'a', '127.0.0.1')
  const dns = toldNames({})
  await start(t, dns, { ca: 'http://[::1]:1', masters: [{ name: 'a', url: `https://127.0.0.1:${a.port}` }] })
  t.same(dns.asked, [])
})

t.test('who joins after a reload that failed is asked by the settings in force', async t => {
  const one = await startMaster(t, 'one', '127.0.0.2')
  await startMaster(t, 'two', '127.0.0.3', one.port)
  const dns = toldNames({ 'all.example.com': ['127.0.0.2'] })
  const url = `https://all.example.com:${one.port}`
  const topology = { ca: one.url, masters: [{ name: 'rr', url, resolve: 'all' as const }] }
  const config = testConfig(pki, topology, { discovery: { refreshMs: 50 } })
  const { settings } = config
  let next = config
  const { log, line, lines } = captureLog()
  const app = await startBalancer(t, config, { dns, log, load: () => next })
  const crl = { file: '/nowhere/crl.pem', refreshMs: 60_000, expired: 'keep', place: 'x.yaml:1:2' } as const
  const health = { ...settings.health, path: '/status/v1/simple/elsewhere' }
  next = { ...config, settings: { ...settings, health, tls: { ...settings.tls, crl } } }
  t.match(await app.reload(), { ok: false })
  dns.tell('all.example.com', ['127.0.0.2', '127.0.0.3'])
  await line({ msg: 'master joins', master: 'rr/127.0.0.3' })
  await line({ msg: 'master is up', master: 'rr/127.0.0.3' })
  t.notOk(lines.some(({ msg, master }) => msg === 'master is down' && master === 'rr/127.0.0.3'))
})
