import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { maxAnswerBytes, questionTimeoutMs } from '../../src/control/revocation/ca-question.ts'
import { systemRuntime } from '../../src/model/runtime.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, startBalancer, testConfig } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftPem } from '../support/crafted-list.ts'
import { fetchedLists, startListAuthority } from '../support/list-authority.ts'
import { captureLog } from '../support/log-lines.ts'
import { scrape } from '../support/metrics.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'

const path = '/puppet/v3/node/agent1'
const pki = await createTestPki()
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const [gone, here] = await Promise.all(['gone', 'here'].map(certname => pki.authority.issue({ certname })))
const serial = BigInt(`0x${gone?.serial}`)
const ofRoot = craftPem({ by: root, number: 3n })
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
const full = craftPem({ by: signer, number: 10n, entries: [{ serial }, { serial: 2n }] }) + ofRoot
/** As Puppet Server makes it with the CA, and serves it in place of the full one. */
const infrastructure = craftPem({ by: signer, number: 0n, thisUpdate: daysAgo(300) }) + ofRoot

/** The bound on a question is reached sooner than in 30 s; everything else takes its time. */
const impatient = {
  ...systemRuntime,
  schedule: (delayMs: number, task: () => void) =>
    systemRuntime.schedule(delayMs === questionTimeoutMs ? 500 : delayMs, task)
}

/** A balancer that has the full list. */
async function startScene(t: Test) {
  const ca = await startListAuthority(t, pki)
  ca.give(full)
  const master = await startScriptedMaster(t, (_request, response) => response.end(), { tls: pki.server })
  const log = captureLog()
  const config = testConfig(
    pki,
    { ca: ca.url, masters: [{ name: 'm1', url: master.url }] },
    { tls: { crl: fetchedLists() } }
  )
  const app = await startBalancer(t, config, { log: log.log, runtime: impatient })
  const statusOf = async (identity: typeof gone) =>
    (await connectAgent(t, pki, app.port, identity).ask({ path })).status
  return { ca, log, app, statusOf }
}

interface Case {
  readonly answer: (response: ServerResponse) => void
  /** Label of `crl_fetch_failures_total`. */
  readonly cause?: string
  /** Label of `crl_refused_total`. */
  readonly reason?: string
}

const dripping = new Set<() => void>()
t.teardown(() => {
  for (const stop of dripping) stop()
})

/** One for all questions: another list is another fault. */
const foreign = await (await createTestPki()).authority.crl()

const cases: Readonly<Record<string, Case>> = {
  '404': { answer: response => response.writeHead(404).end('no'), cause: 'status-4xx' },
  '500': { answer: response => response.writeHead(500).end('no'), cause: 'status-5xx' },
  'a redirection': {
    answer: response => response.writeHead(302, { location: '/elsewhere' }).end(),
    cause: 'status-3xx'
  },
  HTML: { answer: response => response.end('<html><body>Login</body></html>'), reason: 'damaged' },
  'an empty body': { answer: response => response.end(), reason: 'damaged' },
  'a list of another CA': {
    answer: response => response.end(foreign),
    reason: 'foreign'
  },
  'the lists without that of one CA': { answer: response => response.end(ofRoot), reason: 'missing' },
  'its infrastructure list': { answer: response => response.end(infrastructure), reason: 'infrastructure' },
  'an older list with as many entries': {
    answer: response =>
      response.end(craftPem({ by: signer, number: 9n, entries: [{ serial: 3n }, { serial: 2n }] }) + ofRoot),
    reason: 'older'
  },
  'half a list': {
    answer: response => response.end(full.slice(0, -200)),
    reason: 'damaged'
  },
  'a list that says that it is too long': {
    answer(response) {
      response.writeHead(200, { 'content-length': String(30_000_000) })
      response.write('-----BEGIN X509 CRL-----\n')
    },
    cause: 'too-long'
  },
  'a list of 30 MB': {
    answer: response => response.end(Buffer.alloc(30_000_000, 'A')),
    cause: 'too-long'
  },
  'a list byte by byte': {
    answer(response) {
      const timer = setInterval(() => response.write('-'), 20)
      const stop = () => clearInterval(timer)
      dripping.add(stop)
      response.on('close', stop)
    },
    cause: 'timeout'
  },
  nothing: { answer: () => {}, cause: 'timeout' },
  'half of an answer': {
    answer(response) {
      response.writeHead(200, { 'content-length': String(full.length) })
      response.write(full.slice(0, 100), () => response.destroy())
    },
    cause: 'closed'
  }
}

t.test('whatever the CA answers, a revoked agent stays out; each fault is told once and counted', async t => {
  const { ca, log, app, statusOf } = await startScene(t)
  t.ok(maxAnswerBytes < 30_000_000)
  for (const [what, { answer, cause, reason }] of Object.entries(cases)) {
    const told = log.lines.length
    ca.answer(answer)
    // The third question comes when the second was judged.
    await ca.asked(3)
    t.equal(await statusOf(gone), 403, `${what}: revoked`)
    t.equal(await statusOf(here), 200, `${what}: another one`)
    const lines = log.lines.slice(told).filter(({ level, msg }) => level === 'warn' && msg.includes('list'))
    t.equal(lines.length, 1, `${what}: told once`)
    t.match(lines[0], { msg: /; the last one stays in force$/, source: new RegExp(`^${ca.url}/puppet-ca/`) })
    const metrics = await scrape(app.adminPort)
    if (reason) t.equal(metrics.value('puppet_lb_crl_refused_total', { reason }) ?? 0, countOf(what), what)
    if (cause) t.ok(metrics.value('puppet_lb_crl_fetch_failures_total', { cause }), `${what}: ${cause}`)
    ca.give(full)
    await ca.asked(2)
  }
})

/** How many of the cases up to this one are refused for its reason. */
function countOf(what: string): number {
  const all = Object.entries(cases)
  const upTo = all.slice(0, all.findIndex(([name]) => name === what) + 1)
  return upTo.filter(([, { reason }]) => reason === cases[what]?.reason).length
}

t.test('the infrastructure list is called by its name, with what to do', async t => {
  const { ca, log } = await startScene(t)
  ca.answer(response => response.end(infrastructure))
  const line = await log.line({ msg: 'certificate revocation list is unusable; the last one stays in force' })
  t.match(line, {
    cause:
      /holds what may be the infrastructure list of "CN=Puppet CA: .*\(infra_crl\.pem\), which leaves out revoked agents: 0 entries, number 0, and the one in force has 2 entries, number 10$/,
    remedy: /^ship ca_crl\.pem of the CA to tls\.crl\.file, /
  })
})

t.test('a list that never changed is told of as a doubt, once', async t => {
  const { ca, log } = await startScene(t)
  t.notOk(log.lines.some(({ msg }) => msg.includes('never changed')))
  await ca.kill()
  const other = await startListAuthority(t, pki)
  other.give(infrastructure)
  const config = testConfig(
    pki,
    { ca: other.url, masters: [{ name: 'm1', url: other.url }] },
    { tls: { crl: fetchedLists() } }
  )
  const second = captureLog()
  await startBalancer(t, config, { log: second.log })
  await other.asked(2)
  t.equal(second.lines.filter(({ msg }) => /names nobody and has never changed/.test(msg)).length, 1)
})
