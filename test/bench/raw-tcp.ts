import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededDice } from '../support/runtime.ts'
import { oneOf, orSentence, whole } from './arguments.ts'
import { runBenchmark, type Stage } from './benchmark.ts'
import { cpuMicros } from './cpu.ts'
import { makeMaterial } from './material.ts'
import { findPeers } from './peers/debian.ts'
import { type PeerSource, peerSources } from './peers/names.ts'
import { versionsOf } from './peers/programs.ts'
import type { Started } from './processes.ts'
import { shuffle } from './statistics.ts'
import { startTcpContender, type TcpContender, type TcpName, tcpNames } from './tcp-contenders.ts'
import { type Direction, directions, type TcpOrder, type TcpPlaces, type TcpReply } from './tcp-messages.ts'
import { publishTcp, type TcpMeasured, type TcpRound } from './tcp-report.ts'

const usage = `npm run bench:tcp -- [options]
  --mib N              size of what each connection passes on, each way (1024; at most 65536)
  --connections N      at once (1; at most 1000)
  --rounds N           passages of each proxy each way, 1 to 100 (7)
  --quick              256 MiB, 3 rounds
  --peers SOURCE       debian13 makes a Debian 13 with HAProxy once, in ~/.cache/puppet-lb, and wants root;
                       installed takes that of this machine (debian13)
  --out DIRECTORY      where tcp.md and tcp.json go (test/bench/out)
  --help               this
`
const MIB = 2 ** 20
/** Code is compiled, and room for bytes in flight is made, before anything counts. */
const WARM_UP_BYTES = 64 * MIB

interface Options {
  readonly mib: number
  readonly connections: number
  readonly rounds: number
  readonly peers: PeerSource
  readonly out: string
  readonly help: boolean
}

function parseOptions(argv: readonly string[]): Options | string {
  return orSentence(() => {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        mib: { type: 'string' },
        connections: { type: 'string', default: '1' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        peers: { type: 'string', default: 'debian13' },
        out: { type: 'string', default: join(import.meta.dirname, 'out') },
        help: { type: 'boolean', default: false }
      }
    })
    return {
      mib: whole('--mib', values.mib ?? (values.quick ? '256' : '1024'), 1, 65_536),
      connections: whole('--connections', values.connections, 1, 1_000),
      rounds: whole('--rounds', values.rounds ?? (values.quick ? '3' : '7'), 1, 100),
      peers: oneOf('--peers', values.peers, peerSources),
      out: values.out,
      help: values.help
    }
  })
}

async function compare(options: Options, stage: Stage): Promise<TcpMeasured> {
  if (process.platform !== 'linux') throw new Error('CPU time and memory are read as Linux tells them')
  const { mib, connections, rounds } = options
  const wrap = await findPeers({ ...stage, source: options.peers })
  const versions = await versionsOf(['puppet-lb', 'haproxy'], wrap)
  const material = await makeMaterial(stage.directory, 'ecdsa')
  const master = await startModule(stage, 'tcp-master.ts', stage.directory)
  const [places] = (await Promise.race([once(master.child, 'message'), master.died])) as [TcpPlaces]
  const agents = await startModule(stage, 'tcp-agents.ts')
  const contenders = await Promise.all(
    tcpNames.map(name => startTcpContender(name, places, { ...stage, material, wrap }))
  )
  for (const { port } of contenders)
    for (const direction of directions)
      await passed(agents, { port, direction, connections: 1, bytes: WARM_UP_BYTES })
  const measured: Record<string, Record<Direction, TcpRound[]>> = {}
  for (const { name } of contenders) measured[name] = { down: [], up: [] }
  const dice = seededDice(1)
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffle(contenders, dice)) {
      for (const direction of directions) {
        const result = await measure(contender, agents, { direction, connections, bytes: mib * MIB })
        measured[contender.name]?.[direction].push(result)
        stage.say(
          `round ${round + 1}, ${contender.name}, ${direction}: ${result.megabytesPerSecond.toFixed(0)} MB/s`
        )
      }
    }
  }
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    versions: {
      'puppet-lb': `puppet-lb: ${versions['puppet-lb']}`,
      haproxy: `HAProxy: ${versions.haproxy}`
    },
    mib,
    connections,
    rounds: measured as Partial<Record<TcpName, Record<Direction, TcpRound[]>>>
  }
}

async function measure(
  { port, pid }: TcpContender,
  agents: Started,
  order: Omit<TcpOrder, 'port'>
): Promise<TcpRound> {
  const bytes = order.bytes * order.connections
  if (pid !== undefined) writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK)
  const before = pid === undefined ? 0 : memoryMib(pid, 'VmRSS')
  const cpuBefore = pid === undefined ? 0 : cpuMicros(pid)
  const seconds = await passed(agents, { ...order, port })
  const cpu = pid === undefined ? 0 : cpuMicros(pid) - cpuBefore
  return {
    megabytesPerSecond: bytes / 1e6 / seconds,
    cpuSecondsPerGib: cpu / 1e6 / (bytes / 2 ** 30),
    beforeMib: before,
    mostMib: pid === undefined ? 0 : memoryMib(pid, 'VmHWM')
  }
}

/** To `clear_refs` of proc(5): the peak of the resident size begins anew. */
const RESET_PEAK = '5'

function memoryMib(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
}

async function passed({ child, died }: Started, order: TcpOrder): Promise<number> {
  child.send(order)
  const [reply] = (await Promise.race([once(child, 'message'), died])) as [TcpReply]
  if (!reply.done) throw new Error(`the agents could not: ${reply.why}`)
  return reply.seconds
}

function startModule({ processes }: Stage, module: string, ...args: readonly string[]): Promise<Started> {
  const file = join(import.meta.dirname, module)
  return processes.start({ command: process.execPath, args: [file, ...args], channel: true })
}

// How fast raw TCP is passed on, with what CPU time and memory, beside two piped sockets of Node and HAProxy.
process.exitCode = await runBenchmark(parseOptions(process.argv.slice(2)), {
  usage,
  measure: async (options, stage) => publishTcp([await compare(options, stage)], options.out)
})
