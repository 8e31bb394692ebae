import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startBalancer } from '../attack/balancer.ts'
import { makeMaterial } from '../attack/material.ts'
import { seededDice } from '../support/runtime.ts'
import { createChanges } from './changes.ts'
import { startFleet } from './fleet.ts'
import { startMaster } from './masters.ts'
import { parseOptions, usage } from './options.ts'

const AGENTS = 12
const REVOKED_AT_MOST = 4
const SECOND_MS = 1_000
/** The file is looked at every second, and settles for a third of one. */
const REVOCATION_GRACE_MS = 10_000
/** Of memory after the warm-up, what the second half may have more than the first at its least. */
const GROWTH_MIB = 40
const GROWTH_DESCRIPTORS = 30
/** Connections of a worker end with it; until its successor serves, those at its door are lost as well. */
const WORKER_DEATH_MS = 3_000
/** A master that goes down takes the reports with it that its JRubies work on: they are not sent twice. */
const REPORTS_LOST_EACH = 4

const crashModule = new URL('../support/crash-on-request.ts', import.meta.url).href

// Mixed load while everything changes and breaks. Exit code: 0 when no run failed but those of revoked agents and those
// that are allowed for, and nothing grew; 1 otherwise. Allowed are, for each worker that is killed under load, one run of
// each agent whose connection was there, and for each master that is killed or frozen as many reports as it has JRubies.
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const options = parseOptions(argv)
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n\n${usage}`)
    return 1
  }
  if (!options.help) return soak(options.minutes * 60, seededDice(options.seed))
  process.stdout.write(usage)
  return 0
}

interface Sample {
  readonly residentMiB: number
  readonly descriptors: number
}

async function soak(seconds: number, random: () => number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'puppet-lb-soak-'))
  const material = await makeMaterial()
  const { authority } = material
  const [ca, ...masters] = await Promise.all(['ca', 'm1', 'm2', 'm3'].map(startMaster))
  if (!ca) throw new Error('no CA')
  const urls = { ca: ca.url, masters: masters.map(({ url }) => url) }
  const balancer = await startBalancer(directory, material, urls, {
    log: 'read',
    nodeOptions: ['--import', crashModule],
    settings: {
      tls: { crl: { file: 'crl.pem', refresh: '1s' } },
      health: { interval: '1s', timeout: '500ms' }
    }
  })
  const identities = await Promise.all(
    Array.from({ length: AGENTS }, (_, index) => authority.issue({ certname: `agent-${index}.example.com` }))
  )
  const fleet = startFleet({ port: balancer.port, ca: authority.bundle }, identities)
  const changes = createChanges({ directory, authority, settings: balancer.settings, random })
  const samples: Sample[] = []
  const revoked: string[] = []
  const done: Record<string, number> = {}
  const does = async (what: string, work: () => unknown) => {
    await work()
    done[what] = (done[what] ?? 0) + 1
  }

  async function killWorker(): Promise<void> {
    fleet.workerDies(WORKER_DEATH_MS)
    await crash(balancer.port, authority.bundle)
  }

  async function breakMaster(): Promise<void> {
    const master = masters[Math.floor(masters.length * random())]
    if (!master) return
    const isKilled = random() < 0.5
    if (isKilled) master.kill()
    else master.freeze()
    await pause((2 + 4 * random()) * SECOND_MS)
    if (isKilled) master.restart()
    else master.thaw()
    done[isKilled ? 'masters killed' : 'masters frozen'] =
      (done[isKilled ? 'masters killed' : 'masters frozen'] ?? 0) + 1
  }

  /** One of the three at a time, and never for long: the other two may be broken meanwhile. */
  async function operate(): Promise<void> {
    const name = `m${1 + Math.floor(3 * random())}`
    for (const action of [random() < 0.5 ? 'drain' : 'maint', 'weight', 'undrain']) {
      const answer = await fetch(`http://127.0.0.1:${balancer.adminPort}/api/masters/${name}/${action}`, {
        method: 'POST',
        headers: { 'x-puppet-lb': '1' },
        ...(action === 'weight' && { body: JSON.stringify({ weight: 1 + Math.floor(9 * random()) }) })
      })
      if (!answer.ok) throw new Error(`${action} ${name} was answered ${answer.status}`)
    }
  }

  try {
    for (let second = 1; second <= seconds; second++) {
      await pause(SECOND_MS)
      if (second % 5 === 1) await does('configurations', changes.configuration)
      if (second % 5 === 3) await does('certificates', changes.certificate)
      if (second % 7 === 0) await does('revocation lists', () => changes.revocations(revoked))
      if (second % 60 === 20 && revoked.length < REVOKED_AT_MOST) {
        const index = revoked.length
        revoked.push((identities[index] as (typeof identities)[number]).serial)
        await changes.revocations(revoked)
        fleet.revoke(index, REVOCATION_GRACE_MS)
      }
      if (second % 30 === 5) await does('log readers stalled', balancer.stallLog)
      if (second % 30 === 15) balancer.readLog()
      if (second % 15 === 9) await breakMaster()
      if (second % 15 === 1) await does('masters drained or taken out', operate)
      if (second % 60 === 50) await does('workers killed', killWorker)
      if (second % 10 === 0) samples.push(sampleOf(balancer))
      if (second % 60 === 0) process.stderr.write(`# ${second} s: ${JSON.stringify(fleet.count)}\n`)
    }
  } finally {
    await fleet.stop()
    await balancer.stop()
    await Promise.all([ca, ...masters].map(master => master.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
  return judge(fleet.count, samples, done, revoked.length)
}

function judge(
  { runs, failures, reportsLost, cut, refused, letIn }: ReturnType<typeof startFleet>['count'],
  samples: readonly Sample[],
  done: Readonly<Record<string, number>>,
  revoked: number
): number {
  const half = Math.floor(samples.length / 2)
  // The first quarter is warm-up.
  const [first, second] = [samples.slice(Math.floor(half / 2), half), samples.slice(half)]
  const grew = (['residentMiB', 'descriptors'] as const).map(what => {
    const [before, after] = [first, second].map(part => Math.min(...part.map(each => each[what])))
    return { what, before: before ?? 0, after: after ?? 0 }
  })
  const mayBeCut = AGENTS * (done['workers killed'] ?? 0)
  const wereCut = Object.values(cut).reduce((sum, runs) => sum + runs, 0)
  const mayBeLost = REPORTS_LOST_EACH * ((done['masters killed'] ?? 0) + (done['masters frozen'] ?? 0))
  process.stdout.write(
    `${runs} runs, ${failures.length} failed; ${refused} runs of ${revoked} revoked agents refused, ${letIn} let in.\n` +
      `${reportsLost} reports lost with masters, of ${mayBeLost} allowed.\n` +
      `${wereCut} runs cut with workers, of ${mayBeCut} allowed: ${causesOf(cut)}.\n` +
      `${Object.entries(done)
        .map(([what, times]) => `${times} ${what}`)
        .join(', ')}.\n` +
      grew
        .map(
          ({ what, before, after }) =>
            `${what}: ${before} at least after warm-up, ${after} in the second half.\n`
        )
        .join('') +
      failures.map(failure => `failed: ${failure}\n`).join('')
  )
  const isSteady = grew.every(({ what, before, after }) =>
    what === 'residentMiB' ? after <= before + GROWTH_MIB : after <= before + GROWTH_DESCRIPTORS
  )
  const isWithinAllowance = wereCut <= mayBeCut && reportsLost <= mayBeLost
  return failures.length === 0 && letIn === 0 && isWithinAllowance && isSteady ? 0 : 1
}

function causesOf(cut: Readonly<Record<string, number>>): string {
  return (
    Object.entries(cut)
      .map(([cause, runs]) => `${runs} with ${JSON.stringify(cause)}`)
      .join(', ') || 'none'
  )
}

function sampleOf({ residentMiB, pid }: Awaited<ReturnType<typeof startBalancer>>): Sample {
  return { residentMiB: residentMiB(), descriptors: readdirSync(`/proc/${pid}/fd`).length }
}

/** Kills whichever worker takes the connection. */
function crash(port: number, ca: string): Promise<void> {
  return new Promise(resolve => {
    const agent = new Agent({ ca })
    request({ host: '127.0.0.1', port, servername: 'puppet', agent, path: '/crash' })
      .on('response', () => resolve())
      .on('error', () => resolve())
      .end()
  })
}
