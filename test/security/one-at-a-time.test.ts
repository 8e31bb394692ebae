import type { ServerResponse } from 'node:http'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScene } from './support/scene.ts'

const pki = await createTestPki()
const healthy = await pki.authority.issue({ certname: 'healthy.example.com' })
const enrolled = await pki.authority.issue({ certname: 'enrolled.example.com' })
const overrides = { access: { withoutCertificate: 'refuse' } } as const
const node = (name: string | number) => `GET /puppet/v3/node/${name} HTTP/1.1\r\nHost: puppet\r\n\r\n`
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

t.test('of four hundred requests pipelined on one connection, one at a time takes a JRuby', async t => {
  const held: ServerResponse[] = []
  const scene = await startScene(t, {
    pki,
    jrubies: 2,
    overrides,
    script(request, response) {
      if (request.url?.endsWith('/healthy')) response.end('healthy')
      else held.push(response)
    }
  })
  const [master] = scene.masters
  const raw = await connectRawAgent(t, pki, scene.app.port, enrolled)
  raw.send(numbers(400).map(node).join(''))
  await master?.until(({ seen }) => seen.length === 1)
  const agent = connectAgent(t, pki, scene.app.port, healthy)
  for (let count = 0; count < 20; count++)
    t.equal((await agent.ask({ path: '/puppet/v3/node/healthy' })).status, 200)
  t.equal(held.length, 1)
  t.equal((await scrape(scene.app.adminPort)).sum('puppet_lb_queue_depth'), 0, 'and none of them waits')
  held[0]?.end('first')
  await master?.until(() => held.length === 2)
})

t.test('all of thousands of pipelined requests are answered, in their order', async t => {
  const scene = await startScene(t, {
    pki,
    overrides,
    script: (request, response) => response.end(`<${request.url?.split('/').at(-1)}>`)
  })
  const raw = await connectRawAgent(t, pki, scene.app.port, enrolled)
  raw.send(numbers(1_000).map(node).join(''))
  const text = await raw.until('<999>')
  t.same(
    [...text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number)),
    numbers(1_000)
  )
  raw.forget()
  raw.send(node('after'))
  await raw.until('<after>')
})

t.test('bodies among pipelined requests go where they belong', async t => {
  const scene = await startScene(t, {
    pki,
    overrides,
    script(request, response) {
      let body = ''
      request.on('data', chunk => {
        body += chunk
      })
      request.on('end', () => response.end(`<${request.method} ${body}>`))
    }
  })
  const raw = await connectRawAgent(t, pki, scene.app.port, enrolled)
  const catalog = (body: string) =>
    `POST /puppet/v3/catalog/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const large = 'f'.repeat(200_000)
  raw.send(
    numbers(20)
      .map(number => catalog(`${number}`) + node(number))
      .join('') +
      catalog(large) +
      node('last')
  )
  const text = await raw.until(all => all.split('<GET >').length === 22)
  const answers = [...text.matchAll(/<(\w+) (\w*)>/g)].map(([, method, body]) => `${method} ${body?.length}`)
  t.same(answers, [
    ...numbers(20).flatMap(number => [`POST ${`${number}`.length}`, 'GET 0']),
    'POST 200000',
    'GET 0'
  ])
})

t.test('requests behind one that is served are not read without end', async t => {
  const scene = await startScene(t, { pki, overrides, jrubies: 1, script: () => {} })
  const raw = await connectRawAgent(t, pki, scene.app.port, enrolled)
  const bytes = Buffer.from(node('x').repeat(2_000))
  raw.send(node('first'))
  await scene.masters[0]?.until(({ seen }) => seen.length === 1)
  // What the sockets of both sides can hold between them, and far more.
  let isTaken = true
  for (let count = 0; count < 400 && isTaken; count++) {
    isTaken = await new Promise(resolve => {
      const timer = afterTurns(2_000, () => resolve(false))
      raw.socket.write(bytes, () => {
        timer.stop()
        resolve(true)
      })
    })
  }
  t.notOk(isTaken, `${raw.socket.bytesWritten} bytes were taken`)
})

/** Calls `then` after so many turns of the event loop, unless stopped. */
function afterTurns(turns: number, then: () => void) {
  let isStopped = false
  let left = turns
  const turn = () => {
    if (isStopped) return
    if (--left === 0) then()
    else setImmediate(turn)
  }
  turn()
  return {
    stop() {
      isStopped = true
    }
  }
}
