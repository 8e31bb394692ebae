import t from 'tap'
import { askCatalog, createEnrolledAgent, runAgent } from './support/agent.ts'
import { reaches } from './support/background.ts'
import { compileMasters } from './support/layout.ts'
import { accessLogOf, compilesOn } from './support/master.ts'
import { admin, askProxy, startProxy } from './support/proxy.ts'

const COMPILE_SECONDS = 10
const COMPILING_DEADLINE_MS = 60_000
const CLOSED_MS = 5000

const proxy = await startProxy({ name: 'signals' })
t.teardown(proxy.end)
const agent = await createEnrolledAgent({ certname: 'unmoved.example.test' })

t.test('a catalog in flight survives SIGHUP, SIGUSR1 and SIGUSR2', async t => {
  const run = runAgent(agent, COMPILE_SECONDS)
  t.ok(await reaches(isCompiling, COMPILING_DEADLINE_MS), 'it compiles')
  await proxy.reload({})
  proxy.signal('SIGUSR1')
  proxy.signal('SIGUSR2')
  t.equal((await admin('/readyz')).status, 200, 'the balancer serves on')
  t.ok(await isCompiling(), 'and the catalog compiles still')
  const { status, output } = await run
  t.equal(status, 2, 'which arrives and is applied', { output })
  t.equal(catalogsServed(), 1, 'by the compile it began with')
  t.ok(proxy.isRunning())
  t.notMatch(proxy.log(), /debugger/i, 'and nobody can debug it')
})

t.test('SIGQUIT drains: what compiles is answered, nobody new is let in, and then it ends well', async t => {
  const catalog = askCatalog(agent, COMPILE_SECONDS)
  t.ok(await reaches(isCompiling, COMPILING_DEADLINE_MS), 'it compiles')
  proxy.signal('SIGQUIT')
  const isClosed = async () =>
    askProxy('/status/v1/simple').then(
      () => false,
      () => true
    )
  t.ok(await reaches(isClosed, CLOSED_MS), 'new connections are refused')
  t.ok(await isCompiling(), 'while the catalog compiles')
  const { status, body } = await catalog
  t.equal(status, 200, 'status', { body })
  t.match(body, /"name":"unmoved\.example\.test"/)
  t.equal(await proxy.ended(), 0)
})

async function isCompiling(): Promise<boolean> {
  const compiles = await Promise.all(compileMasters.map(compilesOn))
  return compiles.some(count => count > 0)
}

/** Catalogs this agent was given; a master notes a request once it is answered. */
function catalogsServed(): number {
  const isIts = (line: string) => /"(GET|POST) \/puppet\/v3\/catalog\/unmoved/.test(line)
  return compileMasters.flatMap(accessLogOf).filter(isIts).length
}
