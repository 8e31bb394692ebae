import type { SrvRecord } from '../../src/control/sources/srv.ts'
import type { MasterSettings, Settings } from '../../src/model/settings.ts'
import { createMachine, type Fault, faults, type Machine } from './machines.ts'
import { type Mood, moods, type Names } from './names.ts'

export const domain = 'example.com'
const MACHINES = 12
const masterRecords = `_x-puppet._tcp.${domain}`
const caRecords = `_x-puppet-ca._tcp.${domain}`
const urlOf = (host: string) => `https://${host}.${domain}:8140`

/** Machines, and what the file and DNS say of them: both change at random. */
export function createSite(deps: Parameters<typeof createMachine>[1], names: Names) {
  const { dice, schedule } = deps
  const pick = (count: number) => Math.floor(dice() * count)
  const someOf = <Item>(items: readonly Item[]) => items[pick(items.length)] as Item
  const machines = Array.from({ length: MACHINES }, (_, index) => createMachine(`10.0.0.${index + 1}`, deps))
  const ca = createMachine('10.0.0.100', deps)
  const all = [...machines, ca]
  const byAddress = new Map(all.map(machine => [machine.address, machine]))
  const address = (at: number) => (machines[at] as Machine).address
  /** The ways to a machine: one, or two, of which the first leads nowhere or there as well. */
  const ways = (at: number) => {
    const before = someOf([[], [], [`2001:db8::${at}`], [secondAddress(address(at))]])
    return [...before, address(at)]
  }
  for (const machine of machines) byAddress.set(secondAddress(machine.address), machine)
  /** The agent whose manifest is broken. */
  let broken: string | undefined

  for (let index = 0; index < 6; index++) names.addresses.set(`h${index}.${domain}`, ways(index))
  names.addresses.set(`pool.${domain}`, [address(6), address(7)])
  for (let index = 0; index < 3; index++) names.addresses.set(`t${index}.${domain}`, [address(8 + index)])
  names.addresses.set(`ca.${domain}`, [ca.address])
  names.addresses.set(`ca2.${domain}`, [ca.address])
  names.records.set(masterRecords, [0, 1].map(target))
  names.records.set(caRecords, [caTarget('ca')])

  function target(index: number): SrvRecord {
    return { priority: pick(4) === 0 ? 1 : 0, weight: pick(3), port: 8140, name: `t${index}.${domain}` }
  }

  function caTarget(host: string): SrvRecord {
    return { priority: 0, weight: 0, port: 8140, name: `${host}.${domain}` }
  }

  function masters(): readonly MasterSettings[] {
    const named = [0, 1, 2, 3, 4]
      .filter(() => dice() < 0.6)
      .map(index => {
        // Now and then it is another machine of this name.
        const host = dice() < 0.15 ? `h${5}` : `h${index}`
        const priority = pick(6) === 0 ? 1 : 0
        return { name: `m${index}`, url: urlOf(host), weight: pick(12) === 0 ? 0 : 1 + pick(3), priority }
      })
    const pool = { name: 'pool', url: urlOf('pool'), weight: 1, priority: 0, resolve: 'all' as const }
    const capacity = dice() < 0.1 ? { capacity: 1 + pick(4) } : {}
    const several = dice() < 0.5 ? [...named, pool] : named
    return several.length === 0 ? [pool] : several.map(each => ({ ...each, ...capacity }))
  }

  /** Other settings than these. */
  function settings(before: Settings): Settings {
    const srv = dice() < 0.6 ? { domain, refreshMs: 10_000, servers: ['10.0.0.53'] } : undefined
    return {
      ...before,
      masters: masters(),
      ca: srv && dice() < 0.3 ? undefined : { url: urlOf(dice() < 0.1 ? 'ca2' : 'ca') },
      discovery: { refreshMs: 10_000, srv },
      balance: { policy: before.balance.policy, affinity: someOf(['phase', 'run', 'none'] as const) },
      queue: { ...before.queue, timeoutMs: someOf([20_000, 60_000]) }
    }
  }

  function changeNames(): string {
    switch (pick(5)) {
      case 0:
        names.records.set(masterRecords, [0, 1, 2].filter(() => dice() < 0.7).map(target))
        return 'other SRV records'
      case 1:
        names.addresses.set(`pool.${domain}`, [6, 7, 11].filter(() => dice() < 0.7).map(address))
        return 'other addresses of pool'
      case 2: {
        const host = someOf(['h0', 'h1', 't0', 't1', 't2'])
        names.addresses.set(`${host}.${domain}`, ways(pick(MACHINES)))
        return `${host} moves`
      }
      case 3: {
        const host = someOf(['ca', 'ca2'])
        names.records.set(caRecords, [caTarget(host)])
        return `the CA is ${host} by SRV`
      }
      default:
        names.records.set(masterRecords, [])
        return 'no SRV records'
    }
  }

  function disturbNames(): string {
    const asked = [...names.addresses.keys(), masterRecords, caRecords, '*']
    if (names.moods.size > 0 && dice() < 0.6) {
      names.moods.clear()
      return 'DNS answers again'
    }
    const [name, mood]: [string, Mood] = [someOf(asked), someOf(moods)]
    names.moods.set(name, mood)
    return `DNS is ${mood} for ${name}`
  }

  function flap(machine: Machine): void {
    schedule(300 + 6_000 * dice(), () => {
      if (!machine.flaps) return
      machine.become(machine.fault === undefined ? 'refuses' : undefined)
      flap(machine)
    })
  }

  function disturb(): string {
    const machine = someOf(all)
    machine.flaps = false
    if (machine.fault !== undefined && dice() < 0.7) {
      machine.become(undefined)
      return `${machine.address} is well`
    }
    if (dice() < 0.15) {
      machine.flaps = true
      flap(machine)
      return `${machine.address} flaps`
    }
    const fault: Fault = someOf(faults)
    machine.become(fault)
    return `${machine.address} ${fault}`
  }

  function disturbAll(): string {
    const fault = dice() < 0.5 ? undefined : someOf(faults)
    // Nearly all of them, now and then: the rest shows that it can be done better.
    const share = dice() < 0.5 ? 1 : 0.7
    for (const machine of all.filter(() => dice() < share)) {
      machine.flaps = false
      machine.become(fault)
    }
    return `${100 * share} % ${fault ?? 'are well'}`
  }

  function breakManifest(certname: string): string {
    broken = broken === undefined ? certname : undefined
    return broken === undefined ? 'all manifests are well' : `the manifest of ${broken} is broken`
  }

  function load(): string {
    const machine = someOf(machines)
    machine.foreign = dice() < 0.5 ? 0 : pick(4)
    if (dice() < 0.3) machine.jrubies = 1 + pick(3)
    return `${machine.address} has ${machine.jrubies} JRubies and works ${machine.foreign} for others`
  }

  return {
    /** The same with masters that all take new runs. */
    soundSettings(before: Settings): Settings {
      const { masters, ...rest } = settings(before)
      return { ...rest, masters: masters.map(master => ({ ...master, weight: 1 })) }
    },
    ...{ settings, changeNames, disturbNames, disturb, disturbAll, breakManifest, load, someOf, pick },
    isBroken: (path: string) => broken !== undefined && path.includes(`/catalog/${broken}?`),
    /** Whoever takes connections first. */
    machineAt(addresses: readonly string[]): Machine | undefined {
      const found = addresses.flatMap(each => byAddress.get(each) ?? [])
      return found.find(({ fault }) => fault !== 'refuses') ?? found[0]
    },
    heal() {
      names.moods.clear()
      broken = undefined
      for (const machine of all) {
        machine.flaps = false
        machine.foreign = 0
        machine.become(undefined)
      }
    }
  }
}

/** Another address of the same machine. */
function secondAddress(address: string): string {
  return address.replace('10.0.0.', '10.0.1.')
}
