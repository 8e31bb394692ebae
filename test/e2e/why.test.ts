import t from 'tap'
import { run } from '../../src/commands/program.ts'
import type { Explanation } from '../../src/model/explanation.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { connectBreakableAgent, connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'agent.example.com' })
const node = { path: '/puppet/v3/node/agent.example.com?environment=production' }
const catalog = {
  method: 'POST',
  path: '/puppet/v3/catalog/agent.example.com?environment=production',
  body: 'facts=x'
}

async function ask(adminPort: number, id: string): Promise<Explanation> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/why/${id}`)
  t.equal(answer.status, 200, id)
  return (await answer.json()) as Explanation
}

t.test('with two workers every request of the access log is told, and why', async t => {
  const start = () => startScriptedMaster(t, (_request, response) => response.end('{}'))
  const [ca, m1, m2] = [await start(), await start(), await start()]
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [
      { name: 'm1', url: m1.url },
      { name: 'm2', url: m2.url }
    ],
    listen: { workers: 2 },
    log: { level: 'debug' }
  })
  const refused = { path: '/puppet-admin-api/v1/jruby-pool' }
  const workersOf = (ids: readonly string[]) => new Set(ids.map(id => id.split('-')[1]))
  const own: string[] = []
  let asked = 0
  while (workersOf(own).size < 2) {
    const agent = connectAgent(t, pki, balancer.port, identity)
    for (const question of [node, catalog]) t.equal((await agent.ask(question)).status, 200)
    const { body } = await agent.ask(refused)
    own.push(/Request (\S+)$/.exec(body)?.[1] as string)
    asked += 3
  }

  const lines = await balancer.atLeast(asked, { msg: 'request' })
  for (const line of lines) {
    const told = await ask(balancer.adminPort, line.id as string)
    for (const name of ['certname', 'class', 'rule', 'candidates', 'tried', 'queueMs', 'status', 'end']) {
      t.same(told[name as keyof Explanation], line[name], `${line.class}: ${name}`)
    }
  }
  const idle = [
    { master: 'm1', capacity: 1000, score: 0 },
    { master: 'm2', capacity: 1000, score: 0 }
  ]
  for (const [fields, rule] of [
    [{ class: 'light' }, 'certname'],
    [{ class: 'catalog' }, 'least-loaded']
  ] as const) {
    const line = await balancer.line(fields)
    t.match(line, { rule, candidates: idle, tried: [{ master: line.master, end: 'complete' }], status: 200 })
  }
  for (const id of own) {
    t.match(await ask(balancer.adminPort, id), { rule: 'none', tried: [], status: 403, end: 'admin-refused' })
  }
})

t.test('a request that was tried twice tells both turns', async t => {
  const dead = await startScriptedMaster(t, (request, _response) => request.socket.destroy())
  const alive = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const app = await startBalancer(
    t,
    testConfig(pki, {
      ca: alive.url,
      masters: [
        { name: 'dead', url: dead.url },
        { name: 'alive', url: alive.url, priority: 1 }
      ]
    })
  )
  const agent = connectAgent(t, pki, app.port, identity)
  t.equal((await agent.ask(catalog)).status, 200)
  const id = nextTo((await agent.ask({ path: '/puppet-admin-api/v1/x' })).body, -1)
  t.match(await ask(app.adminPort, id), {
    candidates: [{ master: 'dead' }],
    tried: [
      { master: 'dead', end: 'master-lost' },
      { master: 'alive', end: 'complete' }
    ],
    end: 'complete'
  })
})

t.test('a compile that goes on is told, and one whose agent has left', async t => {
  const master = await startScriptedMaster(t, () => {}, { jrubies: 1 })
  const app = await startBalancer(
    t,
    // One worker, whose request ids follow one another.
    testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { workers: 1 } }
    )
  )
  const agent = await connectBreakableAgent(t, pki, app.port, identity)
  agent.send(`GET ${catalog.path} HTTP/1.1\r\nHost: puppet\r\n\r\n`)
  await master.until(({ seen }) => seen.length === 1)
  const own = await connectAgent(t, pki, app.port).ask({ path: '/puppet-admin-api/v1/x' })
  const id = nextTo(own.body, -1)
  t.match(await ask(app.adminPort, id), { tried: [{ master: 'm1', end: 'open' }], end: 'open' })
  agent.breakOff()
  for (;;) {
    const told = await ask(app.adminPort, id)
    if (told.end === 'open') continue
    t.match(told, { tried: [{ master: 'm1', end: 'open' }], end: 'agent-gone' }, 'its master goes on')
    break
  }
})

t.test('why prints it for a person', async t => {
  const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
  const app = await startBalancer(
    t,
    // One worker, whose request ids follow one another.
    testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { workers: 1 } }
    )
  )
  const agent = connectAgent(t, pki, app.port, identity)
  await agent.ask(catalog)
  const id = nextTo((await agent.ask({ path: '/puppet-admin-api/v1/x' })).body, -1)
  const printed = { out: '', err: '' }
  const io = {
    out: (text: string) => {
      printed.out += text
    },
    err: (text: string) => {
      printed.err += text
    },
    env: {}
  }
  const admin = ['--admin', `http://127.0.0.1:${app.adminPort}`]
  t.equal(await run(['why', id, ...admin], io), 0)
  const time = String.raw`[\d.]+ ms`
  t.match(
    printed.out,
    new RegExp(
      [
        `^request:  ${id}, came ${time} ago`,
        'agent:    agent.example.com, from 127.0.0.1',
        'class:    catalog',
        String.raw`chosen:   the lowest score with room \(least-loaded\)`,
        'masters:  name  open  JRubies    weight  score',
        '          m1    0     0 of 1000  1       0',
        `queue:    ${time}`,
        `attempts: 1. m1: complete after ${time}`,
        `ending:   complete after ${time}, status 200\n$`
      ].join('\n')
    )
  )
  t.equal(printed.err, '')
  printed.out = ''
  t.equal(await run(['why', 'nobody-0-0', ...admin], io), 1)
  t.same(printed, { out: '', err: 'puppet-lb: nothing is remembered of a request nobody-0-0\n' })
})

t.test('what was no request at all is told too, and what every master was asked', async t => {
  const start = () => startScriptedMaster(t, (_request, response) => response.writeHead(204).end())
  const [ca, m1, m2] = [await start(), await start(), await start()]
  const topology = {
    ca: ca.url,
    masters: [
      { name: 'm1', url: m1.url },
      { name: 'm2', url: m2.url }
    ]
  }
  const access = { administrators: ['agent.example.com'] }
  const app = await startBalancer(t, testConfig(pki, topology, { access }))
  const agent = connectAgent(t, pki, app.port, identity)
  const flush = { method: 'DELETE', path: '/puppet-admin-api/v1/environment-cache' }
  t.equal((await agent.ask(flush)).status, 204)
  await m2.kill()
  const { body } = await agent.ask(flush)
  const answered = { master: 'm1', end: 'answered 204' }
  const ids = [nextTo(body, -1), nextTo(body, 0)]
  const [all, some] = await Promise.all(ids.map(id => ask(app.adminPort, id)))
  t.match(all, {
    rule: 'every-master',
    tried: [answered, { master: 'm2', end: 'answered 204' }],
    status: 204
  })
  t.match(some, {
    tried: [answered, { master: 'm2', end: 'it refuses connections' }],
    end: 'fan-out-incomplete'
  })

  const raw = await connectRawAgent(t, pki, app.port)
  raw.send('nonsense\r\n\r\n')
  const [, id = ''] = /Request (\S+)$/.exec(await raw.until(text => /Request [\w-]+$/.test(text))) ?? []
  t.match(await ask(app.adminPort, id), { rule: 'none', status: 400, end: 'bad-request' })
})

/** The id so many before or after the one in an answer of the balancer's own, on a single worker. */
function nextTo(body: string, step: number): string {
  const [, start, count] = /Request (\w+-\d+-)(\w+)$/.exec(body) as RegExpExecArray
  return `${start}${(Number.parseInt(count as string, 36) + step).toString(36)}`
}
