import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createTestPki } from '../support/balancer.ts'
import { type BalancerProcess, spawnBalancer } from '../support/balancer-process.ts'
import { chatter } from '../support/chatty-agent.ts'
import { createLogReader } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

type Test = { teardown: (task: () => unknown) => void }

const pki = await createTestPki()

/** Two workers that log to a file, or whose standard output goes there. */
async function logTo(t: Test, file: string, how: 'file' | 'stdout' = 'file'): Promise<BalancerProcess> {
  const master = await startScriptedMaster(t, (_request, response) => response.end())
  const ca = await startScriptedMaster(t, (_request, response) => response.end())
  const config = { ca: ca.url, masters: [{ name: 'm1', url: master.url }], listen: { workers: 2 } }
  if (how === 'stdout') return spawnBalancer(t, pki, config, { standardOutput: file })
  const balancer = await spawnBalancer(t, pki, config)
  await balancer.rewrite({ log: { file } })
  const headers = { 'x-puppet-lb': '1' }
  await fetch(`http://127.0.0.1:${balancer.adminPort}/api/reload`, { method: 'POST', headers })
  return balancer
}

async function end({ process, exit }: BalancerProcess): Promise<number | string> {
  process.kill('SIGTERM')
  return exit
}

const faults = async ({ adminPort }: BalancerProcess) =>
  (await scrape(adminPort)).value('puppet_lb_log_faults_total', { fault: 'write' })

t.test('it serves on while its log goes where there is never room', async t => {
  const balancer = await logTo(t, '/dev/full')
  t.equal(await chatter(t, pki, balancer.port, 400), 400)
  t.equal(await faults(balancer), 1)
  t.equal(await end(balancer), 0)
})

const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0

for (const how of ['file', 'stdout'] as const) {
  t.test(
    `it serves on while the disk of its ${how} is full, and goes on with whole lines once it is not`,
    { skip: !mayMount && 'this user may not mount a small file system' },
    async t => {
      // Not a directory of tap's, which would be emptied while it is a file system of its own.
      const disk = mkdtempSync(join(tmpdir(), 'puppet-lb-disk-'))
      t.teardown(() => {
        spawnSync('umount', ['--lazy', disk])
        rmSync(disk, { recursive: true })
      })
      t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status, 0)
      const filler = join(disk, 'filler')
      writeFileSync(filler, Buffer.alloc(128 * 1024))
      const balancer = await logTo(t, join(disk, 'lb.log'), how)
      t.equal(await chatter(t, pki, balancer.port, 140), 140)
      t.equal(await faults(balancer), 1)
      rmSync(filler)
      let requests = 140
      if (how === 'stdout') {
        requests += await chatter(t, pki, balancer.port, 20)
        await balancer.atLeast(requests, { msg: 'request' })
      }
      t.equal(await end(balancer), 0)
      const { lines, read } = createLogReader()
      read(readFileSync(join(disk, 'lb.log'), 'utf8'))
      t.equal(lines.filter(line => line.msg === 'request').length, requests, 'no line is lost or torn')
      t.ok(lines.some(line => line.code === 'ENOSPC'))
      t.equal(lines.at(-1)?.msg, 'stopped')
    }
  )
}
