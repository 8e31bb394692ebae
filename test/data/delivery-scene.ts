import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { createEligibility } from '../../src/balance/eligibility.ts'
import type { Rank } from '../../src/balance/queue-order.ts'
import type { Generation } from '../../src/data/generation.ts'
import { createBodyRoom } from '../../src/data/http/body-room.ts'
import { createCaPlaces } from '../../src/data/http/ca-places.ts'
import type { Delivery, DispatchDeps, SlotNeed } from '../../src/data/http/delivery.ts'
import { dispatch } from '../../src/data/http/dispatch.ts'
import { type Bookkeeping, type Exchange, endExchange, openExchange } from '../../src/data/http/exchange.ts'
import { createRequestsUnderWay } from '../../src/data/http/moving-on.ts'
import { createOutage } from '../../src/data/http/outage.ts'
import { patienceOf } from '../../src/data/http/patience.ts'
import { createResponder } from '../../src/data/http/respond.ts'
import { createRetryBudget } from '../../src/data/http/retry-budget.ts'
import { createWaitingRoom } from '../../src/data/http/wait.ts'
import type { Master } from '../../src/model/master.ts'
import type { Outcome } from '../../src/model/messages.ts'
import { type Snapshot, tiersOf } from '../../src/model/snapshot.ts'
import { createBodyMemory } from '../../src/shared/body-memory.ts'
import { createSlotTable } from '../../src/shared/slots/table.ts'
import type { AccessEntry } from '../../src/telemetry/access-log.ts'
import { createTrafficMetrics } from '../../src/telemetry/metrics.ts'
import { testHistory } from '../support/history.ts'
import { masters } from '../support/masters.ts'
import { fakeRuntime } from '../support/runtime.ts'
import { type FakeMaster, fakeMaster } from './fake-master.ts'

/** A request that is under way from an agent to a master. */
export interface UnderWay {
  readonly exchange: Exchange
  /** What the agent got so far: status, headers and body; the status is `undefined` until the head is out. */
  readonly answer: {
    status: number | undefined
    readonly headers: Map<string, string>
    body: string
    /** It ended before it was whole. */
    isCut: boolean
    /** How often a head was written. */
    heads: number
  }
  /** The agent goes away. */
  readonly hangUp: () => void
}

export interface Question extends Partial<Omit<Delivery, 'slot'>> {
  readonly method?: string
  /** Whether all of the request has arrived. */
  readonly complete?: boolean
  readonly headers?: Readonly<Record<string, string>>
  readonly rank?: Rank
  /** `null`: it needs no JRuby. */
  readonly slot?: Partial<SlotNeed> | null
  /** Breaks these of the response, once each; one that is named twice, twice. */
  readonly broken?: readonly ('writeHead' | 'write' | 'end')[]
}

/** All that delivers requests, over masters `m0` and `m1` with one JRuby each, whose doings the test says. */
export async function deliveryScene(deps: Partial<DispatchDeps> = {}) {
  const runtime = fakeRuntime()
  const pool = masters({ m0: 1, m1: 1 }) as [Master, Master]
  const upstreams = pool.map(({ name }) => fakeMaster(name)) as [FakeMaster, FakeMaster]
  const table = createSlotTable({ workers: 1, entries: 16 }, runtime)
  await table.setSeats(
    new Map(pool.map(({ seat }) => [seat, { capacity: 1, foreign: 0, takesNewRuns: true }]))
  )
  const metrics = createTrafficMetrics(new Registry())
  const history = testHistory(runtime.now, { tier: () => pool })
  const entries: AccessEntry[] = []
  const defects: string[] = []
  const outcomes: Outcome[] = []
  const results: Parameters<DispatchDeps['addResult']>[] = []
  const board = pool.map(() => 0)
  const charge = ({ seat }: Master, by: number) => {
    board[seat] = (board[seat] as number) + by
  }
  let eligibility = eligibilityOf(pool)
  const onDefect = (error: unknown) => defects.push((error as Error).message)
  const log = { error: ({ err }: { err: Error }) => onDefect(err) } as unknown as Logger
  const caPlaces = createCaPlaces({ workers: 1, runtime, onDefect })
  const room = createWaitingRoom({
    user: table.join(0),
    runtime,
    depth: table.depth,
    catalogs: () => table.waiting(2),
    hasRoom: table.hasRoom,
    hasWarmRoom: table.hasWarmRoom,
    masterAt: seat => pool[seat] as Master,
    onDefect
  })
  const masterOutage = createOutage(runtime.now)
  const masterBudget = createRetryBudget(runtime.now)
  const dispatchDeps: DispatchDeps = {
    metrics,
    responder: createResponder({ ...runtime, metrics, log }),
    now: runtime.now,
    schedule: runtime.schedule,
    random: runtime.random,
    upstreamOf: ({ seat }) => upstreams[seat] as FakeMaster,
    begin: master => charge(master, 1),
    end: master => charge(master, -1),
    report: outcome => outcomes.push(outcome),
    addResult: (seat, result, agent, status) => results.push([seat, result, agent, status]),
    addCompileMs() {},
    snapshot: () => snapshotOf(pool),
    news: { heard() {}, causeOf: () => undefined },
    sighted: listener => listener,
    underWay: createRequestsUnderWay(),
    waitingRoom: room,
    caPlaces,
    outages: { masters: () => masterOutage, ca: createOutage(runtime.now) },
    bodyRoom: createBodyRoom({
      memory: createBodyMemory({ workers: 1, schedule: runtime.schedule }).join(0),
      now: runtime.now,
      onDefect
    }),
    hasRoom: ({ seat }) => table.hasRoom(seat),
    budgetOf: () => masterBudget,
    history,
    ...deps
  }

  const books: Bookkeeping = {
    metrics,
    accessLog: entry => entries.push(entry),
    now: runtime.now,
    history,
    runs: { note() {} },
    saysWhy: () => false,
    generation: () => ({}) as Generation,
    onDefect
  }

  function send(id: string, question: Question = {}): UnderWay {
    const { response, answer, hangUp } = fakeResponse(question.broken)
    const request = fakeRequest(question)
    const exchange = openExchange({ id, request, response, remote: request.socket.remoteAddress }, books)
    response.once('close', () => endExchange(exchange, books))
    exchange.class = 'catalog'
    dispatch(
      {
        identity: [],
        repeatable: true,
        rule: 'least-loaded',
        eligible: tried => eligibility.of({ pinned: -1, tried }),
        pick: candidates => candidates[0],
        nobody: 'no-master',
        waits: true,
        comesBack: () => true,
        outlasts: question.comesBack ?? (() => true),
        patience: () => patienceOf(undefined, 'replaceable'),
        ...question,
        exchange,
        slot: slotNeed(question)
      },
      dispatchDeps
    )
    return { exchange, answer, hangUp }
  }

  return {
    ...{ runtime, pool, upstreams, table, metrics, history, entries, defects, outcomes, results, room, send },
    /** Requests that each master is charged with. */
    board: () => [...board],
    /** Slots taken at each master. */
    taken: () => pool.map(({ seat }) => table.taken(seat)),
    /** Only these serve from now on, and those who wait hear of it. */
    serveOnly(serving: readonly Master[]) {
      eligibility = eligibilityOf(serving)
      room.reconsider()
      caPlaces.reconsider()
    },
    /** How many waits were counted in `queue_seconds`, and how many seconds they were together. */
    async waits() {
      const { values } = await metrics.queueDuration.get()
      const seriesOf = (end: string) => values.find(({ metricName }) => metricName?.endsWith(end))?.value ?? 0
      return { count: seriesOf('_count'), seconds: seriesOf('_sum') }
    }
  }
}

function slotNeed({ slot, rank = 'catalog', comesBack = () => true }: Question): SlotNeed | undefined {
  if (slot === null) return undefined
  return {
    rank,
    isNeeded: true,
    limit: 10,
    memoryBytes: 16 * 1024 ** 2,
    timeoutMs: 30_000,
    comesBack: comesBack(),
    chosen() {},
    failed() {},
    ...slot
  }
}

/** As much of a snapshot as these deliveries look at. */
export function snapshotOf(serving: readonly Master[]): Snapshot {
  return {
    version: 0,
    ca: serving[0] as Master,
    isCaUp: true,
    masters: serving,
    tiers: tiersOf(serving),
    finishing: [],
    doubted: []
  }
}

function eligibilityOf(serving: readonly Master[]) {
  return createEligibility(snapshotOf(serving))
}

function fakeRequest({ method = 'POST', headers = {}, complete = true }: Question): IncomingMessage {
  const socket = Object.assign(new EventEmitter(), { remoteAddress: '10.0.0.1', destroy() {} })
  const message = { url: '/puppet/v3/catalog/a', method, headers, rawHeaders: [], complete, socket }
  return Object.assign(new PassThrough(), message) as unknown as IncomingMessage
}

function fakeResponse(broken: Question['broken'] = []) {
  const answer: UnderWay['answer'] = {
    status: undefined,
    headers: new Map(),
    body: '',
    isCut: false,
    heads: 0
  }
  const left = [...broken]
  const breakOnce = (what: 'writeHead' | 'write' | 'end') => {
    if (!left.includes(what)) return
    left.splice(left.indexOf(what), 1)
    throw new Error(`${what} is broken`)
  }
  const response = Object.assign(new EventEmitter(), {
    headersSent: false,
    destroyed: false,
    writableFinished: false,
    statusCode: 200,
    writeHead(status: number, ...rest: readonly (string | readonly string[])[]) {
      breakOnce('writeHead')
      response.headersSent = true
      response.statusCode = status
      answer.status = status
      answer.heads++
      const headers = rest.at(-1) as readonly string[]
      for (let index = 0; index < headers.length; index += 2)
        answer.headers.set(headers[index] as string, headers[index + 1] as string)
    },
    write(chunk: Buffer) {
      breakOnce('write')
      answer.body += chunk
      return true
    },
    end(body = '') {
      breakOnce('end')
      answer.body += body
      response.writableFinished = true
      response.emit('close')
    },
    destroy() {
      if (response.destroyed) return
      response.destroyed = true
      answer.isCut = !response.writableFinished
      response.emit('close')
    }
  })
  return { response: response as unknown as ServerResponse, answer, hangUp: () => response.destroy() }
}
