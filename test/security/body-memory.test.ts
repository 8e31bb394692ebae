import { readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { connectAgent } from '../support/agent.ts'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { scrape } from '../support/metrics.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const MIB = 1024 ** 2
const LIMIT_MIB = 16
const REPORTS = 120
const REPORT_BYTES = 900_000
const JRUBIES = 2
/** For so many TLS connections, with what each has read and not asked for yet, and the code that served none before. */
const BESIDE_MIB = 64

const pki = await createTestPki()
const agent = await pki.authority.issue({ certname: 'agent-000.example.com' })

/** Resident memory of a process, in MiB. */
function residentMib(pid: number | undefined): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

t.test('reports that wait take no more memory together than they may, and each is answered', async t => {
  const held: ServerResponse[] = []
  let isBusy = true
  const master = await startScriptedMaster(
    t,
    (request, response) => {
      request.resume().on('end', () => {
        if (isBusy) held.push(response)
        else response.end('stored')
      })
    },
    { jrubies: JRUBIES }
  )
  const balancer = await spawnBalancer(t, pki, {
    ca: master.url,
    masters: [{ name: 'm1', url: master.url }],
    listen: { workers: 2, limits: { memory: `${LIMIT_MIB}MiB` } },
    // On a busy machine it must not pass for a master that has fallen silent, which reports do not wait for.
    health: { interval: '30s', timeout: '20s' }
  })
  const before = residentMib(balancer.process.pid)
  const body = Buffer.alloc(REPORT_BYTES, 'x')
  const answers = Array.from({ length: REPORTS }, (_, index) => {
    const certname = `agent-${String(index).padStart(3, '0')}.example.com`
    const identity = renamedCertificate(agent, certname, pki.authority)
    const path = `/puppet/v3/report/${certname}?environment=production`
    return connectAgent(t, pki, balancer.port, identity).ask({ method: 'PUT', path, body })
  })
  while ((await scrape(balancer.adminPort)).sum('puppet_lb_queue_depth') !== REPORTS - JRUBIES);
  const rise = Math.round(residentMib(balancer.process.pid) - before)
  const sent = Math.round((REPORTS * REPORT_BYTES) / MIB)
  t.ok(rise < LIMIT_MIB + BESIDE_MIB, `${rise} MiB for ${sent} MiB of reports`)

  isBusy = false
  for (const response of held) response.end('stored')
  for (const { status, body: said } of await Promise.all(answers)) t.same([status, said], [200, 'stored'])
})
