import type { Operation, OperationReport } from '../model/operation.ts'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { MasterStatus } from '../model/status.ts'
import { type AdminAddress, type AdminFlags, findAdmin } from './admin-address.ts'
import { askAdmin } from './admin-client.ts'
import { harmless } from './paint.ts'
import { createProgress } from './progress.ts'
import { stayAlive, type Terminal } from './terminal.ts'

export interface OperateOptions extends AdminFlags {
  /** Goes on until the operation has had its whole effect. */
  readonly wait?: boolean
  /** Longest wait in milliseconds; default: without end. */
  readonly timeout?: number
}

/** Another change may be waited for, and a master that comes back is asked once. */
const TIMEOUT_MS = 90_000
const LOOK_MS = 500
/** Who nobody answers for so long has lost the balancer. One that is taken over from is away for less. */
const AWAY_MS = 15_000
/** Masters that a line of progress names. */
const MAX_NAMED = 2

/**
 * Has a running balancer drain a master, give it back to work, take it out or weigh it anew, and says what came of it.
 * Exit code: 0 when it did, 1 when there is no such master, 2 when it was waited for and did not come. Rejects with a
 * ConfigError, or an Error when the balancer cannot be asked.
 */
export async function operate(
  name: string,
  operation: Operation,
  options: OperateOptions,
  io: Terminal
): Promise<number> {
  const address = await findAdmin(options, io.env)
  const answer = await askAdmin(address, {
    path: `/api/masters/${encodeURIComponent(name)}/${operation.action}`,
    method: 'POST',
    accept: [200, 404],
    timeoutMs: TIMEOUT_MS,
    ...(operation.action === 'weight' && { body: JSON.stringify({ weight: operation.weight }) })
  })
  if (answer.status === 404) {
    if (answer.reason !== 'unknown-master')
      throw new Error(`the balancer at ${address.name} does not know this command: it is an older one`)
    io.err(`puppet-lb: ${answer.text.trim()}\n`)
    return 1
  }
  const { done, masters, warnings } = answer.json() as OperationReport
  for (const warning of warnings) io.err(`warning: ${warning}\n`)
  for (const sentence of done) io.out(`${sentence}\n`)
  if (!options.wait || operation.action === 'weight') return 0
  return waitFor(
    masters.map(master => master.name),
    operation.action,
    address,
    options,
    io
  )
}

type Goal = Exclude<Operation['action'], 'weight'>

/** What a master has to come to, by what was wanted of it: in mode `mode` it `isReached`, and then `is` this. */
const goals: Readonly<
  Record<
    Goal,
    {
      readonly modes: readonly string[]
      readonly isReached: (master: MasterStatus) => boolean
      readonly is: string
      /** What is still missing, in a few words. */
      readonly left: (master: MasterStatus) => string
    }
  >
> = {
  drain: {
    modes: ['draining', 'drained', 'leaving'],
    isReached: ({ mode }) => mode === 'drained',
    is: 'drained',
    left: ({ inFlight }) =>
      inFlight === 0 ? 'no request open, waiting for the runs it has' : openRequests(inFlight)
  },
  maint: {
    modes: ['maint', 'leaving'],
    isReached: ({ inFlight }) => inFlight === 0,
    is: 'in maintenance, and no request is left there',
    left: ({ inFlight }) => openRequests(inFlight)
  },
  undrain: {
    modes: ['active', 'leaving'],
    isReached: ({ state }) => state === 'up',
    is: 'up',
    left: ({ state, cause }) => (cause === null ? state : `${state} (${cause})`)
  }
}

/**
 * Looks again and again until all are there, one of them was wanted otherwise meanwhile, or the time is over. Rejects when
 * the balancer is away for longer than one that is taken over from.
 */
async function waitFor(
  names: readonly string[],
  goal: Goal,
  address: AdminAddress,
  { timeout }: OperateOptions,
  io: Terminal
): Promise<number> {
  const { runtime = systemRuntime } = io
  const endMs = runtime.wallClock() + (timeout ?? Number.POSITIVE_INFINITY)
  const { modes, isReached, is, left: missing } = goals[goal]
  const progress = createProgress({ ...io, runtime })
  let waiting = names
  let answeredMs = runtime.wallClock()
  /** `undefined`: nobody answered, which may be for a moment. */
  async function look(): Promise<readonly MasterStatus[] | undefined> {
    try {
      const all = (await askAdmin(address, { path: '/api/masters' })).json() as readonly MasterStatus[]
      answeredMs = runtime.wallClock()
      return all
    } catch (error) {
      if (runtime.wallClock() >= Math.min(answeredMs + AWAY_MS, endMs)) throw error
      return undefined
    }
  }
  const letEnd = stayAlive()
  try {
    for (;;) {
      const all = await look()
      if (!all) {
        await pause(LOOK_MS, runtime)
        continue
      }
      const left: string[] = []
      progress.clear()
      for (const name of waiting) {
        const master = memberOf(all, name)
        if (!master) io.out(`${name} has left\n`)
        else if (!modes.includes(master.mode)) {
          io.err(`puppet-lb: ${name} is ${master.mode} by now: somebody wanted it otherwise meanwhile\n`)
          return 2
        } else if (isReached(master)) io.out(`${name} is ${is}\n`)
        else left.push(name)
      }
      if (left.length === 0) return 0
      if (runtime.wallClock() >= endMs) {
        for (const name of left) io.err(`puppet-lb: ${describeLate(memberOf(all, name), is)}\n`)
        return 2
      }
      waiting = left
      progress.show(
        describeLeft(
          left.map(name => memberOf(all, name) as MasterStatus),
          missing
        )
      )
      await pause(Math.min(LOOK_MS, endMs - runtime.wallClock()), runtime)
    }
  } finally {
    progress.clear()
    letEnd()
  }
}

/** The one that is no longer the configured one leaves beside its successor of the same name. */
function memberOf(all: readonly MasterStatus[], name: string): MasterStatus | undefined {
  const named = all.filter(master => master.name === name)
  return named.find(({ mode }) => mode !== 'leaving') ?? named[0]
}

/** In one line, however many there are. */
function describeLeft(masters: readonly MasterStatus[], missing: (master: MasterStatus) => string): string {
  const named = masters.slice(0, MAX_NAMED).map(master => `${master.name}: ${missing(master)}`)
  const more = masters.length - named.length
  return harmless([...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; '))
}

function openRequests(count: number): string {
  return `${count} ${count === 1 ? 'request' : 'requests'} open`
}

function describeLate(master: MasterStatus | undefined, is: string): string {
  if (!master) return 'it has left'
  const { name, state, mode, inFlight, cause } = master
  const why = cause === null ? '' : ` (${cause})`
  return `${name} is not ${is} in time: it is ${state}${why}, ${mode}, and has ${inFlight} open requests`
}

function pause(delayMs: number, { schedule }: Pick<Runtime, 'schedule'>): Promise<void> {
  return new Promise(resolve => void schedule(delayMs, resolve))
}
