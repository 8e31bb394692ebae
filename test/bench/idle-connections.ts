import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createAuthority } from '../../src/simulation/certificates.ts'
import { renamedCertificate } from '../support/renamed-certificate.ts'
import { orSentence, whole } from './arguments.ts'
import type { IdleOrder, IdleReply } from './idle-messages.ts'
import { createProcesses, type Processes, type Started } from './processes.ts'
import { ratiosOf, spreadOf } from './statistics.ts'

const usage = `npm run bench:idle -- [options]
  --connections N   idle connections to each server (5000; at most 20000)
  --rounds N        times they come and go (3)
  --workers N       worker threads of puppet-lb (1)
`

/** Most that a connection may take, as a multiple of what it takes of a bare server; the median of the rounds. */
const MOST = 1.15

/** Enough for the code of a connection to be compiled, and too few to leave room for those that count. */
const WARM_UP_CONNECTIONS = 100

interface Options {
  readonly connections: number
  readonly rounds: number
  readonly workers: number
}

/** One server under measurement. */
interface Contender {
  readonly name: string
  readonly pid: number
  readonly port: number
}

/** Resident bytes: before the connections, with them, and some time after they have gone. */
interface Round {
  readonly before: number
  readonly idle: number
  readonly after: number
}

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${usage}`)
    return 1
  }
  if (process.platform !== 'linux') {
    process.stderr.write('Memory is read from /proc, so this benchmark runs on Linux only\n')
    return 2
  }
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-idle-'))
  const processes = createProcesses()
  try {
    const ratio = await measure(options, directory, processes)
    if (ratio <= MOST) return 0
    say(`A connection takes more than ${MOST} times as much.`)
    return 1
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return 2
  } finally {
    await processes.stopAll()
    rmSync(directory, { recursive: true })
  }
}

function parseOptions(argv: readonly string[]): Options | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        connections: { type: 'string', default: '5000' },
        rounds: { type: 'string', default: '3' },
        workers: { type: 'string', default: '1' }
      }
    })
    return {
      connections: whole('--connections', values.connections, 1, 20_000),
      rounds: whole('--rounds', values.rounds, 1, 100),
      workers: whole('--workers', values.workers, 0, 64)
    }
  })
}

/** Resolves with how much a connection takes, in connections of the bare server. */
async function measure(options: Options, directory: string, processes: Processes): Promise<number> {
  const { connections, rounds } = options
  const agents = await makeMaterial(directory, connections)
  const contenders = [await startBare(directory, processes), await startApp(options, directory, processes)]
  const generator = await startModule(processes, 'idle-agents.ts')
  for (const { port } of contenders) await warmUp(port, { agents, directory, generator })
  const measured = new Map<string, Round[]>()
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const result = await rest(contender, { connections, agents, directory, generator })
      measured.set(contender.name, [...(measured.get(contender.name) ?? []), result])
      say(describe(contender.name, round, result, connections))
    }
  }
  const [bare = [], app = []] = contenders.map(({ name }) => measured.get(name) as Round[])
  say('')
  for (const [name, results] of measured) {
    const { median, min, max } = spreadOf(perConnection(results, connections))
    say(`${name}: ${kib(median)} KiB a connection (${kib(min)} to ${kib(max)})`)
  }
  const { median, min, max } = spreadOf(
    ratiosOf(perConnection(app, connections), perConnection(bare, connections))
  )
  say(`puppet-lb to bare node:https: ${median.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`)
  return median
}

/**
 * What the connections of a round take. Later rounds find memory that the first one left behind, so all count from
 * what the process had before the first.
 */
function perConnection(results: readonly Round[], connections: number): number[] {
  const first = results[0] as Round
  return results.map(({ idle }) => (idle - first.before) / connections)
}

/** Runs the code of a connection before its memory counts: what code takes once is no cost of a connection. */
async function warmUp(
  port: number,
  {
    agents,
    directory,
    generator
  }: {
    readonly agents: (IdleOrder & { readonly type: 'open' })['agents']
    readonly directory: string
    readonly generator: Started
  }
): Promise<void> {
  const ca = readFileSync(join(directory, 'ca.pem'), 'utf8')
  await obeyed(generator, { type: 'open', port, count: WARM_UP_CONNECTIONS, ca, agents })
  await obeyed(generator, { type: 'close' })
}

async function rest(
  { port, pid }: Contender,
  {
    connections: count,
    agents,
    directory,
    generator
  }: {
    readonly connections: number
    readonly agents: (IdleOrder & { readonly type: 'open' })['agents']
    readonly directory: string
    readonly generator: Started
  }
): Promise<Round> {
  const ca = readFileSync(join(directory, 'ca.pem'), 'utf8')
  const before = await settled(pid)
  await obeyed(generator, { type: 'open', port, count, ca, agents })
  const idle = await settled(pid)
  await obeyed(generator, { type: 'close' })
  return { before, idle, after: await settled(pid) }
}

/** The resident size once it has stopped moving, or after ten seconds. */
async function settled(pid: number): Promise<number> {
  let last = residentBytes(pid)
  for (let second = 0; second < 10; second++) {
    await new Promise(resolve => setTimeout(resolve, 1_000))
    const now = residentBytes(pid)
    if (second > 1 && Math.abs(now - last) < 0.002 * last) return now
    last = now
  }
  return last
}

function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

async function obeyed({ child }: Started, order: IdleOrder): Promise<void> {
  child.send(order)
  const [reply] = (await once(child, 'message')) as [IdleReply]
  if (!reply.done) throw new Error(`the agents could not: ${reply.why}`)
}

/** Files of a CA and a server, and agents with 25 connections each. */
async function makeMaterial(directory: string, connections: number) {
  const authority = await createAuthority()
  const server = await authority.issue({ certname: 'puppet.example.com', altNames: ['puppet'] })
  writeFileSync(join(directory, 'server.pem'), server.chain)
  writeFileSync(join(directory, 'server.key'), server.key)
  writeFileSync(join(directory, 'ca.pem'), authority.bundle)
  const nameOf = (index: number) => `agent-${String(index).padStart(5, '0')}.example.com`
  const first = await authority.issue({ certname: nameOf(0) })
  return Array.from({ length: Math.ceil(connections / 25) }, (_, index) => {
    const { chain, key } = index === 0 ? first : renamedCertificate(first, nameOf(index), authority)
    return { cert: chain, key }
  })
}

async function startBare(directory: string, processes: Processes): Promise<Contender> {
  const { child, pid } = await startModule(processes, 'idle-bare.ts', directory)
  const [port] = (await once(child, 'message')) as [number]
  return { name: 'bare node:https', pid, port }
}

async function startApp({ workers }: Options, directory: string, processes: Processes): Promise<Contender> {
  const master = createServer((_request, response) => response.end('running')).listen(0, '127.0.0.1')
  const ca = createServer((_request, response) => response.end('running')).listen(0, '127.0.0.1')
  master.unref()
  ca.unref()
  await Promise.all([once(master, 'listening'), once(ca, 'listening')])
  const urlOf = (server: typeof master) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const run = join(directory, 'app')
  mkdirSync(run)
  const file = join(directory, 'puppet-lb.yaml')
  const outputFile = join(run, 'log')
  const config = {
    listen: { host: '127.0.0.1', port: 0, workers },
    tls: { cert: 'server.pem', key: 'server.key', ca: 'ca.pem' },
    ca: { url: urlOf(ca) },
    masters: [{ name: 'm1', url: urlOf(master) }],
    admin: { port: 0 },
    reload: 'signal'
  }
  writeFileSync(file, JSON.stringify(config))
  const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const { pid, died } = await processes.start({
    command: process.execPath,
    args: [program, 'serve', '--config', file],
    outputFile
  })
  return { name: 'puppet-lb', pid, port: await Promise.race([portIn(outputFile), died]) }
}

/** The port in the line that says it serves. */
async function portIn(logFile: string): Promise<number> {
  for (;;) {
    const [, port] = /"port":(\d+).*"serving"/.exec(readFileSync(logFile, 'utf8')) ?? []
    if (port !== undefined) return Number(port)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

function startModule(processes: Processes, module: string, ...args: string[]): Promise<Started> {
  const file = fileURLToPath(new URL(module, import.meta.url))
  return processes.start({ command: process.execPath, args: [file, ...args], channel: true })
}

function describe(name: string, round: number, { before, idle, after }: Round, connections: number): string {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
  return (
    `round ${round + 1}, ${name}: ${mib(before)} MiB before, ${mib(idle)} MiB with ${connections} connections, ` +
    `${mib(after)} MiB after`
  )
}

function kib(bytes: number): string {
  return (bytes / 1024).toFixed(1)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

// Memory that idle connections with client certificates take: of puppet-lb, and of a bare node:https server in the
// same run, each in a process of its own. Exit code: 0 measured and within 15 %, 1 beyond, or wrong arguments, 2 it could
// not be run.
process.exitCode = await main(process.argv.slice(2))
