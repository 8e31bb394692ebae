import type { Logger } from 'pino'
import { type Bookkeeping, endExchange, openExchange } from '../../src/data/http/exchange.ts'
import { serve } from '../../src/data/http/serve.ts'
import { createState } from '../../src/data/plane-state.ts'
import { createWay } from '../../src/data/way.ts'
import type { Master } from '../../src/model/master.ts'
import type { Order, PlaneStart, Report } from '../../src/model/messages.ts'
import type { Runtime } from '../../src/model/runtime.ts'
import type { Snapshot } from '../../src/model/snapshot.ts'
import { identityHeaders } from '../../src/puppet/identity.ts'
import type { PinTable } from '../../src/shared/pins.ts'
import type { SeatMask, SlotClaim, SlotUser } from '../../src/shared/slots/types.ts'
import type { Upstream } from '../../src/upstream/pools.ts'
import { fakeExchange, type Question, type Talk } from './exchange.ts'

/** A request in the queue, as its worker told the slot table. */
export interface Waiting {
  readonly claim: SlotClaim
  mask: SeatMask
  /** Since when nobody may have it though somebody serves. */
  idleSinceMs: number | undefined
}

export interface WorkerDeps {
  readonly start: PlaneStart
  readonly pins: PinTable
  readonly runtime: Runtime
  readonly log: Logger
  readonly tell: (report: Report) => void
  /** How a master is reached; what it says is passed on through `live`. */
  readonly upstreamOf: (master: Master, live: (work: () => void) => void) => Upstream
  /** Somebody may go to the seats of a mask from now on, or has taken one of them at once. */
  readonly masked: (worker: Worker, claim: SlotClaim, mask: SeatMask) => void
  readonly waited: () => void
  readonly took: (worker: Worker, claim: SlotClaim, seat: number) => void
}

/** A data plane below its listener: all that a request passes, with masters that are not reached by sockets. */
export interface Worker {
  readonly number: number
  readonly snapshot: () => Snapshot
  readonly isServing: () => boolean
  readonly masterAt: (seat: number) => Master | undefined
  readonly pinOf: (certname: string) => number
  readonly waiting: ReadonlyMap<number, Waiting>
  readonly deliver: (order: Order) => void
  readonly ask: (question: Question) => Talk
  readonly isAlive: () => boolean
  /** Its thread ends in the midst of everything. */
  readonly die: () => void
}

export function createWorker(deps: WorkerDeps): Worker {
  const { start, pins, log, tell } = deps
  let isAlive = true
  const live = (work: () => void) => {
    if (isAlive) work()
  }
  const runtime: Runtime = {
    ...deps.runtime,
    schedule: (delayMs, task) => deps.runtime.schedule(delayMs, () => live(task))
  }
  const context = { start, runtime, log, tell }
  const state = createState(context)
  const waiting = new Map<number, Waiting>()
  const way = createWay(context, {
    ...state,
    pins,
    slots: { ...state.slots, join: number => watched(state.slots.join(number)) },
    pools: { ...state.pools, of: master => deps.upstreamOf(master, live) }
  })
  let count = 0

  /** A worker's hands that are looked at, and that a dead one moves no more. */
  function watched(user: SlotUser): SlotUser {
    return {
      ...user,
      take(claim, seat) {
        deps.masked(worker, claim, claim.mask)
        const ticket = user.take(claim, seat)
        if (ticket >= 0) deps.took(worker, claim, seat)
        return ticket
      },
      wait(claim) {
        deps.masked(worker, claim, claim.mask)
        const ticket = user.wait(claim)
        if (ticket < 0) return ticket
        if (user.seatOf(ticket) < 0) deps.waited()
        waiting.set(ticket, { claim, mask: claim.mask, idleSinceMs: undefined })
        return ticket
      },
      remask(ticket, mask) {
        const entry = waiting.get(ticket)
        if (entry && user.seatOf(ticket) < 0) {
          deps.masked(worker, entry.claim, mask)
          entry.mask = mask
        }
        user.remask(ticket, mask)
      },
      release(ticket, servedMs) {
        waiting.delete(ticket)
        user.release(ticket, servedMs)
      },
      seatOf(ticket) {
        if (!isAlive) return -1
        const seat = user.seatOf(ticket)
        if (seat >= 0) waiting.delete(ticket)
        return seat
      },
      reservedForMs: () => (isAlive ? user.reservedForMs() : undefined),
      woken: () => (isAlive ? user.woken() : new Promise(() => {}))
    }
  }

  const worker: Worker = {
    number: start.worker,
    snapshot: state.snapshot,
    isServing: () => state.eligibility().of({ pinned: -1, tried: [] }) !== undefined,
    masterAt: state.masterAt,
    pinOf: certname => pins.get(certname, runtime.now()),
    waiting,
    deliver(order) {
      if (!isAlive) return
      if (order.type === 'ghosts-done') way.dropGhosts(order.masterId, order.leftBeforeMs)
      if (order.type !== 'publish') return
      state.apply(order.publication)
      if (order.publication.snapshot) way.reconsider(order.publication.snapshot)
      tell({ type: 'applied', version: order.publication.version })
    },
    ask(question) {
      const { talk, request, response } = fakeExchange(question, live)
      const id = `${start.worker}-${count++}`
      const books: Bookkeeping = {
        metrics: state.metrics,
        accessLog: ({ status, end }) => talk.settle({ status, end }),
        now: runtime.now,
        history: state.history,
        runs: { note() {} },
        saysWhy: () => false,
        generation: state.generation,
        onDefect(error) {
          throw error
        }
      }
      const exchange = openExchange({ id, request, response, remote: undefined }, books)
      response.once('close', () => endExchange(exchange, books))
      const identity = {
        certname: question.certname,
        headers: identityHeaders(undefined),
        refusal: undefined,
        revocationKeys: [],
        notAfterMs: Number.POSITIVE_INFINITY
      }
      try {
        serve(exchange, identity, { ...way.serveDeps, endConversation() {}, onPinned() {} })
      } catch (error) {
        way.responder.fail(exchange, error)
      }
      talk.isWaiting = () => exchange.record.waitsSinceMs !== undefined
      return talk
    },
    isAlive: () => isAlive,
    die() {
      isAlive = false
      waiting.clear()
    }
  }
  return worker
}
