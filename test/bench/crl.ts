/**
 * Prints how long a long revocation list takes to read, in a process of its own and as a balancer reads it, how much
 * memory it takes, and what healthy agents notice while a balancer reads it: `node test/bench/crl.ts [entries]`.
 * Exit code: 0 measured and within the bounds, 1 beyond one of them.
 */
import { execFileSync } from 'node:child_process'
import { constants, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApp } from '../../src/app.ts'
import { readInThread } from '../../src/control/revocation/reader.ts'
import { formatPem } from '../../src/pki/pem.ts'
import { connectAgent } from '../support/agent.ts'
import { createTestPki, testConfig } from '../support/balancer.ts'
import { type Crafter, craftersOf, craftList, manyEntries } from '../support/crafted-list.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { whole } from './arguments.ts'

const READINGS = 8
/** For a list of 200,000 entries: to read it, memory above that of the process, and what an agent waits longer. */
const bounds = { readMs: 1_000, memoryBytes: 200e6, laterMs: 50 } as const
const count = whole('the number of entries', process.argv[2] ?? '200000', 1, 1_000_000)
const beyond: string[] = []
const tasks: (() => unknown)[] = []
const t = { teardown: (task: () => unknown) => void tasks.unshift(task) }
const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-crl-'))
const file = join(directory, 'crl.pem')
const pki = await createTestPki({ keyType: 'rsa2048' })
const [root, signer] = craftersOf(pki.authority) as [Crafter, Crafter]
const entries = manyEntries(count)
const ofRoot = formatPem('X509 CRL', craftList({ by: root }))

/** The list of each number, made before anything is measured. */
const prepared = Array.from({ length: READINGS + 1 }, (_, index) => {
  const path = join(directory, `${index + 1}.pem`)
  writeFileSync(
    path,
    formatPem('X509 CRL', craftList({ by: signer, number: BigInt(index + 1), entries })) + ofRoot
  )
  return path
})

function put(number: number): void {
  copyFileSync(prepared[number - 1] as string, `${file}.new`, constants.COPYFILE_FICLONE)
  renameSync(`${file}.new`, file)
}

const ms = (value: number) => `${value.toFixed(0)} ms`
const quantile = (sorted: readonly number[], q: number) => sorted[Math.floor((sorted.length - 1) * q)] ?? 0
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

function hold(what: string, value: number, bound: number, unit: (value: number) => string): void {
  if (!(value <= bound)) beyond.push(`${what}: ${unit(value)}, must be at most ${unit(bound)}`)
}

/** Peak memory and time of a process of its own that reads the file once. */
function readAlone(what: string): string {
  const code = `
    const { readLists } = await import(${JSON.stringify(new URL('../../src/config/revocation-lists.ts', import.meta.url).href)})
    const { authoritiesOf } = await import(${JSON.stringify(new URL('../../src/pki/authorities.ts', import.meta.url).href)})
    const authorities = authoritiesOf(${JSON.stringify(pki.authority.bundle)})
    const before = process.memoryUsage.rss(), cpu = process.cpuUsage(), at = performance.now()
    const lists = ${what}
    const took = performance.now() - at, { user, system } = process.cpuUsage(cpu)
    console.log(JSON.stringify({ took, cpu: (user + system) / 1000, before, peak: process.resourceUsage().maxRSS * 1024 }))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
  const { took, cpu, before, peak } = JSON.parse(out) as Readonly<
    Record<'took' | 'cpu' | 'before' | 'peak', number>
  >
  hold('memory of one reading', peak - before, bounds.memoryBytes, megabytes)
  return `${ms(took)} (${ms(cpu)} of CPU), peak ${megabytes(peak - before)} above ${megabytes(before)}`
}

async function measure(app: { readonly port: number }, until: () => boolean): Promise<number[]> {
  const agent = connectAgent(t, pki, app.port)
  const took: number[] = []
  while (!until()) {
    const at = performance.now()
    const { status } = await agent.ask({ path: '/puppet/v3/node/agent1' })
    if (status !== 200) throw new Error(`status ${status}`)
    took.push(performance.now() - at)
  }
  return took.toSorted((a, b) => a - b)
}

const report = (took: readonly number[]) =>
  `${took.length} requests, p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms, most ${quantile(took, 1).toFixed(1)} ms`

try {
  put(1)
  console.log(`${count} entries`)
  console.log(
    `one reading in a process of its own: ${readAlone(`readLists(${JSON.stringify(file)}, authorities, Date.now())`)}`
  )
  const readings: number[] = []
  for (let reading = 1; reading <= 3; reading++) {
    const at = performance.now()
    await readInThread({ file, caBundle: pki.authority.bundle, nowMs: Date.now(), knownDigest: undefined })
    readings.push(performance.now() - at)
    console.log(`thread, from start to lists: ${ms(performance.now() - at)}`)
  }
  const middle = quantile(
    readings.toSorted((a, b) => a - b),
    0.5
  )
  hold('reading in a thread, the middle one', middle, bounds.readMs, ms)
  const master = await startScriptedMaster(t, (_request, response) => response.end('x'), { tls: pki.server })
  const crl = { file, refreshMs: 1_000, expired: 'keep' as const, place: 'bench' }
  for (const workers of [0, 2]) {
    put(1)
    const config = testConfig(
      pki,
      { ca: master.url, masters: [{ name: 'm1', url: master.url }] },
      { listen: { workers }, tls: { crl } }
    )
    const app = await startApp(config)
    const endAt = performance.now() + 5_000
    await measure(app, () => performance.now() > endAt - 3_000)
    const quiet = await measure(app, () => performance.now() > endAt)
    let asked = 1
    const busy = await measure(app, () => {
      const number = Number(app.status().crl?.number)
      if (number === asked && asked <= READINGS) put(++asked)
      return number === READINGS + 1
    })
    console.log(`workers ${workers}, nothing read: ${report(quiet)}`)
    console.log(`workers ${workers}, ${READINGS} lists read one after the other: ${report(busy)}`)
    const laterMs = quantile(busy, 0.99) - quantile(quiet, 0.99)
    hold(`workers ${workers}, p99 while lists are read above that before`, laterMs, bounds.laterMs, ms)
    await app.stop()
  }
} finally {
  for (const task of tasks) await task()
  rmSync(directory, { recursive: true })
}

for (const sentence of beyond) console.log(sentence)
process.exitCode = beyond.length > 0 ? 1 : 0
