import type { Answer } from '../../src/control/master-watch/line.ts'
import { NoAnswer } from '../../src/control/master-watch/no-answer.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Delivered } from '../data/fake-master.ts'

/**
 * Ways of a Puppet Server to fail. `refuses`: it does not run. `frozen`: SIGSTOP. `fails`: catalogs are 500 at once.
 * `busy`: 503 with Retry-After, `stops`: 503 without one. `drops`: it breaks off what it was asked. `slow`: five times as
 * slow, and too late for half of its probes. `hung`: it shakes hands and answers nothing. `stumbles`: it is well, but one
 * connect fails 50 s after each return.
 */
export const faults = [
  'refuses',
  'frozen',
  'fails',
  'busy',
  'stops',
  'drops',
  'slow',
  'hung',
  'stumbles'
] as const
export type Fault = (typeof faults)[number]

const CONNECT_TIMEOUT_MS = 2_000
const RESPONSE_TIMEOUT_MS = 60_000
const WARM_UP_MS = 4_000
const STUMBLES_AFTER_MS = 50_000

interface Job {
  restMs: number
  sinceMs: number
  cancel: () => void
  readonly done: () => void
  readonly lost: () => void
}

/** A Puppet Server at one address, which works and fails as it is told. */
export interface Machine {
  readonly address: string
  fault: Fault | undefined
  /** Since when there is nothing wrong with it. */
  wellSinceMs: number
  /** It goes and comes by itself. */
  flaps: boolean
  jrubies: number
  /** Requests it runs for others. */
  foreign: number
  readonly become: (fault: Fault | undefined) => void
  /** A health check or the question for its JRubies. Rejects with a NoAnswer. */
  readonly ask: (path: string, isFresh: boolean, timeoutMs: number, heard: () => void) => Promise<Answer>
  /** A request of an agent. */
  readonly take: (request: Delivered, work: Work) => void
}

/** What a request takes. */
export interface Work {
  readonly isCatalog: boolean
  readonly ms: number
  /** It is a catalog whose manifest is broken, at whatever master. */
  readonly isBroken: boolean
}

type Deps = Pick<Runtime, 'now' | 'schedule'> & { readonly dice: () => number }

export function createMachine(address: string, { now, schedule, dice }: Deps): Machine {
  const jobs = new Set<Job>()
  let borrowed = 1
  let warmAtMs = Number.NEGATIVE_INFINITY
  /** `undefined`: it has not been asked since it stumbled. */
  let stumblesAtMs: number | undefined
  const isStill = (fault: Fault | undefined) => fault === 'frozen' || fault === 'hung'

  function begin(job: Job): void {
    job.sinceMs = now()
    job.cancel = schedule(job.restMs, () => {
      jobs.delete(job)
      job.done()
    })
  }

  function work(restMs: number, done: () => void, lost: () => void): void {
    const job: Job = { restMs, sinceMs: now(), cancel() {}, done, lost }
    borrowed++
    jobs.add(job)
    if (!isStill(machine.fault)) begin(job)
  }

  function freeze(): void {
    for (const job of jobs) {
      job.cancel()
      job.restMs = Math.max(0, job.restMs - (now() - job.sinceMs))
    }
  }

  function stop(): void {
    for (const job of jobs) {
      job.cancel()
      jobs.delete(job)
      job.lost()
    }
  }

  function start(): void {
    borrowed = 0
    warmAtMs = now() + WARM_UP_MS
  }

  function jrubyReport(): string {
    const isWarm = now() >= warmAtMs
    const all = isWarm ? jobs.size + machine.foreign : machine.jrubies
    const metrics = {
      'num-jrubies': machine.jrubies,
      'num-free-jrubies': Math.max(0, machine.jrubies - all),
      'requested-instances': Array.from({ length: Math.max(0, all - machine.jrubies) }, () => ({})),
      'borrow-count': isWarm ? borrowed + 1 : 0
    }
    return JSON.stringify({ status: { experimental: { metrics } } })
  }

  function noAnswer(code: string, isTaken: boolean, isConnected: boolean): NoAnswer {
    const isLate = code === 'timed out'
    return new NoAnswer(Object.assign(new Error(code), { code }), { isLate, isTaken, isConnected })
  }

  function answer(request: Delivered, { isCatalog, ms, isBroken }: Work): void {
    const head = (status: number, headers = {}) => {
      request.head(status, headers)
      request.data('a word')
      request.end()
    }
    switch (machine.fault) {
      case 'busy':
        schedule(3, () => head(503, { 'retry-after': '30' }))
        return
      case 'stops':
        schedule(3, () => head(503))
        return
      case 'drops':
        schedule(5, () => request.fail('UND_ERR_SOCKET'))
        return
      case 'fails':
        if (isCatalog) {
          schedule(5, () => head(500))
          return
        }
    }
    const workMs = isBroken ? ms / 10 : ms
    work(
      machine.fault === 'slow' ? 5 * workMs : workMs,
      () => head(isBroken ? 500 : 200),
      () => request.fail('UND_ERR_SOCKET')
    )
    schedule(RESPONSE_TIMEOUT_MS, () => request.fail('UND_ERR_HEADERS_TIMEOUT'))
  }

  /** One connect fails; the next one that is asked for says that it is back. */
  function hasStumbled(): boolean {
    stumblesAtMs ??= now() + STUMBLES_AFTER_MS
    if (machine.fault !== 'stumbles' || now() < stumblesAtMs) return false
    stumblesAtMs = undefined
    return true
  }

  const machine: Machine = {
    address,
    fault: undefined,
    wellSinceMs: now(),
    flaps: false,
    jrubies: 1 + Math.floor(3 * dice()),
    foreign: 0,
    become(fault) {
      const before = machine.fault
      if (fault === before) return
      machine.fault = fault
      machine.wellSinceMs = fault === undefined ? now() : Number.POSITIVE_INFINITY
      if (fault === 'refuses') stop()
      else if (before === 'refuses') start()
      if (isStill(fault) && !isStill(before)) freeze()
      else if (isStill(before) && !isStill(fault)) for (const job of jobs) begin(job)
    },
    async ask(path, isFresh, timeoutMs, heard) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      if (machine.fault === 'refuses') schedule(2, () => reject(noAnswer('ECONNREFUSED', false, false)))
      else if (machine.fault === 'frozen')
        schedule(timeoutMs, () => reject(noAnswer('timed out', true, !isFresh)))
      else if (machine.fault === 'hung') schedule(timeoutMs, () => reject(noAnswer('timed out', true, true)))
      else if (machine.fault === 'slow' && dice() < 0.5) {
        schedule(10, heard)
        schedule(timeoutMs, () => reject(noAnswer('timed out', true, true)))
      } else
        schedule(5 + 20 * dice(), () => {
          heard()
          resolve({ status: 200, body: path.includes('jruby') ? jrubyReport() : 'running' })
        })
      return promise
    },
    take(request, work) {
      if (machine.fault === 'refuses' || hasStumbled()) schedule(2, () => request.fail('ECONNREFUSED'))
      else if (machine.fault === 'frozen' && dice() < 0.5)
        schedule(CONNECT_TIMEOUT_MS, () => request.fail('UND_ERR_CONNECT_TIMEOUT'))
      else
        schedule(2, () => {
          request.connect()
          if (!request.aborted()) answer(request, work)
        })
    }
  }
  return machine
}
