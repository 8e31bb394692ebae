import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { reloaded, startScene } from '../admin/scene.ts'
import { puppetLb } from './puppet-lb.ts'

type Test = { teardown: (task: () => unknown) => void }

/** Something else on the port of the admin listener. */
async function startForeign(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a reload says what changed and what needs a restart', async t => {
  const changed = [
    { key: 'balance.policy', from: 'least-loaded', to: 'round-robin' },
    { key: 'masters.beta.url', from: null, to: 'https://beta:8140' },
    { key: 'masters.alpha.url', from: 'https://alpha:8140', to: null }
  ]
  const { origin } = await startScene(t, { deps: { reload: async () => ({ ...reloaded, changed }) } })
  t.same(await puppetLb(['reload', '--admin', origin]), {
    code: 0,
    out: `reloaded
  balance.policy: least-loaded -> round-robin
  masters.beta.url: none -> https://beta:8140
  masters.alpha.url: https://alpha:8140 -> none
needs a restart: listen.port
`,
    err: ''
  })
})

t.test('what was is red and what is green, for a person at a terminal alone', async t => {
  const { origin } = await startScene(t)
  const { out } = await puppetLb(['reload', '--admin', origin], { isInteractive: true })
  t.match(out.split('\n')[1], '  balance.policy: \x1b[31mleast-loaded\x1b[39m -> \x1b[32mround-robin\x1b[39m')
})

t.test('a reload of the same file says so', async t => {
  const reload = async () => ({ ...reloaded, changed: [], needsRestart: [] })
  const { origin } = await startScene(t, { deps: { reload } })
  t.same(await puppetLb(['reload', '--admin', origin]), {
    code: 0,
    out: 'reloaded, nothing changed\n',
    err: ''
  })
})

t.test('a bad file is told with every problem, and the exit code is 1', async t => {
  const problems = ['lb.yaml:1:1 tls: is missing', 'lb.yaml:1:1 ca: is missing']
  const reload = async () => ({ ...reloaded, ok: false, problems, changed: [] })
  const { origin } = await startScene(t, { deps: { reload } })
  t.same(await puppetLb(['reload', '--admin', origin]), {
    code: 1,
    out: '',
    err: `puppet-lb: not reloaded, everything stays as it was\n${problems.join('\n')}\n`
  })
})

t.test('through the socket nothing else is needed', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'plb-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const socket = join(folder, 'admin.sock')
  const { reloads } = await startScene(t, { admin: { socket, token: 'secret' } })
  t.match(await puppetLb(['reload', '--admin', `unix:${socket}`]), { code: 0 })
  t.equal(reloads(), 1)
})

t.test('the token of the environment goes along, whatever characters it has', async t => {
  const token = 'pass phrase: sésame'
  const { origin, reloads } = await startScene(t, { admin: { token } })
  t.match(await puppetLb(['reload', '--admin', origin], { env: { PUPPET_LB_ADMIN_TOKEN: token } }), {
    code: 0
  })
  t.equal(reloads(), 1)
})

t.test('a refusal ends with 2 and the sentence of the listener', async t => {
  const { origin, reloads } = await startScene(t, { admin: { token: 'secret' } })
  t.same(await puppetLb(['reload', '--admin', origin]), {
    code: 2,
    out: '',
    err: `puppet-lb: the admin listener ${origin} refused: This needs the admin token, as Authorization: Bearer TOKEN or as the password of Basic.\n`
  })
  t.match(await puppetLb(['reload', '--admin', origin], { env: { PUPPET_LB_ADMIN_TOKEN: 'x' } }), {
    code: 2,
    err: /refused: This is not the admin token\.\n$/
  })
  t.equal(reloads(), 0)
})

t.test('nobody there ends with 2 and says why', async t => {
  const { origin, close } = await startScene(t)
  await close()
  t.same(await puppetLb(['reload', '--admin', origin]), {
    code: 2,
    out: '',
    err: `puppet-lb: the admin listener ${origin} cannot be reached: ECONNREFUSED\n`
  })
  t.same(await puppetLb(['reload', '--admin', 'unix:/nowhere/admin.sock']), {
    code: 2,
    out: '',
    err: 'puppet-lb: the admin listener unix:/nowhere/admin.sock cannot be reached: ENOENT\n'
  })
})

t.test('a failure of the balancer is told in its words, without what could move a terminal', async t => {
  const reload = () => Promise.reject(new Error('the \x1b[31mdisk\x07 is gone\nat line 1'))
  const { origin } = await startScene(t, { deps: { reload } })
  t.match(await puppetLb(['reload', '--admin', origin]), {
    code: 2,
    err: `puppet-lb: the admin listener ${origin} answered 500: the [31mdisk is gone\n`
  })
})

t.test('something else on that port is recognised', async t => {
  const page = await startForeign(t, (_request, response) => response.end('<html>'))
  t.match(await puppetLb(['reload', '--admin', page]), {
    code: 2,
    err: /gave an answer that is not its own: no JSON\n$/
  })
  const elsewhere = await startForeign(t, (_request, response) => {
    response.writeHead(302, { location: 'http://192.0.2.1/' }).end()
  })
  t.match(await puppetLb(['reload', '--admin', elsewhere]), { code: 2, err: /answered 302\n$/ })
})
