import { setTimeout as wait } from 'node:timers/promises'
import { openConnection } from './agent-connection.ts'
import { fleetAgentNames } from './fleet-material.ts'
import type { Receipt } from './fleet-messages.ts'
import { bytesOf, catalogStep, type Step, stepsOf } from './fleet-steps.ts'
import { agentContext, type Material } from './material.ts'
import type { PeerName } from './peers/names.ts'

/** Requests of each class that queue. */
const QUEUED = 4
/** JRubies get free one after the other: the first after this long, each other one so much later. */
const FIRST_FREE_MS = 900
const APART_MS = 40
/** Until what was sent has arrived. */
const ARRIVAL_MS = 250
const LIGHT_MS = 5

/** Those that promise to let light requests overtake catalogs. */
const prioritisers: readonly PeerName[] = ['puppet-lb', 'haproxy-expert', 'haproxy-phase', 'haproxy-priority']

export interface FleetCheckOptions {
  readonly proxy: PeerName
  readonly port: number
  readonly material: Material
  /** JRubies of the whole fleet. */
  readonly jrubies: number
}

/**
 * Throws unless the proxy does what its name promises: with all JRubies taken, light requests that came later get the
 * first free ones, before catalogs that queue already, and none queues inside a master.
 */
export async function checkFleetProxy({ proxy, port, material, jrubies }: FleetCheckOptions): Promise<void> {
  if (!prioritisers.includes(proxy)) return
  // The last names: their next runs are far away.
  const names = fleetAgentNames.slice(-jrubies - 2 * QUEUED)
  const connections = await Promise.all(
    names.map(certname => openConnection(port, agentContext(material, certname)))
  )
  const ask = async (index: number, step: (certname: string) => Step, serviceMs: number) => {
    const { status, body } = await (connections[index] as (typeof connections)[number]).ask(
      bytesOf(step(names[index] as string), serviceMs)
    )
    if (status !== 200) throw new Error(`${proxy} answered ${status} while its order was checked`)
    return JSON.parse(body.toString('latin1')) as Receipt
  }
  const each = (count: number, task: (index: number) => Promise<Receipt>) =>
    Promise.all(Array.from({ length: count }, (_, index) => task(index)))
  try {
    const fillers = each(jrubies, index => ask(index, catalogStep, FIRST_FREE_MS + APART_MS * index))
    await wait(ARRIVAL_MS)
    const catalogs = each(QUEUED, index => ask(jrubies + index, catalogStep, LIGHT_MS))
    await wait(ARRIVAL_MS)
    const lights = each(QUEUED, index => ask(jrubies + QUEUED + index, firstOf, LIGHT_MS))
    const claims = { fillers: await fillers, catalogs: await catalogs, lights: await lights }
    claimOrder(proxy, claims)
  } finally {
    await Promise.all(connections.map(connection => connection.close()))
  }
}

/** What masters said of the requests of a check. */
export interface CheckedReceipts {
  readonly fillers: readonly Receipt[]
  readonly catalogs: readonly Receipt[]
  readonly lights: readonly Receipt[]
}

/** Throws a sentence unless the order is as promised. */
export function claimOrder(proxy: PeerName, { fillers, catalogs, lights }: CheckedReceipts): void {
  const started = (receipts: readonly Receipt[]) => receipts.map(({ startedAtMs }) => startedAtMs)
  if (Math.max(...started(lights)) > Math.min(...started(catalogs))) {
    throw new Error(`${proxy} let a light request wait behind a catalog that came before it`)
  }
  if ([...fillers, ...catalogs, ...lights].some(({ isCrowded }) => isCrowded)) {
    throw new Error(`${proxy} let requests queue inside a master`)
  }
}

function firstOf(certname: string): Step {
  return stepsOf(certname)[0] as Step
}
