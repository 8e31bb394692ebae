import type { ServerResponse } from 'node:http'
import t from 'tap'
import { orderOf } from '../../src/balance/policy.ts'
import { byRendezvous } from '../../src/balance/rendezvous.ts'
import type { Affinity } from '../../src/model/settings.ts'
import { connectAgent, type TestAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { masters } from '../support/masters.ts'
import { type ScriptedMaster, startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const node = '/puppet/v3/node/a.example.com?environment=production'
const plugins = '/puppet/v3/file_metadatas/plugins?environment=production'
const content = '/puppet/v3/file_content/modules/a/b?environment=production'
const catalog = '/puppet/v3/catalog/a.example.com?environment=production'
const report = '/puppet/v3/report/a.example.com?environment=production'

interface Scene {
  readonly topology: Parameters<typeof testConfig>[1]
  readonly masters: Readonly<Record<string, ScriptedMaster>>
  /** Requests for a path with `held` in it, unanswered, by master and in their order. */
  readonly held: Readonly<Record<string, ServerResponse[]>>
}

/** Masters that answer with their name, and hold what is asked to be held. */
async function startMasters(t: Test, names: readonly string[], jrubies: number): Promise<Scene> {
  const held: Record<string, ServerResponse[]> = {}
  const started: Record<string, ScriptedMaster> = {}
  for (const name of names) {
    held[name] = []
    started[name] = await startScriptedMaster(
      t,
      (request, response) => {
        if (request.url?.includes('held')) held[name]?.push(response)
        else response.end(name)
      },
      { jrubies }
    )
  }
  const topology = {
    ca: started[names[0] as string]?.url ?? '',
    masters: names.map(name => ({ name, url: started[name]?.url ?? '' }))
  }
  return { topology, masters: started, held }
}

/** The masters in the order in which a certname prefers them. */
function preferenceOf(certname: string, names: readonly string[]): string[] {
  const pool = masters(Object.fromEntries(names.map(name => [name, 1])))
  return orderOf(byRendezvous, pool, { key: certname }).map(({ name }) => name)
}

/** The first `count` certnames that prefer a master. */
function certnamesOf(home: string, names: readonly string[], count: number): string[] {
  const found: string[] = []
  for (let number = 0; found.length < count; number++) {
    const certname = `agent${number}.example.com`
    if (preferenceOf(certname, names)[0] === home) found.push(certname)
  }
  return found
}

async function connectAs(t: Test, port: number, certname: string): Promise<TestAgent> {
  return connectAgent(t, pki, port, await pki.authority.issue({ certname }))
}

/** Two masters, `home` and `away`, an agent that prefers `home`, and neighbours that keep a JRuby busy. */
async function startRun(t: Test, affinity: Affinity) {
  const names = ['home', 'away']
  const { topology, masters, held } = await startMasters(t, names, 2)
  const app = await startBalancer(t, testConfig(pki, topology, { balance: { affinity } }))
  const [certname, ...neighbours] = certnamesOf('home', names, 4) as [string, ...string[]]
  const busy = { home: neighbours, away: certnamesOf('away', names, 3) }
  const agent = await connectAs(t, app.port, certname)
  return {
    /** The name of the master that answers. */
    ask: async (path: string, method = 'GET') =>
      (await agent.ask({ path, method, ...(method !== 'GET' && { body: 'x' }) })).body,
    /** One request more that a master does not answer until it is released. */
    async occupy(name: 'home' | 'away') {
      const neighbour = await connectAs(t, app.port, busy[name].pop() as string)
      const count = (held[name]?.length ?? 0) + 1
      const answer = neighbour.ask({ path: '/puppet/v3/node/held' })
      await masters[name]?.until(() => held[name]?.length === count)
      return {
        async release() {
          held[name]?.[count - 1]?.end()
          await answer
        }
      }
    }
  }
}

t.test('with `run` a whole run stays on one master, even when another is idle', async t => {
  const { ask, occupy } = await startRun(t, 'run')
  const filling = [await occupy('home'), await occupy('home')]
  t.equal(await ask(node), 'away', 'it begins where there is room')
  for (const one of filling) await one.release()
  const busy = await occupy('away')
  for (const path of [plugins, content]) t.equal(await ask(path), 'away', path)
  t.equal(await ask(catalog, 'POST'), 'away', 'the catalog')
  for (const path of [plugins, content]) t.equal(await ask(path), 'away', `${path} of the catalog`)
  t.equal(await ask(report, 'PUT'), 'away', 'the report')
  t.equal(await ask(node), 'home', 'the report has ended the run: the next one begins anew')
  await busy.release()
})

t.test('with `phase` the catalog goes where there is most room, and its files follow it', async t => {
  const { ask, occupy } = await startRun(t, 'phase')
  t.equal(await ask(node), 'home')
  const before = await occupy('home')
  for (const path of [plugins, content]) t.equal(await ask(path), 'home', 'pluginsync stays')
  t.equal(await ask(catalog, 'POST'), 'away', 'the catalog moves')
  await before.release()
  const after = await occupy('away')
  for (const path of [plugins, content]) t.equal(await ask(path), 'away', 'its files follow it')
  t.equal(await ask(report, 'PUT'), 'home', 'the report goes where there is most room')
  t.equal(await ask(node), 'home', 'and has ended the run: the next one begins anew')
  await after.release()
})

t.test('balancers that know nothing of each other', async t => {
  const names = ['a', 'b', 'c']
  const { topology, masters, held } = await startMasters(t, names, 1)
  const config = testConfig(pki, topology)
  const apps = [await startBalancer(t, config), await startBalancer(t, config)]

  await t.test('send a certname to the same master first', async t => {
    const used = new Set<string>()
    for (let number = 100; number < 112; number++) {
      const certname = `agent${number}.example.com`
      const answers: string[] = []
      for (const { port } of apps) {
        const agent = await connectAs(t, port, certname)
        answers.push((await agent.ask({ path: node })).body)
      }
      t.equal(answers[0], answers[1], certname)
      used.add(answers[0] ?? '')
    }
    t.same([...used].toSorted(), names, 'and use all of them')
  })

  await t.test('and to the same one next when that is full', async t => {
    const [filler, ...others] = certnamesOf('a', names, 9) as [string, ...string[]]
    const answers: Promise<unknown>[] = []
    for (const [index, { port }] of apps.entries()) {
      const agent = await connectAs(t, port, filler)
      answers.push(agent.ask({ path: '/puppet/v3/node/held' }))
      await masters.a?.until(() => held.a?.length === index + 1)
    }
    const used = new Set<string>()
    for (const certname of others) {
      const [, next] = preferenceOf(certname, names)
      for (const { port } of apps) {
        const agent = await connectAs(t, port, certname)
        t.equal((await agent.ask({ path: node })).body, next, certname)
      }
      used.add(next ?? '')
    }
    t.same([...used].toSorted(), ['b', 'c'], 'which is not the same for all of them')
    for (const response of held.a ?? []) response.end()
    await Promise.all(answers)
  })
})
