import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { generateBody, hashingSink } from '../support/generated-body.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const MIB = 1024 ** 2
/** The suite has to be quick: PUPPET_LB_TEST_BODY_MIB=1024 is the whole of it. */
const BYTES = Number(process.env.PUPPET_LB_TEST_BODY_MIB ?? 256) * MIB
const WARM_UP_BYTES = 16 * MIB
/** How much the process may grow, whatever passes through it. */
const GROWTH_BYTES = 100 * MIB

// All of it is encrypted and decrypted twice, on the way in and on the way out.
t.setTimeout(300_000)

const pki = await createTestPki()
const path =
  '/puppet/v3/file_bucket_file/sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const length = { 'content-length': BYTES }

/** The most memory the process ever had resident since `forget`, by the kernel's own book. */
async function peakBytes({ process: { pid } }: BalancerProcess): Promise<number> {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

t.test('a quarter of a gibibyte each way leaves the process as small as it was', async t => {
  const received: string[] = []
  const download = generateBody(BYTES)
  const master = await startScriptedMaster(
    t,
    async (request, response) => {
      if (request.method === 'GET') {
        response.writeHead(200, length)
        await pipeline(download.stream, response)
        return
      }
      const sink = hashingSink()
      await pipeline(request, sink.stream)
      received.push(sink.hash())
      response.end()
    },
    { tls: pki.server }
  )
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'm1', url: master.url }],
    // Masters that share a processor with so many bytes answer late; whether they are up is not what is tested.
    health: { interval: '1h', timeout: '10s' }
  })
  const agent = connectAgent(
    t,
    pki,
    balancer.port,
    await pki.authority.issue({ certname: 'agent.example.com' })
  )
  // The room that the process needs to pass on bodies of any length is none of the growth; a GiB fits in it.
  await agent.ask({ method: 'PUT', path, body: Buffer.alloc(WARM_UP_BYTES) })
  const before = await peakBytes(balancer)

  await t.test('up', async t => {
    const body = generateBody(BYTES)
    const request = agent.open({ method: 'PUT', path, headers: length, body: body.stream })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    t.equal(response.resume().statusCode, 200)
    t.equal(received.at(-1), body.hash())
    const grown = (await peakBytes(balancer)) - before
    t.comment(`grew by ${Math.round(grown / MIB)} MiB`)
    t.ok(grown < GROWTH_BYTES)
  })
  await t.test('down', async t => {
    const [response] = (await once(agent.open({ path }), 'response')) as [IncomingMessage]
    const sink = hashingSink()
    await pipeline(response, sink.stream)
    t.equal(sink.bytes(), BYTES)
    t.equal(sink.hash(), download.hash())
    const grown = (await peakBytes(balancer)) - before
    t.comment(`grew by ${Math.round(grown / MIB)} MiB`)
    t.ok(grown < GROWTH_BYTES)
  })
})
