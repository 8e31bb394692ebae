import t from 'tap'
import { request } from 'undici'
import { type AgentList, type AgentQuery, usualAgentQuery } from '../../src/model/agents.ts'
import { startScene } from './scene.ts'

type Test = { teardown: (task: () => unknown) => void }

const list: AgentList = { total: 3, agents: [] }

async function setUp(t: Test) {
  const asked: AgentQuery[] = []
  const { origin } = await startScene(t, {
    deps: {
      async agents(query) {
        asked.push(query)
        return list
      }
    }
  })
  const get = async (query: string) => {
    const answer = await fetch(`${origin}/api/agents${query}`)
    return { status: answer.status, text: await answer.text() }
  }
  return { asked, get }
}

t.test('agents are listed as the query asks', async t => {
  const { asked, get } = await setUp(t)
  t.same(JSON.parse((await get('')).text), list)
  await get('?query=web-&limit=1000&offset=2000')
  await get('?filter=expiring&within=7d')
  await get('?filter=slow&query=')
  t.same(asked, [
    usualAgentQuery,
    { ...usualAgentQuery, query: 'web-', limit: 1_000, offset: 2_000 },
    { ...usualAgentQuery, filter: 'expiring', withinDays: 7 },
    { ...usualAgentQuery, filter: 'slow' }
  ])
})

t.test('what cannot be asked is refused, all of it at once, with what can', async t => {
  const { asked, get } = await setUp(t)
  t.same(await get('?filter=broken&limit=1001&sort=name'), {
    status: 400,
    text:
      'This cannot be listed: filter must be one of expiring, slow, failing, old, noisy; ' +
      'limit must be a whole number from 1 to 1000; ' +
      'there is no sort, but query, filter, within, limit, offset.\n'
  })
  for (const query of [
    'limit=0',
    'limit=',
    'limit=1e2',
    'offset=-1',
    'offset=12345678',
    'filter=expiring&within=30',
    'filter=expiring&within=1h',
    'within=30d',
    'filter=slow&within=30d',
    'query=a&query=b',
    '__proto__=1',
    'constructor=1'
  ])
    t.equal((await get(`?${query}`)).status, 400, query)
  t.same(asked, [])
})

t.test('who they are is told to those who may ask, as everything else of the API', async t => {
  const { port } = await startScene(t, { admin: { host: '0.0.0.0', token: 'secret-secret-secret' } })
  const status = async (headers: Record<string, string>) => {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/api/agents`, { headers })
    await body.dump()
    return statusCode
  }
  t.equal(await status({}), 401)
  t.equal(await status({ authorization: 'Bearer wrong' }), 401)
  t.equal(await status({ authorization: 'Bearer secret-secret-secret' }), 200)
  t.equal(await status({ authorization: 'Bearer secret-secret-secret', host: 'rebound.example.com' }), 403)
})
