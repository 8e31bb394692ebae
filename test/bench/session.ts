import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { seededDice } from '../support/runtime.ts'
import type { Stage } from './benchmark.ts'
import { checkProxy } from './checks.ts'
import { cpuMicros, machineMicros } from './cpu.ts'
import { measure, warmUp } from './figures.ts'
import { type Material, makeMaterial } from './material.ts'
import type { LoadOrder, LoadReply } from './messages.ts'
import type { Options } from './options.ts'
import type { PeerName } from './peers/names.ts'
import type { Wrap } from './peers/programs.ts'
import type { Scheme, Site } from './peers/site.ts'
import { adminPort, backendPorts, proxyPort } from './ports.ts'
import type { Processes, Started } from './processes.ts'
import { type Contender, startProxy } from './proxies.ts'
import type { Rounds } from './report.ts'
import { shuffle } from './statistics.ts'

/** The default of `health.interval`. */
const PROBE_MS = 5000
/** The others send as many requests at a time as there are; so that all do the same, nothing waits here. */
const ENOUGH_JRUBIES = 1000
/** Longer than any pause of an agent's run. */
const RUN_GAP_MS = 600_000

export interface SessionOptions extends Stage {
  readonly wrap: Wrap
  readonly options: Options
}

export interface Comparison {
  readonly measured: readonly Rounds[]
  /** Of all proxies alike. */
  readonly handshake: string
}

type Load = (order: LoadOrder) => Promise<void>

/** Starts masters, load and proxies, sees that all proxies do the same job, and measures them in turn. */
export async function compare(session: SessionOptions): Promise<Comparison> {
  const { directory, processes, options, say } = session
  say('making certificates')
  const material = await makeMaterial(directory, options.key)
  const backend = await startModule(processes, 'backend.ts', directory)
  const generator = await startModule(processes, 'load.ts', directory)
  const load: Load = order => Promise.race([obeyed(generator, order), backend.died])
  const handshakes = new Set<string>()
  const measured: Rounds[] = []
  for (const scheme of options.upstream) {
    const proxies: Contender[] = []
    for (const name of options.proxies) {
      const proxy = await startProxy(name, siteOf(name, scheme, material, options), session)
      proxies.push(proxy)
      handshakes.add(await check(proxy, material, scheme))
    }
    if (handshakes.size > 1) throw new Error(`handshakes differ: ${[...handshakes].join(' | ')}`)
    measured.push(...(await measureAll(proxies, scheme, load, session)))
    await Promise.all(proxies.map(({ started }) => started.stop()))
  }
  return { measured, handshake: [...handshakes].join() }
}

/** The job, which is the same for all. */
function siteOf(name: PeerName, scheme: Scheme, material: Material, { threads, logs }: Options): Site {
  const { masters, ca } = backendPorts[scheme]
  return {
    material,
    scheme,
    masters: masters.map(port => ({ name: `m${port}`, port, jrubies: ENOUGH_JRUBIES, weight: 1 })),
    mastersTell: false,
    caPort: ca,
    port: proxyPort(name),
    adminPort,
    threads,
    accessLog: logs ? join(material.directory, `${name}.${scheme}.access.log`) : undefined,
    probeMs: PROBE_MS,
    runGapMs: RUN_GAP_MS
  }
}

async function check(proxy: Contender, material: Material, scheme: Scheme): Promise<string> {
  try {
    return await Promise.race([checkProxy(proxy, material, backendPorts[scheme]), proxy.started.died])
  } catch (cause) {
    throw new Error(`${proxy.name}: ${(cause as Error).message}`, { cause })
  }
}

async function measureAll(
  proxies: readonly Contender[],
  scheme: Scheme,
  load: Load,
  { options, say }: SessionOptions
): Promise<Rounds[]> {
  const { effort, seed } = options
  const random = seededDice(seed)
  for (const proxy of proxies) {
    say(`masters by ${scheme}: warming up ${proxy.name}`)
    await warmUp(effort, proxy, order => Promise.race([load(order), proxy.started.died]))
  }
  const results = effort.figures.map(figure => ({
    figure,
    rounds: new Map<PeerName, number[]>(proxies.map(({ name }) => [name, []]))
  }))
  const before = othersMicros()
  const beforeMs = performance.now()
  for (let round = 1; round <= effort.rounds; round++) {
    say(`masters by ${scheme}: round ${round} of ${effort.rounds}`)
    for (const { figure, rounds } of results) {
      for (const proxy of shuffle(proxies, random)) {
        const value = await measure(figure, proxy, order => Promise.race([load(order), proxy.started.died]))
        rounds.get(proxy.name)?.push(value)
      }
    }
  }
  const allMicros = (performance.now() - beforeMs) * 1000 * availableParallelism()
  const disturbance = (othersMicros() - before) / allMicros
  return results.map(({ figure, rounds }) => ({
    scheme,
    figure: figure.name,
    disturbance,
    rounds: Object.fromEntries(rounds)
  }))
}

/** CPU time used so far by what is no part of the benchmark; while none of its processes ends, only differences count. */
function othersMicros(): number {
  return machineMicros() - cpuMicros(process.pid)
}

/** Starts one of our own modules as a process; resolves with it once it has said it is ready. */
async function startModule(processes: Processes, module: string, directory: string): Promise<Started> {
  const args = [join(import.meta.dirname, module), directory]
  const started = await processes.start({ command: process.execPath, args, channel: true })
  await Promise.race([once(started.child, 'message'), started.died])
  return started
}

async function obeyed(generator: Started, order: LoadOrder): Promise<void> {
  const answered = once(generator.child, 'message')
  generator.child.send(order)
  const [reply] = (await Promise.race([answered, generator.died])) as [LoadReply]
  if (reply.type === 'failed') throw new Error(reply.message)
}
