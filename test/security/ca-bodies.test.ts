import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { connectRawAgent } from '../support/raw-agent.ts'

const AGENTS = 60
const MIB = 1024 * 1024
/** Of each body, which goes on after that without ever coming to its end. */
const SENT = 5 * MIB
/** Half of what has gone through. What is on its way, and what was not collected yet, is less, however much that is. */
const MOST_MIB = (AGENTS * SENT) / MIB / 2

const skip = !existsSync('/proc/self/status') && 'there is no /proc'

t.test('of bodies for the CA nothing is kept, however many are under way', { skip }, async t => {
  const pki = await createTestPki()
  const ca = await startCa(t)
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'm1', url: 'http://127.0.0.1:1' }],
    log: { level: 'info', access: false }
  })
  const agents = await Promise.all(
    Array.from({ length: AGENTS }, () => connectRawAgent(t, pki, balancer.port))
  )
  // The head goes on with the first of the body.
  for (const agent of agents)
    agent.send(
      `PUT /puppet-ca/v1/certificate_request/x HTTP/1.1\r\nHost: puppet\r\nContent-Length: ${2 * SENT}\r\n\r\nx`
    )
  await ca.until(({ requests }) => requests === AGENTS)
  const before = residentMiB(balancer.process.pid)
  const body = Buffer.alloc(SENT - 1, 'x')
  for (const agent of agents) agent.send(body)
  await ca.until(({ bytes }) => bytes === AGENTS * SENT)
  const grown = residentMiB(balancer.process.pid) - before
  t.ok(grown < MOST_MIB, `${Math.round(grown)} MiB more, after ${Math.round(2 * MOST_MIB)} MiB went through`)
})

/** A CA that reads what comes and never answers. */
async function startCa(t: { teardown: (task: () => unknown) => void }) {
  const seen = { requests: 0, bytes: 0 }
  const looks = new Set<() => void>()
  const look = () => {
    for (const each of looks) each()
  }
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/status/')) {
      response.end('running')
      return
    }
    seen.requests++
    look()
    request.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length
      look()
    })
    request.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    until(holds: (now: typeof seen) => boolean) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const check = () => {
        if (holds(seen)) resolve()
      }
      looks.add(check)
      check()
      return promise.finally(() => looks.delete(check))
    }
  }
}

function residentMiB(pid: number | undefined): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}
