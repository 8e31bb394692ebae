import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Stage as BenchStage } from './benchmark.ts'
import { cpuMicros, machineMicros } from './cpu.ts'
import { checkFleetProxy } from './fleet-checks.ts'
import { type FleetMeasurement, figuresOf } from './fleet-figures.ts'
import { makeFleetMaterial } from './fleet-material.ts'
import type { FleetOptions } from './fleet-options.ts'
import { type FleetLoad, type FleetMaster, fleets, runsPerSecond } from './fleet-plan.ts'
import { fleetPorts, portOf, proxyPortOf } from './fleet-ports.ts'
import { ordered, startAgents, startMaster } from './fleet-processes.ts'
import type { Material } from './material.ts'
import type { PeerName } from './peers/names.ts'
import { versionsOf, type Wrap } from './peers/programs.ts'
import type { Site } from './peers/site.ts'
import type { Processes, Started } from './processes.ts'
import { startProxy } from './proxies.ts'

/** Probes of all proxies alike; compressed like everything else, they would be most of the load. */
const PROBE_MS = 1000
/** The default of `health.interval`. */
const PUPPET_PROBE_MS = 5_000
/** As somebody who knows agents sets it: a run is seldom silent for so long, and the next one begins later. */
const RUN_GAP_MS = 600_000
/** Probes have found all masters, and the proxy is at rest. */
const SETTLE_MS = 2_500
/** Lets just-in-time compilers and connection pools reach the state they stay in; nothing of it counts. */
const warmUpLoad = { rho: 0.5, runs: 120, seed: 0 } as const
/** Runs that need longer than this times the planned duration, and a minute, are cut. */
const PATIENCE = 3
const PATIENCE_MS = 60_000

export interface FleetSessionOptions extends BenchStage {
  readonly wrap: Wrap
  readonly options: FleetOptions
}

interface Stage {
  readonly agents: Started
  readonly material: Material
  readonly versions: Readonly<Partial<Record<PeerName, string>>>
  readonly session: FleetSessionOptions
}

/** Measures every proxy under every load, the proxies of one load and seed one right after the other. */
export async function measureFleets(session: FleetSessionOptions): Promise<FleetMeasurement[]> {
  const { directory, processes, wrap, options, say } = session
  const versions = await versionsOf(options.proxies, wrap)
  say('making certificates')
  const material = await makeFleetMaterial(directory)
  const agents = await startAgents(processes, directory)
  const measurements: FleetMeasurement[] = []
  for (const fleet of options.fleets) {
    for (const rho of options.rhos) {
      const { firstSeed, seeds, runs, compression } = options
      for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
        const load = { fleet, rho, seed, runs, compression }
        for (const { proxy, balancers } of contendersOf(options)) {
          const seconds = Math.round(runs / runsPerSecond(load))
          say(`${fleet} masters, load ${rho}, seed ${seed}: ${balancers} × ${proxy}, about ${seconds} s`)
          measurements.push(
            await measureOne({ proxy, balancers }, load, { agents, material, versions, session })
          )
        }
      }
    }
  }
  return measurements
}

interface Contender {
  readonly proxy: PeerName
  readonly balancers: number
}

function contendersOf({ proxies, balancers }: FleetOptions): readonly Contender[] {
  return proxies.flatMap(proxy => [
    { proxy, balancers: 1 },
    ...(proxy === 'puppet-lb' && balancers > 1 ? [{ proxy, balancers }] : [])
  ])
}

async function measureOne(
  { proxy, balancers }: Contender,
  load: FleetLoad,
  stage: Stage
): Promise<FleetMeasurement> {
  const { agents, versions, session } = stage
  const { processes, options, say } = session
  const fleet = fleets[load.fleet]
  const added: FleetMaster = { ...(fleet.at(-1) as FleetMaster), name: `m${fleet.length}` }
  const configured = options.kill ? [...fleet, added] : fleet
  const masters = await Promise.all(fleet.map((master, index) => startMaster(processes, master, index)))
  // Balancers that know nothing of each other ask as often as in Puppet's time, where they are measured.
  const probeMs = options.balancers > 1 ? Math.round(PUPPET_PROBE_MS / load.compression) : PROBE_MS
  const proxies = await Promise.all(
    Array.from({ length: balancers }, async (_, index) => {
      const site = siteOf(proxy, index, { load, masters: configured, probeMs, stage })
      const { started } = await startProxy(proxy, site, session)
      return started
    })
  )
  const died = Promise.race(proxies.map(each => each.died))
  const ports = proxies.map((_, index) => proxyPortOf(index))
  await wait(SETTLE_MS)
  await Promise.race([checkAll(proxy, ports, fleet, stage), died])
  const warmUp = ordered(agents, {
    ports,
    load: { ...load, ...warmUpLoad },
    limitMs: PATIENCE_MS
  })
  await Promise.race([warmUp, died])
  const count = (all: readonly Started[]) => all.reduce((sum, { pid }) => sum + cpuMicros(pid), 0)
  const before = {
    masters: count(masters),
    agents: count([agents]),
    proxy: count(proxies),
    machine: machineMicros(),
    own: cpuMicros(process.pid)
  }
  const sinceMs = performance.now()
  const plannedMs = (load.runs / runsPerSecond(load)) * 1000
  const limitMs = plannedMs * PATIENCE + PATIENCE_MS
  const result = ordered(agents, { ports, load, limitMs })
  if (options.kill) {
    const replacing = killAndAdd(masters, added, plannedMs, processes)
    await Promise.race([Promise.all([replacing, result]), died])
  }
  const { runs, timerLag99Ms, elapsedMs } = await Promise.race([result, died])
  const micros = (performance.now() - sinceMs) * 1000
  const cpu = {
    // With a master killed, what it used is lost from the count.
    masters: (count(masters) - (options.kill ? 0 : before.masters)) / micros,
    agents: (count([agents]) - before.agents) / micros,
    proxy: (count(proxies) - before.proxy) / micros,
    others: (machineMicros() - before.machine - (cpuMicros(process.pid) - before.own)) / micros,
    timerLag99Ms
  }
  await Promise.all(proxies.map(each => each.stop()))
  await Promise.all(masters.map(master => master.stop()))
  const jrubies = jrubiesOf(fleet)
  const figures = figuresOf(runs, { compression: load.compression, jrubies, elapsedMs })
  const { runP50, runP99, lightWaitP99, failed, lostReports, mixed, crowded } = figures
  say(
    `  runs p50 ${runP50.toFixed(1)} s, p99 ${runP99.toFixed(1)} s; light wait p99 ${lightWaitP99.toFixed(2)} s; ` +
      `failed ${failed}, reports lost ${lostReports}, mixed ${(mixed * 100).toFixed(1)} %, queued inside a master ${(crowded * 100).toFixed(1)} %; processors: masters ${cpu.masters.toFixed(2)}, ` +
      `agents ${cpu.agents.toFixed(2)}, proxy ${cpu.proxy.toFixed(2)}, others ${cpu.others.toFixed(2)}; ` +
      `timers late by ${timerLag99Ms.toFixed(1)} ms`
  )
  const { kill, threads, logs } = options
  const version = versions[proxy] as string
  return { ...load, proxy, ...(balancers > 1 && { balancers }), kill, threads, logs, version, figures, cpu }
}

interface SiteOptions {
  readonly load: FleetLoad
  readonly masters: readonly FleetMaster[]
  readonly probeMs: number
  readonly stage: Stage
}

/** The job of one proxy; masters weigh as much as they have JRubies. */
function siteOf(proxy: PeerName, index: number, { load, masters, probeMs, stage }: SiteOptions): Site {
  const { threads, logs } = stage.session.options
  return {
    material: stage.material,
    scheme: 'http',
    masters: masters.map(({ name, jrubies }, at) => ({ name, port: portOf(at), jrubies, weight: jrubies })),
    mastersTell: true,
    caPort: fleetPorts.ca,
    port: proxyPortOf(index),
    adminPort: fleetPorts.admin + index,
    threads,
    accessLog: logs ? join(stage.material.directory, `${proxy}.${index}.access.log`) : undefined,
    probeMs,
    runGapMs: RUN_GAP_MS / load.compression
  }
}

async function checkAll(
  proxy: PeerName,
  ports: readonly number[],
  fleet: readonly FleetMaster[],
  { material }: Stage
): Promise<void> {
  for (const port of ports) await checkFleetProxy({ proxy, port, material, jrubies: jrubiesOf(fleet) })
}

function jrubiesOf(fleet: readonly FleetMaster[]): number {
  return fleet.reduce((sum, { jrubies }) => sum + jrubies, 0)
}

/** Ends the last master as `kill -9` does after a third of the time, and starts one more after two thirds. */
async function killAndAdd(
  masters: Started[],
  added: FleetMaster,
  plannedMs: number,
  processes: Processes
): Promise<void> {
  const count = masters.length
  await wait(plannedMs / 3)
  const [victim] = masters.splice(count - 1, 1)
  victim?.child.kill('SIGKILL')
  await wait(plannedMs / 3)
  masters.push(await startMaster(processes, added, count))
}
