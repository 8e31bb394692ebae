import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { scrape } from '../support/metrics.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { startScene } from './support/scene.ts'

/** What a catalog takes, which is learnt from the first one. */
const COMPILE_MS = 400
/** Catalogs before whoever is sent away: some twenty seconds of work. */
const WAITING = 50
/** More of them, with turns of their own, would fill the half hour that turns are given within and begin anew. */
const STRANGERS = 600
/** So many of them come on one connection. */
const EACH = 60
/** A turn is told in whole seconds, and comes one catalog after the one before it. */
const ROUNDING_S = 2
const node = '/puppet/v3/node/x?environment=production'
const headers = { 'X-Puppet-Version': '8.10.0' }

const pki = await createTestPki()
const operator = await pki.authority.issue({ certname: 'operator.example.com' })
const agent = await pki.authority.issue({ certname: 'agent-00.example.com' })

/** Two workers in front of a master whose only JRuby is busy, and the queue that waits for it. */
async function setUp(t: Test) {
  const held: ServerResponse[] = []
  let isFirst = true
  const scene = await startScene(t, {
    pki,
    jrubies: 1,
    overrides: {
      listen: { workers: 2 },
      queue: { shedAboveMs: 0 },
      access: { administrators: [operator.certname], withoutCertificate: 'forward' }
    },
    script(_request, response) {
      if (isFirst) setTimeout(() => response.end(), COMPILE_MS)
      else held.push(response)
      isFirst = false
    }
  })
  const { port, adminPort } = scene.app
  const catalog = { method: 'POST', path: '/puppet/v3/catalog/x?environment=production', body: 'facts=x' }
  await connectAgent(t, pki, port, operator).ask(catalog)
  // Agents without a version wait. They break off when all is over.
  for (let count = 0; count <= WAITING; count++)
    connectAgent(t, pki, port, operator)
      .open(catalog)
      .on('error', () => {})
  while ((await scrape(adminPort)).sum('puppet_lb_queue_depth') !== WAITING);
  return {
    /** The turn that an agent is told, in seconds, asking on a connection of its own. */
    async turnOf(number: number): Promise<number> {
      const name = `agent-${String(number).padStart(2, '0')}.example.com`
      const identity = renamedCertificate(agent, name, pki.authority)
      const { status, headers: told } = await connectAgent(t, pki, port, identity).ask({
        path: node,
        headers
      })
      t.equal(status, 503)
      return Number(told['retry-after'])
    },
    /** What so many strangers are told. */
    async strangers(count: number): Promise<number[]> {
      const raw = await connectRawAgent(t, pki, port)
      raw.send(`GET ${node} HTTP/1.1\r\nHost: puppet\r\nX-Puppet-Version: 8.10.0\r\n\r\n`.repeat(count))
      const told = /retry-after: (\d+)\r/gi
      const text = await raw.until(all => all.split('Request ').length > count)
      return [...text.matchAll(told)].map(([, seconds]) => Number(seconds))
    }
  }
}

t.test('strangers move nobody’s turn, and turns are spread', async t => {
  const { turnOf, strangers } = await setUp(t)
  const before = await turnOf(0)
  t.ok(before >= (WAITING * COMPILE_MS) / 1_000, `behind all who wait: ${before} s`)

  const told = (await Promise.all(Array.from({ length: STRANGERS / EACH }, () => strangers(EACH)))).flat()
  t.equal(told.length, STRANGERS)
  t.ok(new Set(told).size > before / 2, `strangers come back in ${new Set(told).size} different seconds`)
  t.ok(Math.min(...told) >= before - ROUNDING_S, 'and not before those who wait')

  const after = await turnOf(1)
  t.ok(after <= before + ROUNDING_S, `${before} s before, ${after} s after ${STRANGERS} strangers`)

  const fleet: number[] = []
  for (let number = 2; number < 30; number++) fleet.push(await turnOf(number))
  t.ok(new Set(fleet).size > 5, `one after the other: ${fleet.join(' ')}`)
  const again = await Promise.all(Array.from({ length: 8 }, () => turnOf(29)))
  const last = fleet.at(-1) as number
  t.ok(
    again.every(seconds => seconds <= last),
    `one turn each, whichever worker is asked: ${last}, then ${again.join(' ')}`
  )
})
