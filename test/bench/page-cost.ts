import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { parseArgs } from 'node:util'
import { createTestPki } from '../support/balancer.ts'
import { spawnBalancer } from '../support/balancer-process.ts'
import { startScriptedMaster } from '../support/scripted-master.ts'
import { spreadOf } from './statistics.ts'

const usage = `npm run bench:page -- [options]
  --masters N   masters of the balancer (60)
  --viewers N   pages that are open (1; at most 48)
  --rounds N    times without and with them, in turn (6)
  --seconds N   how long each lasts (10)
`

/** Clock ticks of Linux in a second. */
const TICKS = 100

/** Measures what an open status page costs the balancer: the difference in CPU time, in turn without it and with it. */
async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      masters: { type: 'string', default: '60' },
      viewers: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '6' },
      seconds: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const ends: (() => unknown)[] = []
  const scope = { teardown: (task: () => unknown) => void ends.unshift(task) }
  try {
    await measure(
      scope,
      Number(values.masters),
      Number(values.viewers),
      Number(values.rounds),
      Number(values.seconds)
    )
    return 0
  } finally {
    for (const end of ends) await end()
  }
}

async function measure(
  scope: { teardown: (task: () => unknown) => void },
  count: number,
  viewers: number,
  rounds: number,
  seconds: number
): Promise<void> {
  const pki = await createTestPki()
  const masters = await Promise.all(
    Array.from({ length: count }, () =>
      startScriptedMaster(scope, (_request, response) => response.end('{}'))
    )
  )
  const balancer = await spawnBalancer(scope, pki, {
    ca: masters[0]?.url as string,
    masters: masters.map(({ url }, index) => ({ name: `master-${index}`, url })),
    listen: { workers: 1 },
    health: { interval: '5s', timeout: '3s' }
  })
  const pid = balancer.process.pid as number
  const costs: number[] = []
  await watch(balancer.adminPort, viewers, pid, 2)
  for (let round = 0; round < rounds; round++) {
    const without = await spent(pid, seconds)
    const { share, frames, bytes } = await watch(balancer.adminPort, viewers, pid, seconds)
    costs.push(share - without)
    process.stdout.write(
      `round ${round + 1}: ${percent(without)} without, ${percent(share)} with ${viewers} open; ${frames} frames of ${bytes} bytes\n`
    )
  }
  const { median, min, max } = spreadOf(costs)
  process.stdout.write(
    `${count} masters, ${viewers} open: ${percent(median)} of a core (${percent(min)} to ${percent(max)})\n`
  )
}

/** What the process takes while so many pages are open. */
async function watch(port: number, viewers: number, pid: number, seconds: number) {
  let frames = 0
  let bytes = 0
  const open = Array.from({ length: viewers }, () =>
    get({ port, host: '127.0.0.1', path: '/api/live', agent: false }, answer => {
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (chunk.subarray(-2).toString() === '\n\n') frames++
      })
      answer.on('error', () => {})
    }).on('error', () => {})
  )
  const share = await spent(pid, seconds)
  for (const request of open) request.destroy()
  return { share, frames, bytes: Math.round(bytes / Math.max(1, frames)) }
}

/** Of a core, all threads of the process together. */
async function spent(pid: number, seconds: number): Promise<number> {
  const before = ticksOf(pid)
  const beganMs = performance.now()
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  return (ticksOf(pid) - before) / TICKS / ((performance.now() - beganMs) / 1000)
}

/** User and system time. The name of the process, in brackets, may hold anything. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

process.exitCode = await main(process.argv.slice(2))
