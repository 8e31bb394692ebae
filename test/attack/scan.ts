import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { type Balancer, startBalancer } from './balancer.ts'
import { type HealthyAgents, type Latencies, startHealthyAgents } from './healthy.ts'
import { type AttackMaterial, makeMaterial } from './material.ts'
import type { MastersReady } from './messages.ts'

const HEALTHY = 6
const SLOW_S = 20
const CONNECTIONS = 200

// What Debian's scanners say of the balancer, on loopback: testssl.sh of its TLS, slowhttptest of its patience.
// Exit code: 0 when nothing is worse than allowed and no healthy request failed, 1 when something is, 2 when the
// scanners are missing: apt-get install testssl.sh slowhttptest
async function main(): Promise<number> {
  for (const [program, argument] of [
    ['testssl', '--version'],
    ['slowhttptest', '-h']
  ] as const) {
    if ((await outputOf(program, [argument])) === undefined) {
      process.stderr.write(`${program} is missing: apt-get install testssl.sh slowhttptest\n`)
      return 2
    }
  }
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-scan-'))
  const material = await makeMaterial()
  const masters = fork(new URL('./masters.ts', import.meta.url))
  const ended: (() => unknown)[] = [() => masters.kill(), () => rmSync(directory, { recursive: true })]
  try {
    const [ready] = (await once(masters, 'message')) as [MastersReady]
    const balancer = await startBalancer(directory, material, ready)
    ended.unshift(balancer.stop)
    const findings = await scanTls(balancer, directory)
    const slow = await scanSlowness(balancer, material, directory, ended)
    return findings === 0 && slow === 0 ? 0 : 1
  } finally {
    for (const end of ended) await end()
  }
}

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

/** What a server with a private CA for known clients has by its nature. */
const expected: ReadonlySet<string> = new Set([
  'cert_trust',
  'cert_chain_of_trust',
  'cert_crlDistributionPoints',
  'cert_ocspURL',
  'cert_revocation',
  'cert_expirationStatus',
  'cert_validityPeriod',
  'cert_extlifeSpan',
  'DNS_CAArecord',
  'HTTP_status_code',
  'HSTS'
])

/** Prints what testssl.sh finds to be worse than low; the number of findings that are not expected. */
async function scanTls({ port }: Balancer, directory: string): Promise<number> {
  const file = join(directory, 'testssl.json')
  const tests = [
    '--protocols',
    '--server-defaults',
    '--server-preference',
    '--vulnerable',
    '--each-cipher',
    '--fs'
  ]
  await outputOf('testssl', [
    ...['--quiet', '--color', '0', '--warnings', 'off', '--ip', 'one'],
    ...['--jsonfile', file, ...tests, `127.0.0.1:${port}`]
  ])
  const all = JSON.parse(readFileSync(file, 'utf8')) as readonly Finding[]
  const bad = all.filter(({ severity }) => ['MEDIUM', 'HIGH', 'CRITICAL'].includes(severity))
  const unexpected = bad.filter(({ id }) => !expected.has(id.split(' ')[0] ?? ''))
  print(
    `testssl.sh: ${all.length} checks, ${bad.length} of them medium or worse, ${unexpected.length} unexpected`
  )
  for (const { id, severity, finding } of bad) print(`  ${severity} ${id}: ${finding}`)
  return unexpected.length
}

const slowness = [
  ['slow headers', ['-H', '-i', '5']],
  ['slow bodies', ['-B', '-i', '5', '-s', '8192']],
  ['slow reading', ['-X', '-n', '5', '-z', '32', '-w', '10', '-y', '20', '-k', '3']],
  ['ranges', ['-R', '-a', '10', '-b', '3000']]
] as const

/** Prints what slowhttptest says while healthy agents run; the number of their requests that failed. */
async function scanSlowness(
  { port }: Balancer,
  { authority }: AttackMaterial,
  directory: string,
  ended: (() => unknown)[]
): Promise<number> {
  const identities = await Promise.all(
    Array.from({ length: HEALTHY }, (_, index) =>
      authority.issue({ certname: `healthy-${index}.example.com` })
    )
  )
  const healthy: HealthyAgents = startHealthyAgents(port, authority.bundle, identities)
  ended.unshift(healthy.stop)
  let failed = 0
  for (const [name, mode] of slowness) {
    healthy.take()
    const output = await outputOf('slowhttptest', [
      ...mode,
      ...['-c', String(CONNECTIONS), '-r', '100', '-l', String(SLOW_S), '-p', '3'],
      ...['-u', `https://127.0.0.1:${port}/puppet/v3/node/x?environment=production`],
      ...['-o', join(directory, 'slow')]
    ])
    const latencies: Latencies = healthy.take()
    failed += latencies.failed
    const last = stripVTControlCharacters(output ?? '')
    const verdict = /service available:\s*(\w+)/g
    const services = [...last.matchAll(verdict)].map(([, word]) => word)
    const exit = /Exit status:\s*(.*)/.exec(last)?.[1] ?? 'no verdict'
    print(
      `slowhttptest, ${name}: service available ${services.at(-1) ?? 'not said'}, ${exit.trim()}; healthy agents: ` +
        `${latencies.failed} of ${latencies.count} failed, ${latencies.p50Ms.toFixed(1)} / ${latencies.p99Ms.toFixed(0)} ms`
    )
  }
  return failed
}

/** What a program prints, whatever its exit code; `undefined` when there is no such program. */
async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  return new Promise(resolve =>
    child.once('close', () => resolve(text)).once('error', () => resolve(undefined))
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main()
