import { existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { listeningPorts } from '../support/listening-ports.ts'
import { connectRawAgent } from '../support/raw-agent.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()
const skip = !existsSync('/proc/self/fd') && 'there is no /proc'
const compile = 'GET /puppet/v3/catalog/a.example.com HTTP/1.1\r\nHost: puppet\r\nConnection: close\r\n\r\n'
const draining = { msg: 'draining: accepting no more connections' }

/** `puppet-lb serve` with a compile under way, which `held` ends. */
async function startScene(t: Test, nodeOptions: readonly string[] = []) {
  const held: ServerResponse[] = []
  const master = await startScriptedMaster(t, (_request, response) => void held.push(response))
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const config = { ca: ca.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } }
  const balancer = await spawnBalancer(t, pki, config, { nodeOptions })
  const identity = await pki.authority.issue({ certname: 'a.example.com' })
  const agent = await connectRawAgent(t, pki, balancer.port, identity)
  agent.send(compile)
  await master.until(() => held.length === 1)
  return { balancer, agent, pid: balancer.process.pid ?? 0, held }
}

t.test('a compile survives HUP, USR1 and USR2, and no inspector is opened', { skip }, async t => {
  const { balancer, agent, pid, held } = await startScene(t)
  balancer.process.kill('SIGUSR1')
  balancer.process.kill('SIGUSR2')
  balancer.process.kill('SIGHUP')
  await balancer.line({ msg: 'SIGUSR1 opens no inspector and no log files here: nothing was done' })
  await balancer.line({ msg: 'SIGUSR2 restarts and reloads nothing here, SIGHUP reloads: nothing was done' })
  const ports = new Set(listeningPorts(pid))
  t.same(ports, new Set([balancer.port, balancer.adminPort]))
  for (const response of held) response.end('{}')
  t.match(await agent.end, /^HTTP\/1\.1 200 OK\r\n/)
})

t.test('with --disable-sigusr1 Node does not even hear of it', { skip }, async t => {
  const { balancer, agent, pid, held } = await startScene(t, ['--disable-sigusr1'])
  balancer.process.kill('SIGUSR1')
  balancer.process.kill('SIGUSR2')
  await balancer.line({ msg: 'SIGUSR2 restarts and reloads nothing here, SIGHUP reloads: nothing was done' })
  t.same(new Set(listeningPorts(pid)), new Set([balancer.port, balancer.adminPort]))
  for (const response of held) response.end('{}')
  t.match(await agent.end, /^HTTP\/1\.1 200 OK\r\n/)
})

t.test('SIGQUIT lets a compile end, a second one does not', async t => {
  const patient = await startScene(t)
  patient.balancer.process.kill('SIGQUIT')
  await patient.balancer.line(draining)
  for (const response of patient.held) response.end('{}')
  t.match(await patient.agent.end, /^HTTP\/1\.1 200 OK\r\n/)
  t.equal(await patient.balancer.exit, 0)

  const hurried = await startScene(t)
  hurried.balancer.process.kill('SIGQUIT')
  await hurried.balancer.line(draining)
  hurried.balancer.process.kill('SIGQUIT')
  t.equal(await hurried.balancer.exit, 131)
  t.equal(await hurried.agent.end, '')
})
