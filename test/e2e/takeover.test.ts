import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findPredecessor } from '../../src/commands/predecessor.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import type { Config } from '../../src/model/settings.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { untilAlone } from '../support/listening-ports.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { startHandingOver, takeOver } from '../support/takeover.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const identity = await pki.authority.issue({ certname: 'a.example.com' })
const compile = 'GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n'
const ask = { version: '9.9.9', runtime: systemRuntime }

/** Where a Unix socket can be: its path has 107 bytes at most. */
function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(path, { recursive: true }))
  return path
}

/** A configuration with two masters that hold catalogs until told, and its way to ask the admin listener. */
async function startScene(t: Test, { capacity = 2, admin = {}, state = {}, health = {} } = {}) {
  const held: ServerResponse[] = []
  let most = 0
  const master = await startScriptedMaster(t, (request, response) => {
    if (!request.url?.includes('catalog')) response.end('{}')
    else {
      held.push(response)
      most = Math.max(most, held.filter(each => !each.writableEnded).length)
    }
  })
  const socket = join(folder(t), 'admin.sock')
  const config = testConfig(
    pki,
    { ca: `${master.url}`, masters: [{ name: 'm1', url: master.url, capacity }] },
    { admin: { socket, ...admin }, state, health }
  )
  return { config, master, held, most: () => most, socket }
}

async function operate(adminPort: number, path: string) {
  const headers = { 'x-puppet-lb': '1' }
  const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`, { method: 'POST', headers })
  return answer.status
}

async function look(adminPort: number, path: string) {
  const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`)
  return { status: answer.status, text: await answer.text() }
}

t.test('the one that runs ends what it has, and the other one serves on the same ports', async t => {
  const { config, master, held } = await startScene(t)
  const old = await startHandingOver(t, config)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send(compile)
  await master.until(() => held.length === 1)
  const next = await takeOver(t, config)
  t.same([next.port, next.adminPort], [old.port, old.adminPort])
  t.match(await look(next.adminPort, '/readyz'), { status: 200, text: 'ready\n' })
  await old.line({ msg: 'draining: accepting no more connections' })
  await untilAlone(next.port)
  const other = await connectRawAgent(t, pki, next.port, identity)
  other.send('GET /puppet/v3/node/a.example.com HTTP/1.1\r\nHost: puppet\r\n\r\n')
  await other.until('{}')
  t.ok(next.lines.some(({ msg, class: of }) => msg === 'request' && of === 'light'))
  held[0]?.end('{"catalog":1}')
  t.match(
    await agent.end,
    /connection: close\r\n.*\{"catalog":1\}/is,
    'its last answer says that it is the last'
  )
  t.equal(await old.ended, 0)
  await next.line({ msg: `process ${process.pid}, which this one took over from, has drained` })
})

t.test('what operators said goes along, without a directory to keep it, through ten of them', async t => {
  const { config } = await startScene(t)
  let current = await startHandingOver(t, config)
  t.equal(await operate(current.adminPort, '/api/masters/m1/drain'), 200)
  for (let takeover = 0; takeover < 10; takeover++) {
    const next = await takeOver(t, config)
    t.equal(await current.ended, 0)
    current = next
  }
  t.match(current.status().masters, [{ name: 'm1', mode: /^drain/ }])
  t.equal(await operate(current.adminPort, '/api/masters/m1/undrain'), 200)
  t.match(current.status().masters, [{ name: 'm1', mode: 'active' }])
})

t.test('a reload of the one that drains writes nothing over what they say to the new one', async t => {
  const directory = folder(t)
  const { config: one, master, held } = await startScene(t, { state: { directory } })
  const masters = one.settings.masters.flatMap(each => [each, { ...each, name: 'm2' }])
  const both = { ...one, settings: { ...one.settings, masters } }
  let file: Config = both
  const old = await startHandingOver(t, both, () => file)
  t.equal(await operate(old.adminPort, '/api/masters/m2/drain'), 200)
  const agent = await connectRawAgent(t, pki, old.port, identity)
  agent.send(compile)
  await master.until(() => held.length === 1)
  const next = await takeOver(t, both)
  await old.line({ msg: 'draining: accepting no more connections' })
  t.equal(await operate(next.adminPort, '/api/masters/m1/drain'), 200)
  file = one
  t.match(await old.reload(), { ok: true })
  const kept = JSON.parse(readFileSync(join(directory, 'overlay.json'), 'utf8'))
  t.match(kept.masters, { m1: { mode: 'draining' }, m2: { mode: 'draining' } })
  held[0]?.end('{}')
  await agent.end
  t.equal(await old.ended, 0)
})

t.test('so does what they say until the very end', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const predecessor = await findPredecessor(config, ask)
  t.equal(await operate(old.adminPort, '/api/masters/m1/maint'), 200)
  const last = await predecessor?.release()
  t.match(JSON.parse(last?.overlay ?? ''), { masters: { m1: { mode: 'maint' } } })
  predecessor?.giveUp()
})

t.test('a master never has more than its JRubies take, from both of them together', async t => {
  const { config, master, held, most } = await startScene(t, { capacity: 2 })
  const old = await startHandingOver(t, config)
  const agents = await Promise.all(
    [1, 2, 3].map(async number => {
      const certname = `b${number}.example.com`
      return connectRawAgent(t, pki, old.port, await pki.authority.issue({ certname }))
    })
  )
  for (const agent of agents) agent.send(compile)
  await master.until(() => held.length === 2)
  const next = await takeOver(t, config)
  await untilAlone(next.port)
  const late = await connectRawAgent(t, pki, next.port, identity)
  late.send(compile)
  const waits = async () => (await scrape(next.adminPort)).sum('puppet_lb_queue_depth')
  while ((await waits()) === 0 && held.length === 2);
  for (const count of [3, 4]) {
    t.equal(most(), 2)
    held[count - 3]?.end('{}')
    await master.until(() => held.length === count)
  }
  for (const response of held.slice(2)) response.end('{}')
  t.match(await late.until('{}'), /200 OK/)
  for (const agent of agents) t.match(await agent.end, /200 OK/)
  t.equal(most(), 2)
  t.equal(await old.ended, 0)
})

t.test('one that ends before it serves changes nothing', async t => {
  const { config, socket } = await startScene(t)
  const old = await startHandingOver(t, config)
  const before = await findPredecessor(config, ask)
  before?.giveUp()
  await old.line({
    msg: `process ${process.pid}, which was about to take over, has ended: this one serves on`
  })
  const during = await findPredecessor(config, ask)
  t.ok(await during?.release(), 'the admin listener is given up')
  await t.rejects(look(old.adminPort, '/readyz'))
  during?.giveUp()
  await old.atLeast(2, { level: 'warn' })
  const after = await findPredecessor(config, ask)
  t.ok(after, `operators find it at ${socket} again`)
  after?.giveUp()
  t.match(await look(old.adminPort, '/readyz'), { status: 200 }, 'and at its port')
})

t.test('only one at a time may take over', async t => {
  const { config } = await startScene(t)
  await startHandingOver(t, config)
  const first = await findPredecessor(config, ask)
  await t.rejects(findPredecessor(config, ask), { message: /Process \d+ is about to take over already/ })
  first?.giveUp()
})

t.test('over TCP it takes the token', async t => {
  const { config } = await startScene(t, { admin: { socket: undefined, token: 'right' } })
  const old = await startHandingOver(t, config)
  const at = (token: string | undefined) => ({
    ...config,
    boot: { ...config.boot, admin: { ...config.boot.admin, port: old.adminPort, token } }
  })
  await t.rejects(findPredecessor(at('wrong'), ask), { message: /This is not the admin token/ })
  await t.rejects(findPredecessor(at(undefined), ask), { message: /This needs the admin token/ })
  const next = await takeOver(t, at('right'))
  t.equal(next.adminPort, old.adminPort)
  t.equal(await old.ended, 0)
})

t.test('other addresses than those of the one that runs are no takeover', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const elsewhere = { ...config, boot: { ...config.boot, listen: { ...config.boot.listen, port: 1 } } }
  await t.rejects(takeOver(t, elsewhere), { message: /a takeover keeps both.*start without --takeover/ })
  t.match(await look(old.adminPort, '/readyz'), { status: 200 })
})

t.test('a balancer that does not know takeovers is told from one that refuses', async t => {
  const older = createServer((_request, response) => response.writeHead(404).end('There is /metrics\n'))
  const socket = join(folder(t), 'admin.sock')
  await new Promise<void>(resolve => older.listen(socket, resolve))
  t.teardown(() => older.close())
  const { config } = await startScene(t, { admin: { socket } })
  await t.rejects(findPredecessor(config, ask), { message: /of a version that cannot hand over: stop it/ })
})

t.test('a plain start beside one that runs is refused', async t => {
  const { config } = await startScene(t)
  const old = await startHandingOver(t, config)
  const beside = {
    ...config,
    boot: {
      listen: { ...config.boot.listen, port: old.port },
      admin: { ...config.boot.admin, socket: undefined }
    }
  }
  await t.rejects(startHandingOver(t, beside), { code: 'EADDRINUSE' })
})
