import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { chatter } from '../support/chatty-agent.ts'
import { createLogReader, type LogLine } from '../support/log-lines.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const reloaded = { msg: 'configuration is reloaded' }

/** A balancer that has been told to log to `lb.log` beside its configuration from now on. */
async function start(t: Test, log: Readonly<Record<string, unknown>> = {}): Promise<BalancerProcess> {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const balancer = await spawnBalancer(t, pki, {
    ca: ca.url,
    masters: [{ name: 'm1', url: master.url }],
    listen: { workers: 2 }
  })
  await balancer.rewrite({ log: { file: 'lb.log', ...log } })
  await reload(balancer)
  return balancer
}

/** Resolves once a reload is over, as `puppet-lb reload` does. */
async function reload({ adminPort }: BalancerProcess): Promise<{ readonly problems: readonly string[] }> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/api/reload`, {
    method: 'POST',
    headers: { 'x-puppet-lb': '1' }
  })
  return (await answer.json()) as { problems: readonly string[] }
}

async function end({ process, exit }: BalancerProcess): Promise<void> {
  process.kill('SIGTERM')
  await exit
}

async function linesOf(directory: string, name: string): Promise<readonly LogLine[]> {
  const reader = createLogReader()
  reader.read(await readFile(join(directory, name), 'utf8'))
  return reader.lines
}

const requestsIn = (lines: readonly LogLine[]) => lines.filter(line => line.msg === 'request')

t.test('a log that is renamed goes on under its name after SIGHUP, and no line is lost', async t => {
  const balancer = await start(t)
  const { directory, port } = balancer
  const log = join(directory, 'lb.log')
  let rounds = 0
  const load = chatter(t, pki, port, 3_000)
  const isOver = load.then(() => true)
  while (!(await Promise.race([isOver, rotate()])));
  async function rotate(): Promise<false> {
    await rename(log, join(directory, `lb.log.${rounds++}`))
    balancer.process.kill('SIGHUP')
    // The answer to this one comes after that.
    await reload(balancer)
    return false
  }
  await end(balancer)
  const names = [...Array.from({ length: rounds }, (_, round) => `lb.log.${round}`), 'lb.log']
  const logs = await Promise.all(names.map(name => linesOf(directory, name)))
  t.ok(rounds > 1, `${rounds} rotations`)
  t.equal(logs.flatMap(requestsIn).length, 3_000)
})

t.test('a renamed log is reopened although the configuration is refused', async t => {
  const balancer = await start(t)
  const { directory } = balancer
  await balancer.rewrite({ log: { file: 'lb.log', level: 'loud' } })
  await rename(join(directory, 'lb.log'), join(directory, 'lb.log.1'))
  t.match(await reload(balancer), { problems: [/log\.level/] })
  await end(balancer)
  const messages = (await linesOf(directory, 'lb.log')).map(({ msg }) => String(msg))
  t.ok(messages.some(msg => msg.startsWith('configuration is not reloaded')))
})

t.test('a file that cannot be opened is refused with its place, and the log stays where it is', async t => {
  const balancer = await start(t)
  await balancer.rewrite({ log: { file: 'missing/lb.log' } })
  const { problems } = await reload(balancer)
  t.match(problems, [
    /puppet-lb\.yaml:1:\d+ log\.file: is ".*missing\/lb\.log", but its directory does not exist/
  ])
  await end(balancer)
  t.equal((await linesOf(balancer.directory, 'lb.log')).at(-1)?.msg, 'stopped')
})

t.test('without the access log nothing is said of requests, until it is wanted again', async t => {
  const balancer = await start(t, { access: false })
  await chatter(t, pki, balancer.port, 20)
  await balancer.rewrite({ log: { file: 'lb.log' } })
  await reload(balancer)
  await chatter(t, pki, balancer.port, 40)
  await end(balancer)
  const lines = await linesOf(balancer.directory, 'lb.log')
  t.equal(requestsIn(lines).length, 40)
  t.match(lines.filter(line => line.msg === reloaded.msg).at(-1), { changed: ['log.access'] })
})

t.test('a renamed log is reopened by the reload that a changed file sets off', async t => {
  const balancer = await start(t, { access: false })
  const { directory } = balancer
  await balancer.rewrite({ log: { file: 'lb.log', access: false }, reload: 'watch' })
  await reload(balancer)
  await rename(join(directory, 'lb.log'), join(directory, 'lb.log.1'))
  await balancer.rewrite({ log: { file: 'lb.log', access: false, level: 'loud' }, reload: 'watch' })
  const log = join(directory, 'lb.log')
  const isThere = async () => (await readFile(log, 'utf8').catch(() => '')).includes('is not reloaded')
  while (!(await isThere())) await new Promise(resolve => setImmediate(resolve))
  await end(balancer)
  t.match((await linesOf(directory, 'lb.log'))[0]?.msg, /^configuration is not reloaded/)
})
