import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { knock, recordHello } from '../support/knocks.ts'
import { underEitherSetting } from '../support/own-network.ts'
import { connectRawAgent, type RawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const pki = await createTestPki()
const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href
const KNOCKS = 16
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: puppet\r\n\r\n`

/** The number of the worker that has this connection, which an answer of its own tells. */
async function workerOf(agent: RawAgent): Promise<string | undefined> {
  agent.forget()
  agent.send(get('/puppet-admin-api/v1/x'))
  return /Request \w+-(\d+)-/.exec(await agent.until(text => /Request [\w-]+$/.test(text)))?.[1]
}

/** Each setting has a process of its own, with a balancer in another one. */
t.setTimeout(120_000)

underEitherSetting(t, import.meta.filename, migrates => {
  const fate = migrates ? 'are served by another one' : 'are lost, since the system gives them to nobody'
  t.test(`connects that wait at a worker that dies ${fate}`, async t => {
    const master = await startScriptedMaster(t, (_request, response) => response.end('{}'))
    const balancer = await spawnBalancer(
      t,
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } },
      { nodeOptions: ['--import', crashModule] }
    )
    const agents = new Map<string | undefined, RawAgent>()
    while (agents.size < 2) {
      const certname = `agent${agents.size}.example.com`
      const agent = await connectRawAgent(t, pki, balancer.port, await pki.authority.issue({ certname }))
      agents.set(await workerOf(agent), agent)
    }
    const dies = join(balancer.directory, 'dies')
    const [dying, living] = [agents.get('0') as RawAgent, agents.get('1') as RawAgent]
    dying.send(get(`/crash?${dies}`))
    await balancer.line({ msg: 'a worker stands still' })

    const hello = await recordHello()
    const waiting = new Set<Promise<string>>()
    for (let count = 0; count < KNOCKS; count++) {
      const connected = Promise.withResolvers<void>()
      const each = knock(balancer.port, hello, connected.resolve)
      waiting.add(each)
      void each.then(() => waiting.delete(each))
      await connected.promise
    }
    // A worker takes one of them at each turn of its loop, so after so many answers it has had all that are its own.
    for (let turn = 0; turn < 2 * KNOCKS; turn++) await workerOf(living)
    const left = [...waiting]
    t.ok(left.length > 0, 'some wait at the one that stands still')
    await writeFile(dies, '')
    const ends = await Promise.all(left)
    t.same(
      ends,
      left.map(() => (migrates ? 'served' : 'reset'))
    )
    await balancer.line({ msg: 'a worker thread is replaced', worker: 0 })
    t.equal(await knock(balancer.port, hello), 'served')
  })
})
