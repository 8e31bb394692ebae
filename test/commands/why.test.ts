import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../../src/commands/program.ts'
import type { Explanation } from '../../src/model/explanation.ts'
import { minimal, pemFiles } from '../config/fixture.ts'

type Test = { teardown: (task: () => unknown) => void }

const told: Explanation = {
  id: 'a-0-1',
  certname: 'a.example.com',
  class: 'light',
  rule: 'certname',
  pinned: 'm2',
  candidates: [
    { master: 'm1', open: 10, busy: 4, capacity: 4, weight: 1, score: 2.5, place: 2 },
    { master: 'long-name', open: 0, busy: 0, capacity: 12, weight: 75, score: 0, place: 1 }
  ],
  queueMs: 12.5,
  tried: [
    { master: 'm2', end: 'connect-failed', ms: 3 },
    { master: 'm1', end: 'open', ms: 61_234 }
  ],
  durationMs: 61_250,
  ageMs: 61_250,
  end: 'open'
}

/** An admin listener of the test's own, and what it was asked for. */
async function startListener(t: Test, listener: RequestListener) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    listener(request, response)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, asked, close: () => server.close() }
}

async function why(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  let [out, err] = ['', '']
  const code = await run(['why', ...args], {
    out: text => {
      out += text
    },
    err: text => {
      err += text
    },
    env
  })
  return { code, out, err }
}

t.test('everything that is told is printed', async t => {
  const { port, asked } = await startListener(t, (_request, response) => response.end(JSON.stringify(told)))
  t.same(await why(['a-0-1', '--admin', `http://127.0.0.1:${port}/`]), {
    code: 0,
    out: `request:  a-0-1, came 61.3 s ago
agent:    a.example.com
class:    light
chosen:   pinned to m2, else the first with room in the certname's own order
masters:  name       open  JRubies  weight  score  place
          m1         10    4 of 4   1       2.5    2
          long-name  0     0 of 12  75      0      1
queue:    12.5 ms
attempts: 1. m2: connect-failed after 3 ms
          2. m1: open after 61.2 s
ending:   still open after 61.3 s
`,
    err: ''
  })
  t.same(asked, ['/api/why/a-0-1'])
})

t.test('what was refused at once has no masters and no attempts', async t => {
  const refused = { ...told, certname: undefined, pinned: undefined, rule: 'none', candidates: [], tried: [] }
  const { port } = await startListener(t, (_request, response) =>
    response.end(JSON.stringify({ ...refused, end: 'admin-refused', status: 403, durationMs: 1.5 }))
  )
  const { out } = await why(['a-0-1', '--admin', `http://127.0.0.1:${port}`])
  t.match(out, 'agent:    without a certificate\n')
  t.match(out, 'chosen:   nobody was asked, the load balancer answered by itself\nmasters:  none\n')
  t.match(out, 'attempts: none\nending:   admin-refused after 1.5 ms, status 403\n')
})

t.test('a certificate that was refused is told with what is wrong with it', async t => {
  const refused = { ...told, certname: undefined, pinned: undefined, rule: 'none', candidates: [], tried: [] }
  const ending = { end: 'certificate-refused', cause: 'it is revoked', status: 403, durationMs: 1.5 }
  const { port } = await startListener(t, (_request, response) =>
    response.end(JSON.stringify({ ...refused, ...ending }))
  )
  const { out } = await why(['a-0-1', '--admin', `http://127.0.0.1:${port}`])
  t.match(out, 'agent:    with a certificate that was refused\n')
  t.match(out, 'ending:   certificate-refused (it is revoked) after 1.5 ms, status 403\n')
})

t.test('of very many attempts the last ones keep their numbers', async t => {
  const attempt = { master: 'm1', end: 'connect-failed', ms: 1 }
  const many = { ...told, tried: Array(10).fill(attempt), leftOut: 90 }
  const { port } = await startListener(t, (_request, response) => response.end(JSON.stringify(many)))
  const { out } = await why(['a-0-1', '--admin', `http://127.0.0.1:${port}`])
  const numbers = [...out.matchAll(/(\d+)\. m1: /g)].map(([, number]) => Number(number))
  t.same(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 99, 100])
})

t.test('the configuration says where to ask, and an id may hold anything', async t => {
  const { port, asked } = await startListener(t, (_request, response) => response.writeHead(404).end())
  const file = join(t.testdir({ ...pemFiles, 'lb.yaml': minimal() }), 'lb.yaml')
  const env = { PUPPET_LB_ADMIN_PORT: String(port), PUPPET_LB_ADMIN_HOST: '0.0.0.0' }
  t.same(await why(['../a?b', '--config', file], env), {
    code: 1,
    out: '',
    err: 'puppet-lb: nothing is remembered of a request ../a?b\n'
  })
  t.same(asked, ['/api/why/..%2Fa%3Fb'])
})

t.test('a listener that cannot tell ends with 2 and one sentence', async t => {
  const broken = await startListener(t, (_request, response) => response.writeHead(500).end())
  const admin = `http://127.0.0.1:${broken.port}`
  t.same(await why(['a', '--admin', admin]), {
    code: 2,
    out: '',
    err: `puppet-lb: the admin listener ${admin} answered 500\n`
  })
  const cut = await startListener(t, request => request.socket.destroy())
  t.match(await why(['a', '--admin', `http://127.0.0.1:${cut.port}`]), {
    code: 2,
    out: '',
    err: /^puppet-lb: the admin listener http:\S+ cannot be reached: \w+\n$/
  })
})
