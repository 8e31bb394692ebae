import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AttackCount } from './attacker-hands.ts'
import { type Attack, attacks } from './attacks.ts'
import { startBalancer } from './balancer.ts'
import { startHealthyAgents } from './healthy.ts'
import { type AttackMaterial, makeMaterial } from './material.ts'
import type { AttackOrder, MastersReady } from './messages.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { type Measured, rowOf, tableOf } from './report.ts'

const HEALTHY = 6
const LOOK_MS = 250

// What attacks do to healthy agents, and to the balancer's memory. All of it on loopback, bounded in number and time.
// Exit code: 0 measured and no healthy request failed, 1 wrong arguments or one failed, 2 it could not be run.
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  if (typeof options === 'string' || options.help) {
    process.stderr.write(typeof options === 'string' ? `${options}\n\n${usage}` : usage)
    return typeof options === 'string' ? 1 : 0
  }
  const measured: Measured[] = []
  for (const name of options.only) {
    const result = await measure(name, attacks[name] as Attack, options)
    process.stderr.write(rowOf(result))
    measured.push(result)
  }
  process.stdout.write(
    `Requests of ${HEALTHY} healthy agents, median / 99th percentile, before, during and after each attack; two workers.\n` +
      `Failed: healthy requests without an answer to go on with, of ${sum(measured, 'count')} in all. RSS: before, most, after each round.\n` +
      `Retry-After: the median of what healthy agents were told, and the most, before, during and after.\n\n${tableOf(measured)}`
  )
  return sum(measured, 'failed') === 0 ? 0 : 1
}

/** One attack on a balancer of its own, so often as there are rounds. The first one is measured, and of all what is held after it. */
async function measure(name: string, attack: Attack, { phases, rounds }: Options): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-attack-'))
  const material = await makeMaterial()
  const masters = fork(new URL('./masters.ts', import.meta.url))
  const ended: (() => unknown)[] = [
    () => masters.kill(),
    () => rmSync(directory, { recursive: true, force: true })
  ]
  try {
    const [ready] = (await once(masters, 'message')) as [MastersReady]
    const balancer = await startBalancer(directory, material, ready, attack.setting)
    ended.unshift(balancer.stop)
    const { authority } = material
    const identities = await Promise.all(
      Array.from({ length: HEALTHY }, (_, index) =>
        authority.issue({ certname: `healthy-${index}.example.com` })
      )
    )
    const healthy = startHealthyAgents(balancer.port, authority.bundle, identities)
    ended.unshift(healthy.stop)
    const order = { name, port: balancer.port, lists: join(directory, 'crl.pem') }
    const first = await startAttacker(order, material)
    ended.unshift(() => first.kill())
    // The first requests compile the balancer's own code.
    await pause(1_000 * phases.beforeS)
    healthy.take()
    await pause(1_000 * phases.beforeS)
    const before = { latencies: healthy.take(), residentMiB: balancer.residentMiB() }
    await begin(first)
    healthy.take()
    let most = 0
    const look = setInterval(() => {
      most = Math.max(most, balancer.residentMiB())
    }, LOOK_MS)
    await pause(1_000 * phases.duringS)
    const during = healthy.take()
    const count = await stopAttacker(first)
    await pause(1_000 * phases.afterS)
    const after = healthy.take()
    const held = [balancer.residentMiB()]
    while (held.length < rounds) {
      const next = await startAttacker(order, material)
      ended.unshift(() => next.kill())
      await begin(next)
      await pause(1_000 * phases.duringS)
      await stopAttacker(next)
      await pause(1_000 * phases.afterS)
      held.push(balancer.residentMiB())
    }
    clearInterval(look)
    const all = [before.latencies, during, after, healthy.take()]
    return {
      title: attack.title,
      before: before.latencies,
      during,
      after,
      count: sum(all, 'count'),
      failed: sum(all, 'failed'),
      residentMiB: { before: before.residentMiB, most, rounds: held },
      attack: count
    }
  } finally {
    for (const end of ended) await end()
  }
}

/** Resolves when what goes on beside it stands. */
async function startAttacker(
  order: Pick<AttackOrder, 'name' | 'port' | 'lists'>,
  { authority, first }: AttackMaterial
): Promise<ChildProcess> {
  const attacker = fork(new URL('./attacker.ts', import.meta.url))
  attacker.send({ ...order, authority: authority.save(), first } satisfies AttackOrder)
  await once(attacker, 'message')
  return attacker
}

/** Resolves when it begins, which may take a while. */
async function begin(attacker: ChildProcess): Promise<void> {
  attacker.send('prepare')
  await once(attacker, 'message')
}

async function stopAttacker(attacker: ChildProcess): Promise<AttackCount> {
  const counted = once(attacker, 'message') as Promise<[AttackCount]>
  attacker.send('over')
  const [count] = await counted
  return count
}

function sum(all: readonly Readonly<Record<'count' | 'failed', number>>[], what: 'count' | 'failed'): number {
  return all.reduce((total, each) => total + each[what], 0)
}
