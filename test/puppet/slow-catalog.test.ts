import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import t from 'tap'
import { type Agent, createEnrolledAgent, runAgent } from './support/agent.ts'
import { operator } from './support/authority.ts'
import { reaches } from './support/background.ts'
import { compileMasters, type MasterLayout, ports, proxyHost, scratch } from './support/layout.ts'
import { askMaster, compilesOn } from './support/master.ts'
import { withOneJRuby } from './support/one-jruby.ts'
import { admin, askProxy, shortName, startProxy } from './support/proxy.ts'

const COMPILE_SECONDS = 10
const COMPILING_DEADLINE_MS = 60_000
const FREE_DEADLINE_MS = 10_000
const LIGHT_REQUESTS = 5
/** More than all buffers between a master and an agent that does not read. */
const LARGE_BYTES = 64 * 1024 * 1024
const files = scratch('code/environments/production/modules/probe/files')
const environment = 'environment=production'

// The last file of the suite, so nobody needs them as they were.
await Promise.all(compileMasters.map(withOneJRuby))
writeFileSync(`${files}/large`, Buffer.alloc(LARGE_BYTES, 'x'))
t.teardown((await startProxy({ name: 'slow-catalog' })).end)
const slow = await createEnrolledAgent({ certname: 'slow.example.test' })
const quick = await createEnrolledAgent({ certname: 'quick.example.test' })

t.test('a master whose one JRuby compiles does not delay what another master could serve', async t => {
  const run = runAgent(slow, COMPILE_SECONDS)
  let busy: MasterLayout | undefined
  const compiling = await reaches(async () => {
    for (const master of compileMasters) if ((await compilesOn(master)) > 0) busy = master
    return busy !== undefined
  }, COMPILING_DEADLINE_MS)
  t.ok(compiling, 'it compiles')
  for (let count = 0; count < LIGHT_REQUESTS; count++) {
    const { status } = await askProxy(`/puppet/v3/file_metadata/modules/probe/motd?${environment}`, {
      as: quick.ssl
    })
    t.equal(status, 200)
  }
  t.equal(await compilesOn(busy as MasterLayout), 1, 'and it compiles still')
  const { status, output } = await run
  t.ok([0, 2].includes(status), `ended with ${status}`, { output })
})

t.test('a JRuby is free while an agent still reads what it has made', async t => {
  const answer = await open(quick, `/puppet/v3/file_content/modules/probe/large?${environment}`)
  t.equal(answer.statusCode, 200)
  const serving = await inFlight()
  t.equal(serving.length, 1, 'one master serves it')
  const [master] = serving as [MasterLayout]
  t.ok(await reaches(async () => (await freeJRubies(master)) === 1, FREE_DEADLINE_MS), 'its JRuby is free')
  const { status } = await askProxy(`/puppet/v3/file_metadata/modules/probe/motd?${environment}`, {
    as: quick.ssl
  })
  t.equal(status, 200, 'and serves the next request of an agent pinned to it')
  t.same(await inFlight(), serving, 'while the answer before is on its way')
  let bytes = 0
  for await (const chunk of answer) bytes += chunk.length
  t.equal(bytes, LARGE_BYTES, 'which comes whole')
})

/** Asks the balancer and does not read the body. */
async function open({ ssl }: Agent, path: string): Promise<IncomingMessage> {
  const asked = request(`https://${proxyHost}:${ports.proxy}${path}`, {
    headers: { accept: '*/*' },
    agent: false,
    ca: readFileSync(operator().ca),
    cert: readFileSync(ssl.cert),
    key: readFileSync(ssl.key)
  })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}

/** Compile masters that have a request of ours open. */
async function inFlight(): Promise<MasterLayout[]> {
  const { body } = await admin('/metrics')
  return compileMasters.filter(master =>
    body.includes(`\npuppet_lb_in_flight{master="${shortName(master)}"} 1\n`)
  )
}

async function freeJRubies(master: MasterLayout): Promise<number> {
  const { body } = await askMaster(master, '/status/v1/services/jruby-metrics?level=debug')
  return JSON.parse(body).status.experimental.metrics['num-free-jrubies']
}
